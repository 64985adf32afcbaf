//! What history takes: room on disk, and time of those who hand over frames.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made up numbers"
)]
#![allow(clippy::indexing_slicing, clippy::cast_lossless, reason = "made up numbers")]

#[path = "../../benches/history/generator.rs"]
mod generator;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use generator::Generator;
use procyon_history::conformance::script::Script;
use procyon_history::{History, Sink};
use procyon_model::Descriptor;
use procyon_model::feed::Consumer;
use procyon_store::{Config, Recorder, open_reader, open_writer};
use procyon_units::{Clock, Reading, SystemClock};

/// Bytes of the files of these names in all blocks.
fn bytes_of(dir: &Path, kinds: &[&str]) -> u64 {
    let blocks = std::fs::read_dir(dir.join("blocks")).expect("there are blocks");
    let files =
        blocks.flatten().flat_map(|block| kinds.iter().map(move |kind| block.path().join(format!("{kind}.parquet"))));
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// The budgets of `docs/benchmarks.md`, for two hours of 300 processes at 5 s, which are always the same.
#[test]
fn a_row_of_history_takes_no_more_room_than_promised() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let mut writer = open_writer(&config).unwrap();
    let mut generator = Generator::new(300, Duration::from_secs(5));
    let mut rows = 0;
    for _ in 0..1440 {
        let frame = generator.next();
        rows += frame.processes.len();
        writer.write(&frame).unwrap();
    }
    writer.seal().unwrap();
    let each = |kinds: &[&str]| bytes_of(&config.dir, kinds) as f64 / rows as f64;
    let processes = each(&["process", "descriptor", "summary"]);
    assert!(processes <= 2.3, "processes take {processes:.3} bytes a row offered");
    let connections = each(&["connection"]);
    assert!(connections <= 0.5, "connections take {connections:.3} bytes a row offered");
    let all = open_reader(&config.dir).unwrap().usage().unwrap().bytes.0 as f64 / rows as f64;
    assert!(all <= 3.8, "everything together takes {all:.3} bytes a row offered");
}

/// Long command lines of short lives are held in memory while their log is open.
#[test]
fn a_log_is_closed_before_its_command_lines_take_much_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let mut writer = open_writer(&config).unwrap();
    let mut script = Script::new();
    let with = |script: &mut Script, pid: u32, cmd: String| {
        let key = script.start(pid, "brief");
        let row = script.process(key);
        row.descriptor = Arc::new(Descriptor { cmd: cmd.into_bytes().into(), ..(*row.descriptor).clone() });
        key
    };
    // Those who stay take more than the limit, which alone is no reason to begin another log.
    for pid in 1..3000 {
        with(&mut script, pid, format!("{pid} {}", "stays ".repeat(600)));
    }
    let mut write = |script: &mut Script| {
        let place = script.tick();
        writer.write(&script.frames[place]).unwrap();
        script.frames.clear();
    };
    write(&mut script);
    let before = newest_log(&config.dir);
    for round in 0..24_u32 {
        let line = |pid| format!("{pid} {round} {}", "x".repeat(3900));
        let keys: Vec<_> = (4000..4100).map(|pid| with(&mut script, pid, line(pid))).collect();
        for key in keys {
            script.end(key, Reading::Unsupported);
        }
        write(&mut script);
    }
    let more = newest_log(&config.dir) - before;
    assert!((1..=2).contains(&more), "{more} logs were closed for 9.4 MB of command lines");
}

/// The number of the newest log.
fn newest_log(dir: &Path) -> u64 {
    let logs = std::fs::read_dir(dir.join("log")).unwrap();
    let number = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
    logs.filter_map(|entry| number(&entry.unwrap().path())).max().unwrap()
}

/// Frames of 3000 processes are handed over through the end of logs, the making of blocks and their merge by the hour.
#[test]
fn a_frame_is_handed_over_within_the_budget_of_a_tick() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let recorder = Recorder::start(&config).unwrap();
    let history = recorder.history();
    let mut generator = Generator::new(3000, Duration::from_secs(30));
    let mut late = Vec::new();
    for count in 0_u64..300 {
        let frame = generator.next();
        let (before, queued) = (SystemClock.mono(), waited_for_a_processor());
        recorder.offer(&frame);
        let took = SystemClock.mono().since(before);
        let took = took.saturating_sub(waited_for_a_processor().saturating_sub(queued));
        late.extend(Some(took).filter(|took| *took > Duration::from_millis(50)));
        // The queue is short; in life there is a second or more from frame to frame.
        if count % 8 == 7 {
            wait_for(|| history.extent().unwrap().is_some_and(|extent| extent.last == frame.wall));
        }
    }
    wait_for(|| std::fs::read_dir(config.dir.join("blocks")).unwrap().count() >= 2);
    // Once the other thread may have lost its processor just while it took a frame out of the queue.
    assert!(late.len() <= 1, "of 300 frames {} were handed over late: {late:?}", late.len());
    let usage = history.usage().unwrap();
    assert_eq!((usage.missed, usage.lost, usage.trouble), (0, 0, None));
}

/// How long this thread could have run while others did, which is not the store's doing.
fn waited_for_a_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').nth(1).and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

fn wait_for(what: impl Fn() -> bool) {
    let begin = SystemClock.mono();
    while !what() {
        assert!(SystemClock.mono().since(begin) < Duration::from_mins(1), "it did not come to pass");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
