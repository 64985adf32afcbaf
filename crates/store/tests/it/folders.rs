//! Whose folder it is, and who may write.

use procyon_history::conformance::script::{self, Script};
use procyon_history::{GroupBy, History, HistoryError, Sink, TopQuestion};
use procyon_model::feed::Consumer;
use procyon_model::frame::{Death, Exit};
use procyon_store::{Config, Files, Format, Recorder, export, info, open_file, open_reader, open_writer, snapshot};
use procyon_units::{Bytes, Reading, Wall};

fn script() -> Script {
    let mut script = Script::new();
    let key = script.start_earlier(7, "a,\"b\"", 60_000);
    for _ in 0..20 {
        script.burn(key, 250);
        script.tick();
    }
    script
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let first = open_writer(&config).unwrap();
    assert!(matches!(open_writer(&config), Err(HistoryError::Locked(_))));
    assert!(open_reader(&config.dir).is_ok());
    drop(first);
    assert!(open_writer(&config).is_ok());
}

#[test]
fn a_folder_of_others_or_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.tex"), "text").unwrap();
    let config = Config::new(folder.path());
    assert!(matches!(open_writer(&config), Err(HistoryError::Foreign { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put there");

    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    drop(open_writer(&config).unwrap());
    std::fs::write(folder.path().join("format"), "procyon history 999\n").unwrap();
    for refused in [open_writer(&config).map(drop), open_reader(&config.dir).map(drop)] {
        let Err(HistoryError::Foreign { how, .. }) = refused else { panic!("{refused:?}") };
        assert!(how.contains("newer procyon"), "{how}");
    }
}

#[test]
fn the_root_of_a_file_system_and_what_a_start_left_behind_are_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lost+found")).unwrap();
    std::fs::write(folder.path().join("format.tmp"), "procyon hi").unwrap();
    let config = Config::new(folder.path());
    assert!(open_reader(&config.dir).is_ok());
    drop(open_writer(&config).unwrap());
    assert!(info(Files::Folder(&config.dir)).is_ok());
    assert!(!folder.path().join("format.tmp").try_exists().unwrap());
}

#[test]
fn a_recorder_keeps_what_it_is_offered_and_answers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let recorder = Recorder::start(&config).unwrap();
    let script = script();
    let history = recorder.history();
    for frame in &script.frames {
        recorder.offer(frame);
        // The queue is short; what does not fit is counted and not waited for.
        let deadline = 2000;
        for turn in 0..deadline {
            if history.extent().unwrap().is_some_and(|extent| extent.last == frame.wall) {
                break;
            }
            assert!(turn + 1 < deadline, "the frame of {:?} was not kept", frame.wall);
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }
    let usage = history.usage().unwrap();
    assert_eq!((usage.missed, usage.lost, usage.trouble), (0, 0, None));
    assert_eq!(usage.limit, Some(config.max_size));
    recorder.finish();
    recorder.offer(&script.frames[0]);
    assert_eq!(history.usage().unwrap().lost, 1);
    assert_eq!(open_reader(&config.dir).unwrap().at(script.at(3)).unwrap().frame.wall, script.at(3));
}

#[test]
fn a_snapshot_in_one_file_answers_like_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let script = script();
    let mut writer = open_writer(&config).unwrap();
    for (number, frame) in script.frames.iter().enumerate() {
        if number == 12 {
            writer.seal().unwrap();
        }
        writer.write(frame).unwrap();
    }
    let file = folder.path().join("piece.procyon");
    let told = snapshot(&config.dir, Wall(0), Wall(i64::MAX), &file).unwrap();
    assert_eq!((told.frames, told.folders, told.logs), (20, 1, 1));
    assert_eq!((told.from, told.to), (Some(script.at(0)), Some(script.at(19))));
    let (copy, damaged) = open_file(&file).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    for frame in &script.frames {
        let past = copy.at(frame.wall).unwrap();
        assert_eq!(format!("{:?}", past.frame.processes), format!("{:?}", frame.processes));
    }
    let whole = info(Files::Folder(&config.dir)).unwrap();
    assert_eq!((whole.frames, whole.from, whole.to), (20, told.from, told.to));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 5);
    std::fs::write(&file, bytes).unwrap();
    assert!(matches!(open_file(&file), Err(HistoryError::Damaged { .. })));
    std::fs::write(&file, "something else").unwrap();
    assert!(matches!(open_file(&file), Err(HistoryError::NoSnapshot(_))));
}

#[test]
fn a_small_limit_is_kept_within_one_block() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { max_size: Bytes(1 << 20), ..Config::new(folder.path().join("history")) };
    let mut script = Script::new();
    let keys: Vec<_> = (1..=150).map(|pid| script.start_earlier(pid, "worker", 60_000)).collect();
    let mut writer = open_writer(&config).unwrap();
    let (mut most, mut dice) = (0, 88_172_645_463_325_252_u64);
    for round in 0..1500_u64 {
        for key in &keys {
            let mut roll = |below: u64| {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                dice % below
            };
            let row = script.process(*key);
            row.faults.minor += roll(9973);
            row.cpu.user = row.cpu.user.plus(procyon_units::CpuTime(roll(100_000_000)));
            row.cpu.system = row.cpu.system.plus(procyon_units::CpuTime(roll(100_000_000)));
        }
        script.tick();
        writer.write(&script.frames[script.frames.len() - 1]).unwrap();
        if round % 10 == 0 {
            writer.settle();
            let bytes = open_reader(&config.dir).unwrap().usage().unwrap().bytes.0;
            assert!(bytes <= config.max_size.0 + (300 << 10), "{bytes} after {round} frames");
            most = most.max(bytes);
        }
    }
    assert!(most > config.max_size.0 / 2, "the limit was never near: {most}");
    let extent = open_reader(&config.dir).unwrap().extent().unwrap().unwrap();
    assert!(extent.first > script.at(0), "the oldest are gone");
    assert_eq!(extent.last, script.at(1499), "the newest are not");
}

/// Three blocks of an hour put together, one that is not over, and a log.
fn many_parts(config: &Config) -> Script {
    let mut script = Script::new();
    script.interval = std::time::Duration::from_secs(30);
    let key = script.start_earlier(300, "full", 30_000);
    *script.process(key) = script::full(script.process(key).clone());
    script.machine = script::full_machine();
    let idle = script.start_earlier(7, "idle", 60_000);
    let mut writer = open_writer(config).unwrap();
    for number in 0..240_u64 {
        script.burn(key, number % 7);
        if number % 10 == 3 {
            let brief = script.start(1000, "brief");
            script.die(brief, Reading::Known(Exit::Code(3)), Death { is_final: true, ..Death::default() });
        }
        if number == 200 {
            script.end(idle, Reading::Unsupported);
        }
        script.tick();
        writer.write(&script.frames[script.frames.len() - 1]).unwrap();
        if number % 40 == 39 && number < 200 {
            writer.seal().unwrap();
        }
    }
    script
}

#[test]
fn a_snapshot_holds_the_range_that_was_asked_for_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let script = many_parts(&config);
    let all = open_reader(&config.dir).unwrap();
    let file = folder.path().join("piece.procyon");
    // Within a block, over several, to within the log, all of it.
    for (from, to) in [(50, 60), (30, 170), (39, 40), (190, 230), (0, 239)] {
        let told = snapshot(&config.dir, script.at(from), script.at(to), &file).unwrap();
        let count = u64::try_from(to - from + 1).unwrap();
        assert_eq!((told.frames, told.from, told.to), (count, Some(script.at(from)), Some(script.at(to))), "{from}");
        let (copy, damaged) = open_file(&file).unwrap();
        assert!(damaged.is_empty(), "{damaged:?}");
        for frame in &script.frames[from..=to] {
            let past = copy.at(frame.wall).unwrap().frame;
            assert_eq!(format!("{:?}", past.processes), format!("{:?}", frame.processes));
            assert_eq!(format!("{:?}", past.ended), format!("{:?}", frame.ended));
            assert_eq!(format!("{:?}", past.machine), format!("{:?}", frame.machine));
        }
        // Growth of the first frame is not known in the piece.
        let question = |from: usize| procyon_history::TopQuestion {
            from: script.at(from),
            to: script.at(to),
            by: "cpu".to_owned(),
            group: procyon_history::GroupBy::Process,
            n: 3,
        };
        let (got, wanted) = (copy.top(&question(from)).unwrap(), all.top(&question(from)).unwrap());
        assert_eq!((got.covered, got.other_count), (wanted.covered, wanted.other_count), "{from}");
        for (one, other) in got.entries.iter().zip(&wanted.entries) {
            assert_eq!((one.key, &one.label, one.first, one.last), (other.key, &other.label, other.first, other.last));
            assert!((one.mean - other.mean).abs() <= 1e-9 * other.mean, "{from}: {} {}", one.mean, other.mean);
        }
    }
    for (from, to) in [(Wall(0), Wall(1)), (Wall(i64::MAX - 5), Wall(i64::MAX))] {
        let refused = snapshot(&config.dir, from, to, &folder.path().join("none"));
        assert!(matches!(refused, Err(HistoryError::Before { .. })), "{refused:?}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing unfinished stays: {left:?}");
}

#[test]
fn a_snapshot_with_a_changed_byte_says_which_file_and_answers_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let script = many_parts(&config);
    let file = folder.path().join("piece.procyon");
    snapshot(&config.dir, script.at(0), script.at(239), &file).unwrap();
    let sound = std::fs::read(&file).unwrap();
    let mut unheard = |_: usize, _: usize| {};
    assert!(procyon_store::verify(Files::Snapshot(&file), &mut unheard).unwrap().is_empty());
    for place in 1..8 {
        let mut bytes = sound.clone();
        let at = bytes.len() * place / 8;
        bytes[at] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        match open_file(&file) {
            Ok((reader, damaged)) => {
                assert_eq!(damaged.len(), 1, "byte {at}");
                let problems = procyon_store::verify(Files::Snapshot(&file), &mut unheard).unwrap();
                assert!(
                    problems.iter().any(|problem| problem.file.starts_with(&damaged[0])),
                    "{damaged:?} {problems:?}"
                );
                let readable = script
                    .frames
                    .iter()
                    .filter(|frame| reader.at(frame.wall).is_ok_and(|past| past.gap.is_none()))
                    .count();
                assert!(readable >= 12, "byte {at}: {readable} of 30 are left");
            }
            // In the list of files.
            Err(HistoryError::Damaged { .. }) => assert!(at + 4096 > bytes.len(), "byte {at}"),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn damaged_time_is_not_taken_for_time_in_which_nothing_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let mut script = script();
    let key = script.processes[0].key;
    let mut writer = open_writer(&config).unwrap();
    script.frames.iter().for_each(|frame| writer.write(frame).unwrap());
    writer.seal().unwrap();
    for _ in 0..20 {
        script.burn(key, 250);
        let place = script.tick();
        writer.write(&script.frames[place]).unwrap();
    }
    let top = || {
        let by = "cpu".to_owned();
        let question = TopQuestion { from: Wall(0), to: script.now(), by, group: GroupBy::Process, n: 10 };
        let top = open_reader(&config.dir).unwrap().top(&question).unwrap();
        (top.entries[0].mean, top.covered.as_secs_f64())
    };
    let (mean, covered) = top();
    let block = std::fs::read_dir(config.dir.join("blocks")).unwrap().next().unwrap().unwrap().path();
    for name in ["process.parquet", "summary.parquet"] {
        let file = std::fs::File::options().write(true).open(block.join(name)).unwrap();
        file.set_len(100).unwrap();
    }
    let (half, left) = top();
    assert!((mean - half).abs() < 0.01 && (left * 2.0 - covered).abs() < 3.0, "{mean} {covered} {half} {left}");
}

#[test]
fn rows_are_exported_in_three_formats() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path().join("history"));
    let script = script();
    let mut writer = open_writer(&config).unwrap();
    for frame in &script.frames {
        writer.write(frame).unwrap();
    }
    writer.seal().unwrap();
    let write = |format| {
        let mut out = Vec::new();
        let rows = export(Files::Folder(&config.dir), script.at(5), script.at(9), format, &mut out).unwrap();
        (rows, out)
    };
    let (rows, csv) = write(Format::Csv);
    let csv = String::from_utf8(csv).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((rows, lines.len()), (5, 6));
    assert!(lines[0].starts_with("time_unix_ms,gone,process_pid,"), "{}", lines[0]);
    let place = lines[0].split(',').position(|name| name == "process_cpu_user_nanoseconds").unwrap();
    assert_eq!(lines[1].split(',').nth(place), Some("250000000"));
    assert!(lines[1].contains("\"a,\"\"b\"\"\""), "{}", lines[1]);
    let (rows, json) = write(Format::Json);
    let json = String::from_utf8(json).unwrap();
    assert_eq!((rows, json.lines().count()), (5, 5));
    assert!(
        json.contains("\"process_name\":\"a,\\\"b\\\"\"")
            && json.contains("\"process_cpu_user_nanoseconds\":250000000")
    );
    let (rows, parquet) = write(Format::Parquet);
    assert_eq!(rows, 5);
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}
