//! What a filter costs: compile once, evaluate over the rows of a tick.

use divan::Bencher;
use divan::counter::ItemsCount;
use procyon_expr::{FieldIx, Figures, Filter, PROCESS_WORDS, Query, Row, Schema};
use procyon_model::Value;
use procyon_model::catalogue::PROCESS;

const FIGURES: Figures<procyon_model::ProcessRow> = Figures(PROCESS);
const ROWS: usize = 1000;

fn main() {
    divan::main();
}

/// A row that answers as fast as a row of the catalogue: through a table of functions.
struct Process {
    cpu: f64,
    rss: u64,
    cmd: Vec<u8>,
    take: [fn(&Process) -> Value<'_>; 3],
    fields: [FieldIx; 3],
}

impl Row for Process {
    fn value(&self, field: FieldIx) -> Value<'_> {
        let position = self.fields.iter().position(|known| *known == field);
        position.and_then(|at| self.take.get(at)).map_or(Value::Unknown, |take| take(self))
    }
}

fn rows() -> Vec<Process> {
    let field = |name| FIGURES.field(name).map_or(FieldIx(0), |(field, _)| field);
    let fields = [field("cpu"), field("rss"), field("cmd")];
    let take: [fn(&Process) -> Value<'_>; 3] = [|p| p.cpu.into(), |p| p.rss.into(), |p| Value::text(&p.cmd)];
    (0..ROWS)
        .map(|at| Process {
            cpu: if at % 10 == 0 { 0.5 } else { 0.0 },
            rss: (at as u64 % 7) << 18,
            cmd: format!("/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main worker {at}").into_bytes(),
            take,
            fields,
        })
        .collect()
}

fn evaluate(bencher: Bencher<'_, '_>, text: &str) {
    let rows = rows();
    match Query::parse(text, &FIGURES, PROCESS_WORDS) {
        Ok(query) => bencher
            .counter(ItemsCount::new(ROWS))
            .bench_local(|| rows.iter().filter(|row| query.matches(divan::black_box(*row))).count()),
        Err(error) => divan::black_box_drop(error),
    }
}

#[divan::bench]
fn compile() -> Option<Filter> {
    Filter::compile(divan::black_box("cpu >= 0.01 || rss >= 1.MiB"), &FIGURES).ok()
}

#[divan::bench]
fn two_numbers(bencher: Bencher<'_, '_>) {
    evaluate(bencher, "cpu >= 0.01 || rss >= 1.MiB");
}

#[divan::bench]
fn text_contains(bencher: Bencher<'_, '_>) {
    evaluate(bencher, "cmd.contains(\"worker 9\")");
}

#[divan::bench]
fn text_matches(bencher: Bencher<'_, '_>) {
    evaluate(bencher, "cmd.matches(r\"worker \\d+5$\")");
}

#[divan::bench]
fn two_words(bencher: Bencher<'_, '_>) {
    evaluate(bencher, "postgres 99");
}
