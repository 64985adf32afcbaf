//! The files of a block are read by other programs, as docs/history-files.md shows. `PROCYON_PYTHON` names a Python that has
//! `duckdb` and `pyarrow` (`make test` does); without them the test says so and does nothing, but for CI, where it fails.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use procyon_history::Sink;
use procyon_history::conformance::script::Script;
use procyon_model::Frame;
use procyon_model::descriptor::Descriptor;
use procyon_store::{Config, open_writer};

/// The examples of the document in a language.
fn examples(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/history-files.md"));
    let text = text.expect("the document is there");
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

/// Runs a program of Python in a folder; what it prints, or what it says of its failure.
#[expect(clippy::disallowed_methods, reason = "another program reads the files")]
fn python(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let python = std::env::var("PROCYON_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python).args(["-c", program]).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("{python}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Whether a library is there to read with. Where CI runs, it has to be.
fn has(library: &str) -> bool {
    let Err(said) = python(&format!("import {library}"), &[], Path::new("/")) else { return true };
    let why = said.lines().last().unwrap_or_default().to_owned();
    assert!(std::env::var_os("CI").is_none(), "{library} is not there: {why}; `scripts/setup test` installs it");
    println!("skipped: {library} is not there ({why}); `scripts/setup test` installs it, `make test` hands it on");
    false
}

/// A history of two hours, of which the first is one block of several row groups: a log was closed in the middle of it, and
/// its descriptors have other numbers afterwards.
fn two_hours() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let mut script = Script::new();
    script.interval = std::time::Duration::from_mins(1);
    let named = |script: &mut Script, pid, name: &str| {
        let key = script.start_earlier(pid, name, 600_000);
        let row = script.process(key);
        row.descriptor = Arc::new(Descriptor { name: name.as_bytes().into(), ..(*row.descriptor).clone() });
        key
    };
    let key = named(&mut script, 4084, "postgres");
    let mut writer = open_writer(&config).unwrap();
    let mut write = |frames: &[Arc<Frame>], seal: bool| {
        for frame in frames {
            writer.write(frame).unwrap();
        }
        if seal {
            writer.seal().unwrap();
        }
    };
    let mut told = 0;
    for part in 0..4 {
        // Somebody else comes first in each part, so that numbers of strings are others.
        let other = named(&mut script, 100 + part, &format!("other-{part}"));
        for _ in 0..20 {
            script.burn(key, 500);
            script.burn(other, 100);
            script.tick();
        }
        write(&script.frames[told..], true);
        told = script.frames.len();
        script.end(other, procyon_units::Reading::Unsupported);
    }
    // What comes hours later has the blocks of the hours before put together.
    script.away(std::time::Duration::from_hours(3));
    script.tick();
    write(&script.frames[told..], true);
    drop(writer);
    (folder, config)
}

#[test]
fn duckdb_runs_the_queries_of_the_document() {
    if !has("duckdb") {
        return;
    }
    let (_folder, config) = two_hours();
    let groups = "import duckdb; print(duckdb.sql(\"SELECT max(row_group_id) FROM parquet_metadata('blocks/*/summary.parquet')\").fetchall()[0][0])";
    assert!(python(groups, &[], &config.dir).unwrap().trim() != "0", "blocks of one hour are put together");
    let queries = examples("sql");
    assert!(queries.len() >= 4, "the document has its queries");
    for query in queries {
        let program = "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())";
        let rows = python(program, &[&query], &config.dir).unwrap_or_else(|said| panic!("{query}\n{said}"));
        // 79 minutes of half a second each; growth of the first frame is not known.
        for wanted in ["postgres", "39500"] {
            let asked = if wanted == "postgres" { query.contains("process_name") } else { query.contains("AS ms") };
            assert!(!asked || rows.contains(wanted), "{query}\n{rows}");
        }
        assert!(rows.len() > 5, "{query}\n{rows}");
    }
    // Names are those of the right processes: each of the others used as much, and was called by one name alone.
    let program = "import duckdb, sys; print(sorted((name, round(seconds, 3)) for name, seconds in duckdb.sql(sys.argv[1]).fetchall()))";
    let top = python(program, &[&examples("sql")[0]], &config.dir).unwrap();
    assert_eq!(
        top.trim(),
        "[('other-0', 1.9), ('other-1', 1.9), ('other-2', 1.9), ('other-3', 1.9), ('postgres', 39.5)]"
    );
}

#[test]
fn pyarrow_runs_the_program_of_the_document() {
    if !has("pyarrow") {
        return;
    }
    let (_folder, config) = two_hours();
    let programs = examples("python");
    assert!(!programs.is_empty(), "the document has a program");
    for program in programs {
        let rows = python(&program, &[], &config.dir).unwrap_or_else(|said| panic!("{program}\n{said}"));
        assert!(rows.contains("postgres") && rows.contains("39.5"), "{program}\n{rows}");
    }
}
