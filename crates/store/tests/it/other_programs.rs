//! The files of a block are read by other programs, as docs/history-files.md shows. Runs where Python has `duckdb`:
//! `PROCYON_PYTHON` names one; without it the test says so and does nothing.

use std::process::Command;

use procyon_history::Sink;
use procyon_history::conformance::script::Script;
use procyon_store::{Config, open_writer};

/// The queries of the document.
fn queries() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/history-files.md"));
    let text = text.expect("the document is there");
    let blocks = text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "another program reads the files")]
#[test]
fn duckdb_runs_the_queries_of_the_document() {
    let python = std::env::var("PROCYON_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no duckdb (pip install duckdb, then PROCYON_PYTHON=…)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let mut script = Script::new();
    let key = script.start_earlier(4084, "postgres", 60_000);
    let other = script.start_earlier(4085, "nginx", 60_000);
    for _ in 0..30 {
        script.burn(key, 500);
        script.burn(other, 100);
        script.tick();
    }
    let mut writer = open_writer(&config).unwrap();
    for frame in &script.frames {
        writer.write(frame).unwrap();
    }
    writer.seal().unwrap();
    let queries = queries();
    assert!(queries.len() >= 3, "the document has its queries");
    for query in queries {
        let program = "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())";
        let output = Command::new(&python).args(["-c", program, &query]).current_dir(&config.dir).output().unwrap();
        let (rows, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{query}\n{said}");
        assert!(rows.contains("postgres") || rows.contains("14500"), "{query}\n{rows}");
    }
}
