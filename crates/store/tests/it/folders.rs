//! Whose folder it is, and who may write.

use procyon_history::conformance::script::Script;
use procyon_history::{History, HistoryError, Sink};
use procyon_model::feed::Consumer;
use procyon_store::{Config, Format, Recorder, export, info, open_file, open_reader, open_writer, snapshot};
use procyon_units::Wall;

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
    let copy = open_file(&file).unwrap();
    for frame in &script.frames {
        let past = copy.at(frame.wall).unwrap();
        assert_eq!(format!("{:?}", past.frame.processes), format!("{:?}", frame.processes));
    }
    let whole = info(&config.dir).unwrap();
    assert_eq!((whole.frames, whole.from, whole.to), (20, told.from, told.to));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 5);
    std::fs::write(&file, bytes).unwrap();
    assert!(matches!(open_file(&file), Err(HistoryError::Damaged { .. })));
    std::fs::write(&file, "something else").unwrap();
    assert!(matches!(open_file(&file), Err(HistoryError::Foreign { .. })));
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
        let rows = export(&config.dir, script.at(5), script.at(9), format, &mut out).unwrap();
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
