//! Every collector on this machine.

use crate::exposition::{everything, read, scrape};

#[test]
fn every_collector_answers_here_and_the_text_keeps_its_rules() {
    let switches = everything();
    let mut arguments: Vec<&str> = switches.iter().map(String::as_str).collect();
    // On a busy machine a deadline is no test.
    arguments.push("--collector.deadline=120s");
    let text = scrape(&arguments);
    let families = read(&text);
    let collectors = procyon_exporter::node::NODE.len();
    assert_eq!(families.get("node_scrape_collector_success"), Some(&collectors));
    assert_eq!(families.get("node_scrape_collector_duration_seconds"), Some(&collectors));
    for collector in
        ["cpu", "diskstats", "loadavg", "meminfo", "netdev", "os", "stat", "time", "uname", "vmstat", "processes"]
    {
        let success = format!("node_scrape_collector_success{{collector=\"{collector}\"}} 1\n");
        assert!(text.contains(&success), "{collector} did not succeed");
    }
}

#[test]
fn what_the_kernel_says_is_what_is_served() {
    let text = scrape(&["--collector.disable-defaults", "--collector.meminfo", "--collector.stat"]);
    let total = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kib: f64 = total.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    let line = text.lines().find(|line| line.starts_with("node_memory_MemTotal_bytes ")).unwrap();
    let served: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((served - kib * 1024.0).abs() < 1.0);
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let boot: f64 = stat.lines().find_map(|line| line.strip_prefix("btime ")).unwrap().parse().unwrap();
    let line = text.lines().find(|line| line.starts_with("node_boot_time_seconds ")).unwrap();
    assert!((line.split(' ').nth(1).unwrap().parse::<f64>().unwrap() - boot).abs() <= 1.0);
}

#[test]
fn text_files_are_merged_and_their_faults_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.prom", "# HELP m First.\n# TYPE m gauge\nm{x=\"1\"} 1\n");
    write("b.prom", "# HELP m First.\n# TYPE m gauge\nm{y=\"2\"} 2\n");
    write("c.prom.tmp", "never 1\n");
    let directory = format!("--collector.textfile.directory={}", folder.path().display());
    let arguments = ["--collector.disable-defaults", "--collector.textfile", &directory];
    let text = scrape(&arguments);
    assert!(text.contains("m{x=\"\",y=\"2\"} 2\nm{x=\"1\",y=\"\"} 1\n"), "{text}");
    assert!(text.contains("node_textfile_scrape_error 0\n"));
    assert_eq!(read(&text).get("node_textfile_mtime_seconds"), Some(&2));
    write("d.prom", "m{z=\"3\"} 3 1234567890\n");
    let text = scrape(&arguments);
    assert!(text.contains("node_textfile_scrape_error 1\n") && !text.contains("z=\"3\""), "{text}");
    // One that is cut has lost nobody knows what.
    write("d.prom", &format!("m{{z=\"3\"}} 3\n{}", "# and so on\n".repeat(3 << 20)));
    let text = scrape(&arguments);
    assert!(text.contains("node_textfile_scrape_error 1\n") && !text.contains("z=\"3\""), "{text}");
    // No folder at all is no fault.
    let text = scrape(&["--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory="]);
    assert!(text.contains("node_textfile_scrape_error 0\n"), "{text}");
}

#[test]
fn hidden_and_older_flags_are_taken_and_pairs_exclude_each_other() {
    use procyon_exporter::scrape::Collectors;
    use procyon_units::SystemClock;
    let make = |arguments: &[&str]| {
        Collectors::new(&crate::exposition::flags(arguments), std::sync::Arc::new(SystemClock)).map(|_| ())
    };
    assert!(make(&["--collector.filesystem.ignored-mount-points=^/x"]).is_ok());
    assert!(make(&["--collector.netdev.device-include=a", "--collector.netdev.device-exclude=b"]).is_err());
    assert!(make(&["--collector.netdev.device-include=("]).is_err());
    assert!(make(&["--collector.systemd"]).is_ok());
}
