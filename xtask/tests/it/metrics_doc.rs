//! `docs/metrics.md` is made from the catalogue. `cargo xtask bless` rewrites it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use procyon_model::catalogue::{self, Meta, Scope};

use crate::clone::root;

const PATH: &str = "docs/metrics.md";

const HEAD: &str = "\
# Figures

Every figure that Procyon shows, made from the catalogue in `crates/model/src/catalogue/`; `cargo xtask bless` writes
this page. The **id** is the word for it in JSON, filters, `--columns` and `--sort`; the **number** never changes.
Values are in base units; one that the kernel does not give or does not show to us is `null`, never 0.

- **Kind**: a *gauge* goes up and down, a *counter* only up, *text* names something.
- **Read**: *tick* every tick, *slow* at a slower pace of its own, *budget* as often as its time budget allows, *once* when a
  process is first seen or executes another program, *demand* when somebody looks.
- **Needs**: what the collector has to hold to read it for processes of others. *token* means: not shown without one.
- **Group**: how the rows of a group are put together: *sum*, *max*, *min*, or *same* where all rows agree.
";

fn heading(scope: Scope) -> &'static str {
    match scope {
        Scope::Process => "A process",
        Scope::Host => "The machine",
        Scope::Core => "A processor core",
        Scope::Disk => "A disk",
        Scope::Interface => "A network interface",
        Scope::Filesystem => "A file system",
        Scope::Sensor => "A temperature sensor",
        Scope::User => "A logged-in user",
        Scope::Container => "A container",
        Scope::Connection => "A connection",
        Scope::Thread => "A thread",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(meta: &Meta) -> String {
    let mut needs = meta.privilege.word().to_owned();
    if needs == "none" {
        needs.clear();
    }
    if !meta.public {
        needs.push_str(if needs.is_empty() { "token" } else { ", token" });
    }
    format!(
        "| {} | `{}` | {} | {} | {} | {} | {} | {} | {} |",
        meta.number,
        meta.id,
        cell(&format!(
            "{} {}",
            meta.help.en,
            if meta.since == "3.10" { String::new() } else { format!("Since Linux {}.", meta.since) }
        ))
        .trim_end(),
        meta.unit.word(),
        meta.kind.word(),
        meta.pace.word(),
        needs,
        meta.aggregate.word(),
        cell(meta.source),
    )
}

fn document() -> String {
    let mut scopes: BTreeMap<Scope, Vec<&Meta>> = BTreeMap::new();
    for meta in catalogue::all() {
        scopes.entry(meta.scope).or_default().push(meta);
    }
    let mut text = HEAD.to_owned();
    for (scope, metas) in scopes {
        write!(text, "\n## {}\n\n", heading(scope)).unwrap();
        text.push_str("| number | id | meaning | unit | kind | read | needs | group | source |\n");
        text.push_str("|---:|---|---|---|---|---|---|---|---|\n");
        for meta in metas {
            text.push_str(&line(meta));
            text.push('\n');
        }
    }
    text
}

#[test]
fn metrics_doc_is_what_the_catalogue_says() {
    let expected = document();
    let path = root().join(PATH);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{PATH} lags behind the catalogue: run `cargo xtask bless` and read the diff");
}
