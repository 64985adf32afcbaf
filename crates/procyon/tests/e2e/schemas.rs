//! V1: every answer of a real machine is what the OpenAPI document says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Actor, Up};
use crate::http::Answer;

/// The document, and what was held against it.
struct Document {
    text: Value,
    checked: BTreeSet<(String, String)>,
}

impl Document {
    /// The pattern of a path: `/hosts/local/top` is `/api/v1/hosts/{host}/top`.
    fn pattern(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
        let fits = |pattern: &&String| {
            let wanted: Vec<&str> = pattern.split('/').collect();
            wanted.len() == parts.len() && wanted.iter().zip(&parts).all(|(w, p)| w == p || w.starts_with('{'))
        };
        let paths = self.text["paths"].as_object().unwrap();
        paths.keys().find(fits).unwrap_or_else(|| panic!("{path} is not in the document")).clone()
    }

    fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let pattern = self.pattern(path);
        let operation = &self.text["paths"][&pattern][method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{method} {pattern} is not in the document");
        let responses = operation["responses"].as_object().unwrap();
        let status = answer.status.to_string();
        let response = responses
            .get(&status)
            .or_else(|| responses.get("default"))
            .unwrap_or_else(|| panic!("{method} {path}: no {status} in the document"));
        let kind = answer.header("content-type").expect("a content type");
        let schema = &response["content"][kind]["schema"];
        assert!(schema.is_object(), "{method} {path}: {status} {kind} has no schema in {response}");
        let schema = json!({"allOf": [schema], "components": self.text["components"]});
        let validator = jsonschema::validator_for(&schema).unwrap();
        let body = answer.json();
        let mistakes: Vec<String> =
            validator.iter_errors(&body).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(mistakes.is_empty(), "{method} {path}: {mistakes:#?}");
        self.checked.insert((method.to_owned(), pattern));
    }
}

#[test]
fn every_answer_of_a_real_machine_fits_the_document() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "watched", &["--some=argument"]);
    let burner = procyon_testkit::Workload::start(&["burn", "0.2", "2"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let key = up.key(actor.pid());
    let own = up.key(std::process::id());
    up.row_where(burner.pid(), |row| row["cpu"].as_f64() > Some(0.05) && row["read_total"].is_u64());
    let ended = {
        let gone = Actor::start(up.folder(), "gone", &[]);
        up.key(gone.pid())
    };
    procyon_testkit::eventually("the ended one", crate::harness::SOON, || {
        up.get("/hosts/local/ended").text().contains(&ended).then_some(())
    });
    let past = procyon_testkit::eventually("a past of the watched one", crate::harness::SOON, || {
        let kept = up.get("/hosts/local/history").good()["to"].as_i64()?;
        let table = up.get(&format!("/hosts/local/processes/{key}?at={kept}"));
        (table.status == 200 && up.get(&format!("/hosts/local/processes/{own}?at={kept}")).status == 200)
            .then_some(kept)
    });
    let answer = up.get("/openapi.json");
    let mut document = Document { text: answer.good(), checked: BTreeSet::new() };
    assert!(document.text["openapi"].as_str().unwrap().starts_with("3.1"));

    let good = [
        "/openapi.json".to_owned(),
        "/catalogue".to_owned(),
        "/health".to_owned(),
        "/session".to_owned(),
        "/hosts".to_owned(),
        "/hosts/local/figures".to_owned(),
        "/hosts/local/figures?only=disks,cores".to_owned(),
        "/hosts/local/frame".to_owned(),
        "/hosts/local/processes".to_owned(),
        "/hosts/local/processes?columns=*&limit=0".to_owned(),
        "/hosts/local/processes?columns=*&limit=0&group=user".to_owned(),
        "/hosts/local/processes?columns=*&limit=0&view=tree&q=watched".to_owned(),
        format!("/hosts/local/processes/{key}"),
        format!("/hosts/local/processes/{ended}"),
        format!("/hosts/local/processes/{own}"),
        format!("/hosts/local/processes/{key}/threads"),
        format!("/hosts/local/processes/{own}/threads"),
        format!("/hosts/local/processes/{own}/files"),
        format!("/hosts/local/processes/{own}/connections"),
        "/hosts/local/connections".to_owned(),
        format!("/hosts/local/connections?q=local_port%3D%3D{}", listener.local_addr().unwrap().port()),
        "/hosts/local/ended".to_owned(),
        "/hosts/local/series?columns=cpu_busy,mem_used&from=-1m".to_owned(),
        format!("/hosts/local/series?scope=process&keys={key}&columns=cpu,rss&from=-1m&step=1s"),
        "/hosts/local/series?scope=process&columns=cpu&from=-1m".to_owned(),
        "/hosts/local/top?by=cpu&n=6&from=-1m".to_owned(),
        "/hosts/local/history".to_owned(),
        "/hosts/local/step?by=-1".to_owned(),
        "/hosts/local/search?q=watched".to_owned(),
        "/hosts/local/events".to_owned(),
        "/hosts/local/why".to_owned(),
        "/hosts/local/top?by=cpu&group=user&from=-1m".to_owned(),
        "/hosts/local/series?columns=load1&fold=max&from=-1m".to_owned(),
        format!("/hosts/local/series?scope=process&keys={key}&columns=cpu,vsize&from=-1m"),
        format!("/hosts/local/frame?at={past}"),
        format!("/hosts/local/figures?at={past}"),
        format!("/hosts/local/processes?columns=*&limit=0&at={past}"),
        format!("/hosts/local/processes/{key}?at={past}"),
        format!("/hosts/local/processes/{own}/connections?at={past}"),
        format!("/hosts/local/connections?at={past}"),
    ];
    for path in &good {
        let path = format!("/api/v1{path}");
        for token in [Some(up.token.as_str()), None] {
            let answer = up.ask(token, "GET", &path, b"");
            assert!(
                answer.status == 200 || token.is_none() && answer.status == 401,
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            document.check("GET", &path, &answer);
        }
    }
    let wrong = [
        ("GET", "/hosts/nowhere/frame".to_owned(), ""),
        ("GET", "/hosts/local/frame?at=1".to_owned(), ""),
        ("GET", "/hosts/local/frame?at=2099-01-01T00:00:00Z".to_owned(), ""),
        ("GET", "/hosts/local/why?metric=colour".to_owned(), ""),
        ("GET", "/hosts/local/processes?q=cpuu%3E1".to_owned(), ""),
        ("GET", "/hosts/local/processes/1-1-00000000".to_owned(), ""),
        ("POST", "/session".to_owned(), "{\"token\":\"wrong\"}"),
        ("POST", "/session".to_owned(), "nonsense"),
        ("POST", format!("/hosts/local/processes/{key}/signal"), "{\"signal\":\"SIGNONSENSE\"}"),
    ];
    for (method, path, body) in wrong {
        let path = format!("/api/v1{path}");
        let answer = up.ask(Some(&up.token), method, &path, body.as_bytes());
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.text());
        document.check(method, &path, &answer);
    }
    let signal = format!("/api/v1/hosts/local/processes/{key}/signal");
    for (method, path, body) in [
        ("POST", "/api/v1/session", format!("{{\"token\":\"{}\"}}", up.token)),
        ("DELETE", "/api/v1/session", String::new()),
        ("POST", signal.as_str(), "{\"signal\":\"SIGCONT\"}".to_owned()),
    ] {
        let answer = up.ask(Some(&up.token), method, path, body.as_bytes());
        answer.good();
        document.check(method, path, &answer);
    }
    // Nothing in the document was left out, but for the WebSocket, whose messages are no answers.
    for (path, operations) in document.text["paths"].as_object().unwrap() {
        for method in operations
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| ["get", "post", "delete", "put", "patch"].contains(&key.as_str()))
        {
            let done = (method.to_ascii_uppercase(), path.clone());
            let is_socket = path.ends_with("/live") || path.ends_with("/trace");
            assert!(is_socket || document.checked.contains(&done), "{done:?} was not tried");
        }
    }
}
