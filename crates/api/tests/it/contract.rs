//! Every address of the document answers as the document says.

use serde_json::Value;

use crate::client::Ask;
use crate::site::{DOCUMENT, Site};

#[test]
fn every_address_answers_what_the_document_says() {
    let site = Site::start();
    site.tick();
    let own = site.key(std::process::id());
    for (pattern, item) in DOCUMENT["paths"].as_object().unwrap() {
        if pattern.ends_with("/live") || pattern.ends_with("/trace") {
            continue;
        }
        let path = pattern.replace("{host}", "local").replace("{key}", &own);
        for (method, _) in item.as_object().unwrap() {
            let ask = Ask { method: &method.to_uppercase(), path: &path, headers: Vec::new(), body: None };
            for role in [None, Some(&site.viewer), Some(&site.operator)] {
                let ask = role.map_or_else(|| ask.clone(), |token| ask.clone().token(token));
                let reply = site.ask(&ask);
                assert_ne!(reply.status, 404, "{method} {path}: {}", reply.text());
                assert_ne!(reply.status, 405, "{method} {path}: {}", reply.text());
                assert!(reply.status < 500, "{method} {path}: {}", reply.text());
                if role.is_some() && method == "get" {
                    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
                }
            }
        }
    }
}

#[test]
fn the_document_names_every_parameter_and_schema() {
    let text = DOCUMENT.to_string();
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to and not there");
    }
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} says nothing");
            let takes = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = takes.iter().filter(|param| param["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
        }
    }
    assert_eq!(schemas["Problem"]["required"].as_array().unwrap().len(), 4);
}

#[test]
fn a_wrong_answer_would_be_noticed() {
    let schema = serde_json::json!({ "$ref": "#/components/schemas/Process" });
    let fits = |value: &Value| std::panic::catch_unwind(|| crate::site::validate(&schema, value, "a row")).is_ok();
    assert!(fits(&serde_json::json!({ "key": "1-2-00000003", "pid": 1, "cpu": null })));
    for wrong in [
        serde_json::json!({ "pid": "1" }),
        serde_json::json!({ "rss": "12 MB" }),
        serde_json::json!({ "resident": 1 }),
        serde_json::json!({ "key": 1 }),
    ] {
        assert!(!fits(&wrong), "{wrong}");
    }
}

#[test]
fn values_are_those_of_the_frame() {
    let site = Site::start();
    let frame = site.tick();
    let own = std::process::id();
    let all = site.json("/api/v1/hosts/local/frame");
    assert_eq!(all["seq"], frame.seq);
    assert_eq!(all["processes"].as_array().unwrap().len(), frame.processes.len());
    let row = frame.process_by_pid(own).unwrap();
    let told = all["processes"].as_array().unwrap().iter().find(|process| process["pid"] == own).unwrap().clone();
    assert_eq!(told["rss"], row.memory.get().unwrap().resident.0);
    assert_eq!(told["vmpeak"], row.memory.get().unwrap().peak.0);
    assert_eq!(told["threads"], row.threads);
    assert_eq!(told["start"], row.started.unix_ms());
    let detail = site.json(&format!("/api/v1/hosts/local/processes/{}", row.key));
    assert_eq!(detail["values"]["rss"], told["rss"]);
    assert_eq!(detail["state"], "running");
    assert_eq!(detail["limits"][0]["hard"], Value::Null);
    assert_eq!(detail["signal"]["allowed"], false, "procyon does not signal itself");
    assert!(detail["parents"].as_array().unwrap().iter().any(|parent| parent["pid"] == row.ppid) || row.ppid == 0);
    let figures = site.json("/api/v1/hosts/local/figures?only=disks,cores");
    assert_eq!(figures["figures"]["mem_total"], frame.machine.memory.get().unwrap().total.0);
    assert!(figures["cores"].is_array() && figures.get("interfaces").is_none(), "{figures}");
}

#[test]
fn every_figure_of_the_catalogue_is_explained() {
    let site = Site::start();
    let catalogue = site.json("/api/v1/catalogue");
    let figures = catalogue["figures"].as_array().unwrap();
    let scopes: std::collections::BTreeSet<&str> =
        figures.iter().map(|figure| figure["scope"].as_str().unwrap()).collect();
    assert_eq!(scopes.len(), 11, "{scopes:?}");
    let rss = figures.iter().find(|figure| figure["id"] == "rss" && figure["scope"] == "process").unwrap();
    assert_eq!((&rss["unit"], &rss["public"], &rss["kind"]), (&"bytes".into(), &true.into(), &"gauge".into()));
    assert_eq!(rss["title"]["zh"], "常驻内存");
}
