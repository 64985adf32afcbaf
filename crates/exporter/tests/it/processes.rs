//! Process groups of this machine: alone, in process-exporter's place, and beside the node collectors.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use procyon_exporter::flags::Flags;
use procyon_exporter::process;
use procyon_exporter::web::{self, Exporter};
use procyon_testkit::{Workload, eventually};
use procyon_units::SystemClock;

use crate::exposition::{read, scrape};

/// The exporter of processes with these flags.
fn alone(arguments: &[&str]) -> Exporter {
    let mut flags = Flags::default();
    flags.declare(web::FLAGS);
    flags.declare(&[procyon_exporter::flags::Flag::word("procfs", "/proc", "procfs")]);
    process::declare(&mut flags, "");
    flags.parse(arguments.iter().map(|argument| (*argument).to_owned())).unwrap();
    Exporter::processes(&flags, "1.2.3", Arc::new(SystemClock)).unwrap()
}

fn text(exporter: &Exporter) -> String {
    String::from_utf8(exporter.text()).unwrap()
}

/// The value of a sample.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn own_group() -> (String, String) {
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    let comm = comm.trim_end().to_owned();
    (comm.clone(), format!("{comm}_{}", std::process::id()))
}

#[test]
fn both_sources_serve_the_same_families_of_the_same_groups() {
    let (comm, _) = own_group();
    let series = |source: &str| -> Vec<String> {
        let exporter = alone(&[&format!("-source={source}"), &format!("-procnames={comm}")]);
        read(&text(&exporter)).into_keys().filter(|name| name.starts_with("namedprocess")).collect()
    };
    let expected = series("procfs");
    for name in ["num_procs", "cpu_seconds_total", "memory_bytes", "states", "effective_username", "open_filedesc"] {
        assert!(expected.contains(&format!("namedprocess_namegroup_{name}")), "{name}: {expected:?}");
    }
    // What only the kernel's own list tells comes on top.
    let auto = series("auto");
    assert!(expected.iter().all(|name| auto.contains(name)), "{expected:?} {auto:?}");
}

#[test]
fn without_rules_a_process_is_a_group_with_its_pid_user_and_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (_, group) = own_group();
    let text = text(&alone(&["-top=0", "-netstat-top=0"]));
    read(&text);
    let of = |name: &str, labels: &str| {
        value(&text, &format!("namedprocess_namegroup_{name}{{groupname=\"{group}\"{labels}}}"))
    };
    assert_eq!(of("num_procs", ""), Some(1.0));
    assert_eq!(of("pid", ""), Some(f64::from(std::process::id())));
    let user =
        format!("namedprocess_namegroup_effective_username{{effective_username=\"root\",groupname=\"{group}\"}}");
    let is_root = rustix::process::geteuid().is_root();
    assert!(!is_root || value(&text, &user) == Some(1.0), "{user}");
    let series = format!(
        "namedprocess_namegroup_netstat{{groupname=\"{group}\",local=\"{address}\",protocol=\"tcp\",remote=\"*\"}}"
    );
    // 10 is TCP_LISTEN.
    assert_eq!(value(&text, &series), Some(10.0), "{series}");
    assert!(of("memory_bytes", ",memtype=\"resident\"").is_some_and(|bytes| bytes > 1e5));
    assert!(of("memory_bytes", ",memtype=\"proportionalResident\"").is_some_and(|bytes| bytes > 1e4));
}

#[test]
fn the_largest_and_the_rest_are_all_there_is() {
    let all = text(&alone(&["-top=0", "-netstat=false", "-gather-smaps=false"]));
    let few = text(&alone(&["-top=3", "-netstat=false", "-gather-smaps=false"]));
    let sum = |text: &str, name: &str| -> (f64, usize) {
        let prefix = format!("namedprocess_namegroup_{name}{{");
        let lines = text.lines().filter(|line| line.starts_with(&prefix));
        let values: Vec<f64> = lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
        (values.iter().sum(), values.len())
    };
    let ((processes, groups), (shown, few_groups)) = (sum(&all, "num_procs"), sum(&few, "num_procs"));
    assert_eq!(few_groups, 4, "three and the rest");
    assert!(groups > 4 && (processes - shown).abs() <= processes / 4.0, "{processes} {shown}");
    assert!(few.contains("groupname=\"other\""));
}

#[test]
fn a_workload_is_counted_and_stays_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("grouped-work");
    std::os::unix::fs::symlink(procyon_testkit::program(), &program).unwrap();
    let exporter = alone(&["-procnames=grouped-work", "-children=false"]);
    let workload = Workload::start_as(Command::new(&program).arg0("procyon-workload").args(["burn", "0.5", "1"]));
    let seconds = |text: &str| {
        let series =
            |mode| format!("namedprocess_namegroup_cpu_seconds_total{{groupname=\"grouped-work\",mode=\"{mode}\"}}");
        Some(value(text, &series("user"))? + value(text, &series("system"))?)
    };
    let last = eventually("it has used processor time", Duration::from_mins(1), || {
        seconds(&text(&exporter)).filter(|seconds| *seconds > 0.1)
    });
    drop(workload);
    let gone = text(&exporter);
    assert!(seconds(&gone).unwrap() >= last);
    assert_eq!(value(&gone, "namedprocess_namegroup_num_procs{groupname=\"grouped-work\"}"), Some(0.0));
    assert!(!gone.contains("namedprocess_namegroup_oldest_start_time_seconds{groupname=\"grouped-work\"}"));
}

#[test]
fn beside_the_node_collectors_groups_are_one_of_them() {
    let (comm, _) = own_group();
    let names = format!("--collector.process.procnames={comm}");
    let text = scrape(&["--collector.disable-defaults", "--collector.process", &names, "--collector.deadline=120s"]);
    assert!(text.contains(&format!("namedprocess_namegroup_num_procs{{groupname=\"{comm}\"}}")));
    assert!(text.contains("node_scrape_collector_success{collector=\"process\"} 1\n"));
}

#[test]
fn mistakes_end_the_start() {
    for (arguments, expected) in [
        (&["-config.path=/nowhere/x.yml"][..], "/nowhere/x.yml"),
        (&["-namemapping=a"], "odd number of tokens"),
        (&["-namemapping=a,b", "-config.path=x"], "cannot be used together"),
        (&["-top=many"], "is no whole number"),
        (&["-top-by=size"], "top-by"),
        (&["-source=other"], "is none of auto, ebpf, procfs"),
        (&["-smaps-age=1"], "is no length of time"),
    ] {
        let mut flags = Flags::default();
        flags.declare(web::FLAGS);
        flags.declare(&[procyon_exporter::flags::Flag::word("procfs", "/proc", "procfs")]);
        process::declare(&mut flags, "");
        flags.parse(arguments.iter().map(|argument| (*argument).to_owned())).unwrap();
        let error = Exporter::processes(&flags, "1", Arc::new(SystemClock)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
