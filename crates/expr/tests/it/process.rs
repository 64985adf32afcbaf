//! The catalogue of processes as schema.

use procyon_expr::{Figures, Filter, PROCESS_WORDS, Query, Schema};
use procyon_model::catalogue::PROCESS;

#[test]
fn expressions_of_the_documents_compile() {
    let schema = Figures(PROCESS);
    for source in [
        "cpu >= 2.0 || rss >= 10.GiB || read + write >= 10.MiB || rx + tx >= 10.MiB",
        "cpu >= 0.01 || rss >= 1.MiB",
        "age < 5.min && user == \"root\"",
        "fd_ratio > 80.percent && !kthread",
        "state == \"D\" && runq > 0.1",
        "has(pss) && pss < rss",
    ] {
        if let Err(error) = Filter::compile(source, &schema) {
            panic!("{source}: {error}");
        }
    }
    for word in PROCESS_WORDS {
        assert!(schema.field(word).is_some(), "{word} is no figure of a process");
    }
    assert!(Query::parse("mysqld :3309", &schema, PROCESS_WORDS).is_ok());
}
