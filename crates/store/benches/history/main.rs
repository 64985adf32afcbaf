//! What keeping and asking history costs, on a machine that is made up. `--days 30` (1), `--processes` (300), `--step-ms` (5000),
//! `--dir` (a folder that is kept), `--columns` (what each column takes), `--cold` (forgets cached files before the first try; needs root), `--check` (fails past the budgets).

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program that prints what it measured"
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless, reason = "made up numbers")]
#![allow(clippy::disallowed_methods, clippy::many_single_char_names, reason = "a benchmark reads clocks")]

mod breakdown;
mod generator;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use generator::Generator;
use procyon_history::{Fold, GroupBy, History, Range, Search, Sink, TopQuestion};
use procyon_store::{Config, Reader, open_reader, open_writer};
use procyon_units::{Bytes, Wall};
use rustix::time::{ClockId, clock_gettime};

const HOUR: i64 = 3_600_000;
/// Bytes that 150 connections, a tenth of which are new whenever they are read, may take for each row of processes.
const CONNECTIONS: f64 = 0.5;

struct Asked {
    days: f64,
    processes: usize,
    step: Duration,
    dir: Option<PathBuf>,
    cold: bool,
    columns: bool,
    check: bool,
}

fn arguments() -> Asked {
    let mut asked = Asked {
        days: 1.0,
        processes: 300,
        step: Duration::from_secs(5),
        dir: None,
        cold: false,
        columns: false,
        check: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        match word.as_str() {
            "--days" => asked.days = number(),
            "--processes" => asked.processes = number() as usize,
            "--step-ms" => asked.step = Duration::from_millis(number() as u64),
            "--dir" => asked.dir = words.next().map(PathBuf::from),
            "--columns" => asked.columns = true,
            "--cold" => asked.cold = true,
            "--check" => asked.check = true,
            _ => {}
        }
    }
    asked
}

fn cpu() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn high_water() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = arguments();
    let kept = asked.dir.is_some();
    let dir =
        asked.dir.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("procyon-bench-{}", std::process::id())));
    let frames = (asked.days * 86_400.0 / asked.step.as_secs_f64()) as u64;
    let mut over = Vec::new();
    if open_reader(&dir)?.extent()?.is_none() {
        write(&asked, &dir, frames, &mut over)?;
    }
    ask(&asked, &dir, &mut over)?;
    live(&asked, &mut over)?;
    if !kept {
        std::fs::remove_dir_all(&dir)?;
    }
    if asked.check && !over.is_empty() {
        return Err(format!("past the budget: {}", over.join(", ")).into());
    }
    Ok(())
}

fn write(asked: &Asked, dir: &Path, frames: u64, over: &mut Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config { max_size: Bytes(1 << 40), retention: Duration::from_hours(24 * 3650), ..Config::new(dir) };
    let mut generator = Generator::new(asked.processes, asked.step);
    let mut writer = open_writer(&config)?;
    let (mut rows, mut making, mut writing) = (0_u64, 0.0, 0.0);
    let (begin, cpu_begin) = (Instant::now(), cpu());
    let mut worst = Duration::ZERO;
    for _ in 0..frames {
        // The time of this thread alone: blocks are made at the same time.
        let before = seconds(ClockId::ThreadCPUTime);
        let frame = generator.next();
        let made = seconds(ClockId::ThreadCPUTime);
        making += made - before;
        rows += frame.processes.len() as u64;
        let start = Instant::now();
        writer.write(&frame)?;
        writing += seconds(ClockId::ThreadCPUTime) - made;
        worst = worst.max(start.elapsed());
    }
    writer.sync()?;
    writer.seal()?;
    let used = cpu() - cpu_begin - making;
    let bytes = open_reader(dir)?.usage()?.bytes.0;
    let (each, size) = (used * 1e6 / rows as f64, bytes as f64 / rows as f64);
    println!("rows offered          {rows} in {frames} frames");
    let log = writing * 1e6 / rows as f64;
    println!(
        "processor time        {each:.2} us a row, {log:.2} of it for the log (making frames took {making:.1} s more)"
    );
    println!("on disk               {size:.2} bytes a row ({:.1} MB)", bytes as f64 / 1e6);
    breakdown::print(dir, rows, asked.columns)?;
    println!("slowest write         {:.1} ms", worst.as_secs_f64() * 1e3);
    println!("took                  {:.1} s", begin.elapsed().as_secs_f64());
    println!("VmHWM                 {}", high_water());
    let of = |kinds: &[&str]| Ok::<_, std::io::Error>(breakdown::bytes_of(dir, kinds)? as f64 / rows as f64);
    let processes = of(&["process", "descriptor", "summary"])?;
    let connections = of(&["connection"])?;
    println!("processes alone       {processes:.2} bytes a row, connections {connections:.2}");
    for (what, value, budget) in [
        ("bytes a row", processes, 2.3),
        ("bytes of connections a row", connections, CONNECTIONS),
        ("us a row", each, 1.2),
    ] {
        if value > budget {
            over.push(format!("{what} {value:.2} > {budget}"));
        }
    }
    Ok(())
}

/// Questions about the newest time, while the log is open and frames come: most of an hour stands in it.
fn live(asked: &Asked, over: &mut Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("procyon-bench-live-{}", std::process::id()));
    let mut generator = Generator::new(asked.processes, asked.step);
    let mut writer = open_writer(&Config::new(&dir))?;
    let reader = open_reader(&dir)?;
    let mut frame = generator.next();
    let frames = (3400.0 / asked.step.as_secs_f64()) as u64;
    for _ in 0..frames {
        writer.write(&frame)?;
        frame = generator.next();
    }
    let start = cpu();
    reader.at(frame.wall)?;
    println!("open log, first question      {:10.1} ms of processor time ({frames} frames)", (cpu() - start) * 1e3);
    let mut rounds = Vec::new();
    for _ in 0..9 {
        writer.write(&frame)?;
        let (from, to) = (Wall::from_unix_ms(frame.wall.unix_ms() - HOUR / 12), frame.wall);
        let range = Range { from, to, step: asked.step, fold: Fold::Mean };
        let top = TopQuestion { from, to, by: "cpu".to_owned(), group: GroupBy::Process, n: 10 };
        let mut round = [0.0; 4];
        let mut timed = |place: usize, question: &dyn Fn() -> Result<(), procyon_history::HistoryError>| {
            let start = cpu();
            question()?;
            round[place] = (cpu() - start) * 1e3;
            Ok::<_, procyon_history::HistoryError>(())
        };
        timed(0, &|| reader.at(to).map(drop))?;
        timed(1, &|| reader.extent().map(drop))?;
        timed(2, &|| reader.top(&top).map(drop))?;
        timed(3, &|| {
            reader
                .host_series(&range, &["cpu_busy", "mem_used"])
                .or_else(|_| reader.host_series(&range, &["load1"]))
                .map(drop)
        })?;
        rounds.push(round);
        frame = generator.next();
    }
    for (place, (name, budget)) in
        [("newest frame", 5.0), ("from when to when", 2.0), ("top 10 of 5 min", 30.0), ("machine, 5 min", 60.0)]
            .iter()
            .enumerate()
    {
        let mut times: Vec<f64> = rounds.iter().map(|round| round[place]).collect();
        times.sort_by(f64::total_cmp);
        println!("open log, {name:20} {:10.2} ms of processor time", times[4]);
        if times[4] > *budget {
            over.push(format!("open log, {name} {:.1} ms > {budget}", times[4]));
        }
    }
    drop(writer);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Name, budget in ms of processor time, and how it is asked.
type Question<'a> = (&'static str, f64, Box<dyn Fn(&Reader) -> Result<usize, procyon_history::HistoryError> + 'a>);

fn ask(asked: &Asked, dir: &Path, over: &mut Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let extent = open_reader(dir)?.extent()?.ok_or("nothing was kept")?;
    let (first, last) = (extent.first.unix_ms(), extent.last.unix_ms());
    let wall = Wall::from_unix_ms;
    let day = (last - 24 * HOUR).max(first);
    let middle = first + (last - first) / 2 + 1_234_567 % (last - first).max(1);
    // One that lived all of the last day.
    let frame = open_reader(dir)?.at(wall(last))?.frame;
    let long_lived = frame.processes.iter().filter(|row| row.started.unix_ms() < day);
    let key = long_lived.max_by_key(|row| row.cpu.total()).ok_or("no process lives long")?.key;
    let top = |from: i64, group| TopQuestion { from: wall(from), to: wall(last), by: "cpu".to_owned(), group, n: 10 };
    let range = Range { from: wall(day), to: wall(last), step: Duration::from_mins(5), fold: Fold::Mean };
    let columns = ["cpu", "rss", "read", "write", "threads"];
    let search = Search { from: wall(last - 6 * HOUR), to: wall(last), words: vec!["worker".to_owned()], limit: 50 };
    let questions: Vec<Question<'_>> = vec![
        ("any instant", 50.0, Box::new(|r| Ok(r.at(wall(middle))?.frame.processes.len()))),
        ("top 10 of the last 24 h", 60.0, Box::new(|r| Ok(r.top(&top(day, GroupBy::Process))?.other_count))),
        ("top 10 of everything", 500.0, Box::new(|r| Ok(r.top(&top(first - 1, GroupBy::Process))?.other_count))),
        ("top 10 names of 24 h", 500.0, Box::new(|r| Ok(r.top(&top(day, GroupBy::Name))?.other_count))),
        ("one process, 24 h, 5 columns", 30.0, Box::new(|r| Ok(r.process_series(&range, &[key], &columns)?.len()))),
        (
            "machine, 24 h, 4 figures",
            100.0,
            Box::new(|r| {
                Ok(r.host_series(&range, &["cpu_busy", "mem_used", "disk_read", "net_rx"])
                    .or_else(|_| r.host_series(&range, &["cpu_busy", "mem_used", "load1", "processes"]))?
                    .values
                    .len())
            }),
        ),
        ("search, 6 h", 100.0, Box::new(|r| Ok(r.search(&search)?.len()))),
        ("gaps of everything", 500.0, Box::new(|r| Ok(r.gaps(wall(first), wall(last))?.len()))),
        ("a step back", 50.0, Box::new(|r| r.step(wall(middle), -1).map(|_| 1))),
    ];
    println!("{:30} {:>10} {:>10} {:>10}", "", "first ms", "warm ms", "cpu ms");
    for (name, budget, question) in questions {
        let reader = open_reader(dir)?;
        if asked.cold {
            std::fs::write("/proc/sys/vm/drop_caches", "3")?;
        }
        let start = Instant::now();
        let count = question(&reader)?;
        let cold = start.elapsed().as_secs_f64() * 1e3;
        let mut rounds = Vec::new();
        for _ in 0..5 {
            let (start, used) = (Instant::now(), cpu());
            question(&reader)?;
            rounds.push(((cpu() - used) * 1e3, start.elapsed().as_secs_f64() * 1e3));
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (used, warm) = rounds[2];
        println!("{name:30} {cold:10.1} {warm:10.1} {used:10.1}   ({count})");
        if used > budget {
            over.push(format!("{name} {used:.0} ms > {budget}"));
        }
    }
    println!("VmHWM                 {}", high_water());
    Ok(())
}
