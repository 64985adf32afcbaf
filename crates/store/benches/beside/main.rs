//! The figures of a made-up machine, as this store keeps them and as others take them. `--out DIR`, `--hours 1`, `--processes 300`,
//! `--step-ms 5000`: DIR/history is a history, DIR/import.jsonl holds the figures of its processes as VictoriaMetrics imports them.
//! bench/history_size.py puts the sizes side by side.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that prints what it measured")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made up numbers")]
#![allow(clippy::indexing_slicing, clippy::cast_lossless, clippy::many_single_char_names, reason = "made up numbers")]
#![allow(clippy::disallowed_methods, reason = "a benchmark writes files")]
#![allow(dead_code, reason = "the other benchmark asks the generator for more")]

#[path = "../history/generator.rs"]
mod generator;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use generator::Generator;
use procyon_history::Sink;
use procyon_history::figures::{PROCESS, Source};
use procyon_model::{ProcessKey, ProcessRow};
use procyon_store::{Config, open_writer};
use procyon_units::Bytes;

struct Asked {
    out: Option<PathBuf>,
    hours: f64,
    processes: usize,
    step: Duration,
}

fn arguments() -> Asked {
    let mut asked = Asked { out: None, hours: 1.0, processes: 300, step: Duration::from_secs(5) };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        match word.as_str() {
            "--hours" => asked.hours = number(),
            "--processes" => asked.processes = number() as usize,
            "--step-ms" => asked.step = Duration::from_millis(number() as u64),
            "--out" => asked.out = words.next().map(PathBuf::from),
            _ => {}
        }
    }
    asked
}

/// Everything about one process.
struct Lines {
    name: String,
    user: String,
    times: Vec<i64>,
    values: Vec<Vec<Option<f64>>>,
}

impl Lines {
    fn take(&mut self, at: i64, row: &ProcessRow) {
        self.times.push(at);
        for (figure, values) in PROCESS.iter().zip(&mut self.values) {
            values.push(match figure.source {
                Source::Growth(counter, factor) => counter(row).map(|count| count as f64 * factor),
                Source::Level(level) => level(row),
            });
        }
    }

    /// Writes one line a figure; answers how many samples those are.
    fn put(&self, key: &ProcessKey, out: &mut impl Write) -> std::io::Result<usize> {
        let mut samples = 0;
        for (figure, values) in PROCESS.iter().zip(&self.values) {
            let known: Vec<(i64, f64)> =
                self.times.iter().zip(values).filter_map(|(at, value)| Some((*at, (*value)?))).collect();
            if known.is_empty() {
                continue;
            }
            samples += known.len();
            let list = |texts: Vec<String>| texts.join(",");
            writeln!(
                out,
                r#"{{"metric":{{"__name__":"process_{}","key":"{key}","name":"{}","user":"{}"}},"values":[{}],"timestamps":[{}]}}"#,
                figure.id,
                self.name.replace(['"', '\\'], "_"),
                self.user,
                list(known.iter().map(|(_, value)| value.to_string()).collect()),
                list(known.iter().map(|(at, _)| at.to_string()).collect()),
            )?;
        }
        Ok(samples)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = arguments();
    // `cargo bench` of everything calls this too, and there is nothing to compare with.
    let Some(out) = &asked.out else { return Ok(()) };
    std::fs::create_dir_all(out)?;
    let config = Config {
        max_size: Bytes(1 << 40),
        retention: Duration::from_hours(24 * 3650),
        ..Config::new(out.join("history"))
    };
    let frames = (asked.hours * 3600.0 / asked.step.as_secs_f64()) as u64;
    let mut generator = Generator::new(asked.processes, asked.step);
    let mut writer = open_writer(&config)?;
    let mut file = BufWriter::new(File::create(out.join("import.jsonl"))?);
    let mut all: HashMap<ProcessKey, Lines> = HashMap::new();
    let (mut rows, mut samples, mut series) = (0, 0, 0);
    for _ in 0..frames {
        let frame = generator.next();
        rows += frame.processes.len();
        writer.write(&frame)?;
        let at = frame.wall.unix_ms();
        for row in &frame.processes {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let lines = all.entry(row.key).or_insert_with(|| Lines {
                name: text(&row.descriptor.name),
                user: text(&row.descriptor.user),
                times: Vec::new(),
                values: vec![Vec::new(); PROCESS.len()],
            });
            lines.take(at, row);
        }
        for ended in &frame.ended {
            if let Some(lines) = all.remove(&ended.row.key) {
                samples += lines.put(&ended.row.key, &mut file)?;
                series += 1;
            }
        }
    }
    for (key, lines) in &all {
        samples += lines.put(key, &mut file)?;
        series += 1;
    }
    file.flush()?;
    writer.seal()?;
    println!(r#"{{"rows":{rows},"samples":{samples},"processes":{series},"figures":{}}}"#, PROCESS.len());
    Ok(())
}
