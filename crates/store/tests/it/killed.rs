//! The program is killed at any moment: nothing that was acknowledged is lost.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use procyon_history::conformance::script::Script;
use procyon_history::{History, Sink};
use procyon_store::{Config, open_reader, open_writer, verify};
use procyon_units::{Clock, SystemClock, Wall};

/// Rounds in `make test`; `PROCYON_ROUNDS` asks for more.
const ROUNDS: u32 = 20;
/// Says to the child where to write.
const FOLDER: &str = "PROCYON_KILL_FOLDER";
/// Repeats the moments of a run, which prints its own.
const SEED: &str = "PROCYON_SEED";

/// The child: writes until it is killed, and says what was acknowledged. Without a folder there is nothing to do.
#[test]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut writer = open_writer(&Config::new(&folder)).unwrap();
    let last = open_reader(folder.as_ref()).unwrap().extent().unwrap().map_or(0, |extent| extent.last.unix_ms());
    let mut script = Script::new();
    for pid in 1..40 {
        script.start_earlier(pid, "worker", 60_000);
    }
    let ahead = last + 5_000 - script.now().unix_ms();
    if ahead > 0 {
        script.away(Duration::from_millis(ahead.cast_unsigned()));
    }
    for round in 1_u64.. {
        let key = script.processes[usize::try_from(round % 39).unwrap()].key;
        script.burn(key, 10);
        // Hours go by, so that blocks are put together.
        if round % 8 == 0 {
            script.away(Duration::from_mins(1));
        }
        let place = script.tick();
        let frame = Arc::clone(&script.frames[place]);
        script.frames.clear();
        writer.write(&frame).unwrap();
        println!("kept {}", frame.wall.0);
        if round % 37 == 0 {
            writer.seal().unwrap();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the program that is killed is this one")]
#[test]
fn nothing_acknowledged_is_lost_when_the_program_is_killed() {
    let rounds = std::env::var("PROCYON_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let seed = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
    let mut random: u64 = seed.unwrap_or_else(|| SystemClock.wall().0.cast_unsigned());
    println!("{SEED}={random}");
    let mut below = move |end: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % end
    };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("history");
    let mut kept: Vec<Wall> = Vec::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, &dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed after some frames, in the middle of whatever comes then.
        let (until, pause) = (1 + below(90), Duration::from_micros(below(20_000)));
        let mut told = 0;
        for line in lines.by_ref() {
            let line = line.unwrap();
            let Some(wall) = line.rsplit_once("kept ").and_then(|(_, wall)| wall.parse().ok()) else { continue };
            kept.push(Wall(wall));
            told += 1;
            if told == until {
                break;
            }
        }
        std::thread::park_timeout(pause);
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            kept.extend(line.rsplit_once("kept ").and_then(|(_, wall)| wall.parse().ok()).map(Wall));
        }
        assert!(told > 0, "round {round}: the child has kept nothing");
        // The newest ones each time, all of them in the end.
        let history = open_reader(&dir).unwrap();
        for wall in kept.iter().rev().take(5) {
            assert_eq!(history.at(*wall).unwrap().frame.wall, *wall, "round {round}");
        }
    }
    drop(open_writer(&Config::new(&dir)).unwrap());
    let history = open_reader(&dir).unwrap();
    let range = procyon_history::Range {
        from: kept[0],
        to: kept[kept.len() - 1],
        step: Duration::from_secs(1),
        fold: procyon_history::Fold::Mean,
    };
    let lines = history.host_series(&range, &["processes"]).unwrap();
    for wall in &kept {
        let place = range.place(*wall).unwrap();
        assert_eq!(lines.values[0][place], Some(39.0), "the frame of {wall:?} is missing");
    }
    assert_eq!(verify(procyon_store::Files::Folder(&dir), &mut |_, _| {}).unwrap(), []);
}
