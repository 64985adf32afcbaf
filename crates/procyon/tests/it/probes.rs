//! P1 to P6: the shape of each line, and its values against the kernel's files read by the test.

use std::process::Stdio;

use crate::bench::{Bench, Guard, Lines, assert_shape};

const TIME: &str = r"\d{4}-\d\d-\d\d__\d\d:\d\d:\d\d";

fn kib(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn fields(line: &str) -> Vec<&str> {
    line.trim_end().split(' ').collect()
}

fn number(text: &str, unit: &str) -> f64 {
    text.strip_suffix(unit).unwrap_or_else(|| panic!("{text} ends in {unit}")).parse().unwrap()
}

#[track_caller]
fn near(is: f64, should: f64, tolerance: f64) {
    assert!((is - should).abs() <= tolerance, "{is} is not within {tolerance} of {should}");
}

#[test]
fn mem_agrees_with_meminfo() {
    let bench = Bench::new();
    let said = bench.run(&["mem"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_shape(said.out.trim_end_matches('\n'), &format!(r"{TIME} \d+M \d+M \d+\.\d% \d+\.\d%"));
    let fields = fields(&said.out);
    let total = kib("MemTotal:");
    assert_eq!(fields[1], format!("{}M", (total / 1024.0).floor()));
    near(number(fields[2], "M"), kib("MemAvailable:") / 1024.0, 300.0);
    near(number(fields[3], "%"), (1.0 - kib("MemAvailable:") / total) * 100.0, 3.0);
    assert_eq!(fields[3], fields[4], "the first average is the current value");
}

#[test]
fn the_moving_average_of_mem_leans_on_the_one_before() {
    let bench = Bench::new();
    let of = |said: &str| {
        let fields = fields(said);
        (number(fields[3], "%"), number(fields[4], "%"))
    };
    let (used, average) = of(&bench.run(&["mem", "--previous", "100"]).out);
    near(average, 0.3 * 100.0 + 0.7 * used, 0.11);
    // The next run takes the average from the state folder.
    let (used, next) = of(&bench.run(&["mem"]).out);
    near(next, 0.3 * average + 0.7 * used, 0.11);
    assert_eq!(bench.run(&["mem", "--previous", "101"]).code, 2);
}

#[test]
fn disk_agrees_with_df() {
    let bench = Bench::new();
    let said = bench.run(&["disk"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_shape(lines[0], &format!(r"{TIME} 0 disk \d+M \d+M \d+\.\d%"));
    let (mut total, mut free) = (0.0, 0.0);
    for (at, line) in lines.iter().enumerate().skip(1) {
        assert_shape(line, &format!(r"{TIME} {at} /\S* \d+M \d+M \d+\.\d%"));
        let fields = fields(line);
        let df = std::process::Command::new("df").args(["-B1", "--output=size,used", fields[2]]).output().unwrap();
        let df = String::from_utf8(df.stdout).unwrap();
        let numbers: Vec<f64> = df.lines().nth(1).unwrap().split_whitespace().map(|n| n.parse().unwrap()).collect();
        near(number(fields[3], "M"), numbers[0] / 1_048_576.0, 1.0);
        near(number(fields[5], "%"), numbers[1] / numbers[0] * 100.0, 1.0);
        total += number(fields[3], "M");
        free += number(fields[4], "M");
    }
    let whole = fields(lines[0]);
    near(number(whole[3], "M"), total, 50.0);
    near(number(whole[4], "M"), free, 50.0);
    near(number(whole[5], "%"), (1.0 - free / total) * 100.0, 0.2);
}

#[test]
fn cpu_shows_load_use_and_temperature() {
    let bench = Bench::new();
    let _busy = Guard::burner(&bench, "cpu-burner");
    let said = bench.run(&["cpu"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let line = said.out.trim_end_matches('\n');
    assert_shape(
        line,
        &format!(r"{TIME} \d+\.\d\d \d+\.\d\d \d+\.\d\d \d+\.\d% (?:-|-?\d+\.\d°C) (?:normal|note|warning)"),
    );
    let fields = fields(line);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    near(fields[3].parse().unwrap(), load.split(' ').nth(2).unwrap().parse().unwrap(), 0.1);
    // One core at least is busy.
    let cores = std::thread::available_parallelism().unwrap().get();
    #[expect(clippy::cast_precision_loss, reason = "few cores")]
    let least = 80.0 / cores as f64;
    assert!(number(fields[4], "%") > least, "{line}");
    if fields[5] == "-" {
        assert_eq!(fields[6], "normal");
    }
}

#[test]
fn sys_tells_about_the_machine_in_one_line() {
    let bench = Bench::new();
    let said = bench.run(&["sys"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let line = said.out.trim_end_matches('\n');
    let level = "(?:normal|note|warning)";
    assert_shape(
        line,
        &format!(
            r"{TIME} \S+ \S+ \S+ up_\S+ \d+\.\d\d \d+\.\d\d \d+\.\d\d \d+M \d+\.\d% \d+M \d+\.\d% (?:-|\S+°C) {level} {level} {level}"
        ),
    );
    let fields = fields(line);
    let file = |path: &str| std::fs::read_to_string(path).unwrap().trim().replace(' ', "_");
    assert_eq!(fields[1], file("/proc/sys/kernel/hostname"));
    assert_eq!(fields[3], file("/proc/sys/kernel/osrelease"));
    let name = file("/etc/os-release")
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME=").map(|name| name.trim_matches('"').to_owned()));
    assert_eq!(Some(fields[2]), name.as_deref());
    assert_eq!(fields[10], format!("{}M", (kib("MemTotal:") / 1024.0).floor()));
    let of = |value: f64, note: f64, warning: f64| {
        if value < note {
            "normal"
        } else if value < warning {
            "note"
        } else {
            "warning"
        }
    };
    assert_eq!(fields[13], of(number(fields[9], "%"), 80.0, 90.0));
    assert_eq!(fields[14], of(number(fields[11], "%"), 70.0, 80.0));
}

/// Accounts and sessions as the test wrote them.
#[test]
fn users_counts_people_and_names_those_with_root_rights() {
    let bench = Bench::new();
    let etc = bench.path("root/etc");
    std::fs::create_dir_all(&etc).unwrap();
    let passwd = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n";
    std::fs::write(etc.join("passwd"), passwd).unwrap();
    std::fs::write(etc.join("group"), "root:x:0:\nsudo:x:27:alice\nusers:x:100:bob\n").unwrap();
    let said = bench.run(&["users", "--fs-root", bench.path("root").to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let line = said.out.trim_end_matches('\n');
    assert_shape(line, &format!(r"{TIME} 2 \[\] \[root,alice\] \[\]"));
    let said = bench.run(&["users", "--json", "--fs-root", bench.path("root").to_str().unwrap()]);
    assert_eq!(said.json()["people"], 2);
    let said = bench.run(&["users", "--fs-root", bench.path("nowhere").to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("could not read") && said.err.contains("etc/passwd"), "{}", said.err);
}

#[test]
fn file_systems_are_left_out_by_mount_and_by_size() {
    let bench = Bench::new();
    let whole = bench.run(&["disk", "--json"]).json();
    let largest = whole["partitions"].as_array().unwrap().iter().map(|one| one["total"].as_u64().unwrap()).max();
    let size = format!("collect.smallest_filesystem={}B", largest.unwrap());
    let said = bench.run(&["disk", "--json", "--set", &size]).json();
    let totals: Vec<_> = said["partitions"].as_array().unwrap().iter().map(|one| one["total"].as_u64()).collect();
    assert!(!totals.is_empty() && totals.iter().all(|total| *total == largest), "{said}");
    let size = format!("collect.smallest_filesystem={}B", largest.unwrap() + 1);
    let said = bench.run(&["disk", "--set", &size]);
    assert!(said.code == 1 && said.err.contains("collect.smallest_filesystem"), "{}", said.err);
    let said = bench.run(&["disk", "--set", "collect.skip_mounts=/"]);
    assert!(said.code == 1 && said.err.contains("collect.skip_mounts"), "{}", said.err);
}

#[test]
fn procs_names_what_burns_a_core_and_nothing_idle() {
    let bench = Bench::new();
    let busy = Guard::burner(&bench, "procs-burner");
    let idle = Guard::spawn("sleep", &["600"]);
    let said = bench.run(&["procs"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let line = said.out.lines().find(|line| line.contains(" procs-burner ")).unwrap_or_else(|| panic!("{}", said.out));
    assert_shape(line, &format!(r"{TIME} procs-burner {} \S+ \d+\.\d% \d+\.\d%", busy.pid()));
    assert!(number(fields(line)[4], "%") > 50.0, "{line}");
    assert!(!said.out.contains(&format!(" {} ", idle.pid())), "{}", said.out);
}

#[test]
fn every_probe_speaks_json() {
    let bench = Bench::new();
    for (probe, field) in
        [("mem", "total"), ("disk", "partitions"), ("cpu", "used"), ("sys", "kernel"), ("users", "people")]
    {
        let said = bench.run(&[probe, "--json"]);
        let json = said.json();
        assert!(!json[field].is_null(), "{probe}: {json}");
        assert_shape(json["time"].as_str().unwrap(), TIME);
    }
}

#[test]
fn a_watched_probe_goes_on_until_its_reader_leaves() {
    let bench = Bench::new();
    let mut child =
        bench.command(&["mem", "--watch", "0.1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    let err = Lines::of(child.stderr.take().unwrap());
    assert_shape(&lines.next(), &format!(r"{TIME} \S+ \S+ \S+ \S+"));
    assert_shape(&lines.next(), &format!(r"{TIME} \S+ \S+ \S+ \S+"));
    drop(lines);
    let status = Guard(child).wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(err.rest(), Vec::<String>::new());
    assert_eq!(bench.run(&["mem", "--watch", "0"]).code, 2);
}

#[test]
fn a_kernel_file_that_is_missing_is_a_reason_on_standard_error() {
    let bench = Bench::new();
    let said = bench.run(&["mem", "--proc-root", "/nonexistent"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.starts_with("error: could not read /nonexistent/meminfo: it is not there"), "{}", said.err);
}
