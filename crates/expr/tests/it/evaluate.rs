use procyon_expr::Filter;

use crate::sample::{Fields, Sample};

/// The verdict over a row that knows everything but `pss`.
fn verdict(source: &str) -> Option<bool> {
    let row = Sample::new(
        "name=MySQLd cmd=/usr/sbin/mysqld_--port=3309 user=mysql pid=4084 label=mysqld:3309 cpu=0.5 rss=1073741824 \
         read=0 age=299.5 nice=-5 kthread=false start=1763697600000 process.threads=38",
    );
    match Filter::compile(source, &Fields) {
        Ok(filter) => filter.evaluate(&row),
        Err(error) => panic!("{source}: {error}"),
    }
}

#[track_caller]
fn check(expected: Option<bool>, sources: &[&str]) {
    for source in sources {
        assert_eq!(verdict(source), expected, "{source}");
    }
}

#[test]
fn numbers_compare_whole_or_broken() {
    check(
        Some(true),
        &[
            "cpu >= 0.01",
            "cpu == 0.5",
            "cpu < 2",
            "pid == 4084",
            "pid == 4084.0",
            "pid == 4084u",
            "pid == 0xFF4",
            "nice == -5",
            "nice < 0",
            "rss > 1e9",
            "cpu >= .5",
            "-nice == 5",
            "pid != 1",
            "pid in [1, 4084]",
            "nice in [-5]",
            "process.threads > 30",
            "pid >= 4083.5",
            "pid <= 4084 && pid >= 4084",
        ],
    );
    check(Some(false), &["cpu > 2", "pid in [1, 2.5]", "pid in []", "nice > 18446744073709551615"]);
}

#[test]
fn units_fold_to_base_units() {
    check(
        Some(true),
        &[
            "rss == 1.GiB",
            "rss >= 1024.MiB",
            "rss < 1.1.GiB",
            "rss == 1048576.KiB",
            "rss > 1.GB",
            "rss < 1.TB",
            "age < 5.min",
            "age > 0.05.h",
            "age > 299500.ms - 1.s",
            "age < 1.d",
            "cpu >= 50.percent",
            "cpu < 2.cores",
            "age >= 299499999.us",
            "read + rss >= 10.MiB",
            "512.KiB + 512.KiB == 1.MiB",
            "age == 299.5.s",
            "rss == 1073741824.B",
            "1.KB < 1.KiB",
            "-1.GiB < rss",
            "rss / 2 == 512.MiB",
            "200.ms == 0.2.s",
            "rss / age > 1.MiB",
        ],
    );
}

#[test]
fn text_is_compared_and_searched() {
    check(
        Some(true),
        &[
            "name == \"MySQLd\"",
            "name != 'mysqld'",
            "name.lower() == \"mysqld\"",
            "name.lowerAscii() in [\"mysqld\"]",
            "user in [\"root\", 'mysql', \"www\"]",
            "cmd.contains(\"--port\")",
            "cmd.startsWith(\"/usr\")",
            "cmd.endsWith(\"3309\")",
            "cmd.matches(r\"port=\\d{4}$\")",
            "cmd.matches(\"port=\\\\d\")",
            "name.size() == 6",
            "size(name) == 6",
            "name.lower().contains(\"sql\")",
            "name.lower().startsWith(\"my\")",
            "cmd.contains(user)",
            "name.lower().endsWith(\"qld\")",
            "name.lower().matches(\"^mysqld$\")",
            "name < user",
            "user in [name, \"mysql\"]",
            "\"sql\" == b\"\\x73ql\"",
            "user == \"\\u006dysql\"",
            "cmd.contains(\"\")",
        ],
    );
    check(
        Some(false),
        &[
            "name == \"mysqld\"",
            "user in []",
            "cmd.contains(\"PORT\")",
            "cmd.endsWith(\"/usr/sbin/mysqld --port=3309 and more\")",
            "name.lower().contains(\"SQL\")",
            "cmd.matches(\"^port\")",
        ],
    );
}

#[test]
fn operators_bind_as_in_cel() {
    check(
        Some(true),
        &[
            "1 + 2 * 3 == 7",
            "(1 + 2) * 3 == 9",
            "10 - 4 - 3 == 3",
            "7 / 2 == 3.5",
            "7 % 4 == 3",
            "true || false && false",
            "!(true && false)",
            "!false && true",
            "1 < 2 == true",
            "cpu > 2 ? false : true",
            "cpu > 2 ? false : nice < 0 ? true : false",
            "kthread == false",
            "!kthread",
            "kthread != true",
            "2 * 3 % 4 == 2",
            "!!true",
            "--5 == 5",
            "rss > (kthread ? 0 : 1.MiB)",
            "// all\ntrue // really",
            "(kthread ? name : user) == 'mysql'",
        ],
    );
}

#[test]
fn unknown_is_neither_true_nor_false() {
    check(
        None,
        &[
            "pss > 0",
            "!(pss > 0)",
            "pss == pss",
            "pss != 1",
            "pss in [1, 2]",
            "!(pss in [1])",
            "pss + 1 > 0",
            "-pss < 0",
            "pss > 0 && true",
            "false || pss > 0",
            "pss > 0 ? true : true",
            "rss in [pss]",
            "1 / read > 0",
            "rss % read == 0",
            "(pss > 0) == true",
        ],
    );
    check(
        Some(true),
        &["has(rss)", "!has(pss)", "pss > 0 || true", "true || pss > 0", "rss in [pss, 1.GiB]", "has(read)"],
    );
    check(Some(false), &["has(pss)", "pss > 0 && false", "false && pss > 0", "has(pss) && pss > 0"]);
}

#[test]
fn what_is_unknown_does_not_match() {
    let row = Sample::new("cpu=1.0");
    for source in ["pss > 0", "!(pss > 0)", "name == \"a\"", "name != \"a\"", "kthread", "!kthread"] {
        assert!(!Filter::compile(source, &Fields).unwrap().matches(&row), "{source}");
    }
}

#[test]
fn kernel_text_need_not_be_utf8() {
    let row = Sample::new("pid=1").with("cmd", b"a\xff\x00b").with("name", "日志".as_bytes());
    for source in [
        "cmd.contains(b\"\\xff\")",
        "cmd.endsWith(\"b\")",
        "cmd.matches(\"^a\")",
        "name.size() == 2",
        "name == \"日志\"",
        "cmd.contains(\"\\000\")",
    ] {
        assert!(Filter::compile(source, &Fields).unwrap().matches(&row), "{source}");
    }
}

#[test]
fn fields_are_listed_once() {
    let filter = Filter::compile("cpu > 1 || rss > 1 && cpu < 5 || has(pss)", &Fields).unwrap();
    let fields: Vec<u16> = filter.fields().iter().map(|field| field.0).collect();
    assert_eq!(fields, [5, 6, 7]);
}

#[test]
fn long_chains_are_not_deep() {
    let source = vec!["pid == 1"; 300].join(" || ");
    assert!(!Filter::compile(&source, &Fields).unwrap().matches(&Sample::new("pid=2")));
    let list = format!("pid in [{}]", vec!["1"; 1000].join(","));
    assert!(Filter::compile(&list, &Fields).unwrap().matches(&Sample::new("pid=1")));
}
