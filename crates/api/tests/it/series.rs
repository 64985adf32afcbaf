//! Charts: values over time.

use serde_json::Value;

use crate::site::Site;

#[test]
fn values_lie_on_a_grid_and_the_unknown_is_null() {
    let site = Site::start();
    let own = site.key(std::process::id());
    let frame = site.tick();
    let host = site.json("/api/v1/hosts/local/series?columns=mem_used,cpu_busy&from=-10s&step=1s");
    let times = host["times"].as_array().unwrap();
    assert!((10..=12).contains(&times.len()), "{times:?}");
    assert!(times.iter().all(|at| at.as_i64().unwrap() % 1000 == 0));
    let used = host["series"][0]["values"]["mem_used"].as_array().unwrap();
    assert_eq!(used.len(), times.len());
    assert_eq!(used[0], Value::Null, "ten seconds ago this server did not run");
    let last = used.iter().rev().find_map(Value::as_f64).unwrap();
    let now = frame.machine.memory.get().unwrap().used().0 as f64;
    assert!((last - now).abs() / now < 0.05, "{last} {now}");
    let lines = site.json(&format!("/api/v1/hosts/local/series?scope=process&keys={own}&columns=rss,cpu&from=-10s"));
    assert_eq!(lines["series"][0]["key"], own.as_str());
    let rss = lines["series"][0]["values"]["rss"].as_array().unwrap().iter().rev().find_map(Value::as_f64).unwrap();
    let kept = frame.process_by_pid(std::process::id()).unwrap().memory.get().unwrap().resident.0 as f64;
    assert!((rss - kept).abs() / kept < 0.2, "{rss} {kept}");
    let all = site.json("/api/v1/hosts/local/series?scope=process&columns=cpu&from=-30s");
    assert_eq!(all["series"].as_array().unwrap().len(), frame.processes.len());
}

#[test]
fn wrong_ranges_are_refused() {
    let site = Site::start();
    for path in [
        "?from=-1m&to=-2m",
        "?step=0s",
        "?step=banana",
        "?step=10ms",
        "?from=-40000d&to=9223372036854&step=100ms",
        "?from=-40000d&to=9223372036854&step=1d",
        "?step=400000000d",
        "?scope=disk",
        "?columns=os",
        "?columns=boot_time",
        "?scope=process&from=-15m",
        "?scope=process&columns=name&from=-1m",
        "?scope=process&keys=12&from=-1m",
        "?from=0&step=1s",
        "?fold=median",
        "?scope=process&keys=1-1-00000000&columns=exe&from=-1m",
    ] {
        site.problem(&format!("/api/v1/hosts/local/series{path}"), 400);
    }
    site.problem("/api/v1/hosts/local/top?by=name", 400);
    site.problem("/api/v1/hosts/local/top?n=1000", 400);
}

#[test]
fn the_heaviest_and_the_rest_are_everybody() {
    let site = Site::start();
    let burner = procyon_testkit::Workload::start(&["burn", "1.0", "1"]);
    for _ in 0..3 {
        std::thread::park_timeout(std::time::Duration::from_millis(300));
        site.tick();
    }
    // Others may burn more on a busy machine; the sum of all is the same however many are named.
    let burner = site.key(burner.pid());
    let sum = |n: usize| {
        let top = site.json(&format!("/api/v1/hosts/local/top?by=cpu&n={n}&from=-1m"));
        let items = top["items"].as_array().unwrap().clone();
        let named: f64 = items.iter().map(|item| item["value"].as_f64().unwrap()).sum();
        assert!(items.is_sorted_by(|a, b| a["value"].as_f64() >= b["value"].as_f64()), "{top}");
        (named + top["other"]["value"].as_f64().unwrap(), items)
    };
    let ((all, items), (same, _)) = (sum(100), sum(1));
    assert!((all - same).abs() < 1e-6, "{all} {same}");
    let mine = items.iter().find(|item| item["key"] == burner.as_str()).expect("the burner is among the heaviest");
    assert!(mine["value"].as_f64().unwrap() > 0.02, "{mine}");
}
