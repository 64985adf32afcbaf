//! Which frame answers for an instant.

use std::time::Duration;

use procyon_units::Wall;

use super::script::{BEGIN, Script};
use super::{Bench, Claim, Outcome, holds, same};
use crate::{Extent, Fold, Gap, HistoryError, Range};

pub(super) const CLAIMS: &[Claim] = &[
    Claim { name: "what_comes_after_the_clock_was_set_back_stands_for_the_time_that_comes_twice", check: set_back },
    Claim { name: "an_empty_history_says_so", check: empty },
    Claim { name: "the_newest_frame_at_or_before_an_instant_answers", check: at_or_before },
    Claim { name: "before_the_first_frame_the_answer_says_what_there_is", check: before_all },
    Claim { name: "an_instant_in_a_gap_is_answered_from_before_it_and_says_so", check: in_a_gap },
    Claim { name: "gaps_are_those_longer_than_two_intervals", check: gaps },
    Claim { name: "steps_count_frames_and_stop_at_the_ends", check: steps },
    Claim { name: "the_pace_may_change", check: pace },
    Claim { name: "after_another_boot_processes_are_others", check: boot },
];

fn empty(bench: &Bench<'_>) -> Outcome {
    let subject = bench.empty();
    same("extent", &subject.history.extent()?, &None)?;
    let now = Wall::from_unix_ms(BEGIN);
    holds("at says so", matches!(subject.history.at(now), Err(HistoryError::Empty)))?;
    holds("step says so", matches!(subject.history.step(now, 1), Err(HistoryError::Empty)))?;
    same("gaps", &subject.history.gaps(Wall(0), now)?, &vec![])
}

fn at_or_before(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(10);
    let subject = bench.record(&script)?;
    for (ms, wanted) in [(0, 0), (1, 0), (999, 0), (1000, 1), (8_500, 8), (9_000, 9), (10_900, 9)] {
        let past = subject.history.at(Wall::from_unix_ms(BEGIN + ms))?;
        same(&format!("frame for {ms} ms"), &past.frame.wall, &script.at(wanted))?;
        same(&format!("gap at {ms} ms"), &past.gap, &None)?;
    }
    let extent = Extent { first: script.at(0), last: script.at(9), interval: Duration::from_secs(1) };
    same("extent", &subject.history.extent()?, &Some(extent))
}

fn before_all(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(3);
    let subject = bench.record(&script)?;
    match subject.history.at(Wall::from_unix_ms(BEGIN - 1)) {
        Err(HistoryError::Before { extent, .. }) => {
            same("extent", &(extent.first, extent.last), &(script.at(0), script.at(2)))
        }
        other => Err(format!("got {other:?}").into()),
    }
}

fn in_a_gap(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(10, "there", 5_000);
    script.ticks(5);
    script.burn(key, 400);
    script.away(Duration::from_mins(10));
    script.ticks(5);
    let subject = bench.record(&script)?;
    let (from, to) = (script.at(4), script.at(5));
    let near = subject.history.at(Wall(from.0 + 1_900_000_000))?;
    same("just after", &near.gap, &None)?;
    let within = subject.history.at(Wall(from.0 + 60_000_000_000))?;
    same("frame", &within.frame.wall, &from)?;
    same("gap", &within.gap, &Some(Gap { from, to: Some(to) }))?;
    let after = subject.history.at(to)?;
    same("gap after", &after.gap, &None)?;
    same("time at the keyframe", &after.frame.process(&key).map(|row| row.cpu.total().0), &Some(400_000_000))?;
    let last = script.at(9);
    let beyond = subject.history.at(Wall(last.0 + 3_600_000_000_000))?;
    same("gap without an end", &beyond.gap, &Some(Gap { from: last, to: None }))?;
    same("all gaps", &subject.history.gaps(Wall(0), Wall(i64::MAX))?, &vec![Gap { from, to: Some(to) }])
}

fn gaps(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(2);
    // One tick late is no gap: the next frame comes exactly two intervals after the last.
    script.away(Duration::from_secs(1));
    script.ticks(2);
    script.away(Duration::from_millis(1_001));
    script.ticks(2);
    script.away(Duration::from_hours(1));
    script.ticks(2);
    let subject = bench.record(&script)?;
    let first = Gap { from: script.at(3), to: Some(script.at(4)) };
    let second = Gap { from: script.at(5), to: Some(script.at(6)) };
    let gaps = |from: Wall, to: Wall| subject.history.gaps(from, to);
    same("all", &gaps(script.at(0), script.at(7))?, &vec![first, second])?;
    same("those that reach in", &gaps(Wall(second.from.0 + 1), Wall(second.from.0 + 2))?, &vec![second])?;
    same("none", &gaps(script.at(0), script.at(3))?, &vec![])?;
    same("none after the end", &gaps(script.at(7), Wall(script.at(7).0 + 1_000_000_000_000))?, &vec![])
}

fn steps(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(4);
    script.away(Duration::from_mins(5));
    script.ticks(4);
    let subject = bench.record(&script)?;
    let within = Wall(script.at(3).0 + 60_000_000_000);
    let cases = [
        (script.at(3), 0, 3),
        (script.at(3), 1, 4),
        (script.at(3), -1, 2),
        (within, 0, 3),
        (within, 1, 4),
        (within, -3, 0),
        (script.at(4), -2, 2),
        (script.at(2), 99, 7),
        (script.at(2), -99, 0),
        (Wall(i64::MAX), i64::MIN, 0),
        (Wall(script.at(0).0 - 5), 1, 0),
        (Wall(script.at(0).0 - 5), 2, 1),
    ];
    for (at, by, wanted) in cases {
        same(&format!("{by} from {at:?}"), &subject.history.step(at, by)?, &script.at(wanted))?;
    }
    Ok(())
}

fn pace(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(5);
    script.interval = Duration::from_secs(10);
    script.ticks(5);
    script.interval = Duration::from_millis(500);
    script.ticks(5);
    let subject = bench.record(&script)?;
    same("interval", &subject.history.extent()?.map(|extent| extent.interval), &Some(Duration::from_millis(500)))?;
    same("no gap", &subject.history.gaps(Wall(0), Wall(i64::MAX))?, &vec![])?;
    let slow = subject.history.at(Wall(script.at(7).0 + 9_000_000_000))?;
    same("frame", &slow.frame.wall, &script.at(7))?;
    same("gap", &slow.gap, &None)?;
    same("its pace", &slow.frame.pace.actual, &Duration::from_secs(10))
}

fn boot(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let one = script.start_earlier(1, "init", 900_000);
    script.ticks(3);
    script.reboot(Duration::from_mins(2));
    let other = script.start_earlier(1, "init", 19_000);
    script.ticks(3);
    let subject = bench.record(&script)?;
    let (before, after) = (subject.history.at(script.at(2))?, subject.history.at(script.at(3))?);
    holds("the keys differ", one != other)?;
    holds("the first boot has its own", before.frame.process(&one).is_some())?;
    holds("and not the other", before.frame.process(&other).is_none())?;
    holds("the second boot has its own", after.frame.process(&other).is_some())?;
    holds("and not the first", after.frame.process(&one).is_none())?;
    same("boots", &(before.frame.host.boot != after.frame.host.boot), &true)?;
    same("boot time", &after.frame.host.boot_time, &script.frames.last().map(|f| f.host.boot_time).unwrap_or_default())
}

fn set_back(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(9, "steady", 60_000);
    for _ in 0..20 {
        script.burn(key, 100);
        script.tick();
    }
    // Half a second aside, so that no two frames have the same instant.
    script.set_back(Duration::from_millis(9_500));
    let brief = script.start(10, "brief");
    for n in 0..20 {
        script.burn(key, 500);
        if n == 3 {
            script.end(brief, procyon_units::Reading::Unsupported);
        }
        script.tick();
    }
    let subject = bench.record(&script)?;
    let history = &subject.history;
    // Ten frames, then twenty.
    let seen: Vec<usize> = (0..11).chain(20..40).collect();
    for (number, place) in seen.iter().enumerate() {
        let at = script.at(*place);
        let wanted = script.frames.get(*place).map(|frame| frame.processes.clone());
        let past = history.at(at)?;
        same(&format!("frame {place}"), &(past.frame.wall, Some(past.frame.processes.clone())), &(at, wanted))?;
        let neighbour = |by: usize, back: bool| {
            let other = if back { number.saturating_sub(by) } else { (number + by).min(seen.len() - 1) };
            seen.get(other).map(|place| script.at(*place))
        };
        same(&format!("step from {place}"), &Some(history.step(at, 1)?), &neighbour(1, false))?;
        same(&format!("step back from {place}"), &Some(history.step(at, -1)?), &neighbour(1, true))?;
        same(&format!("steps back from {place}"), &Some(history.step(at, -7)?), &neighbour(7, true))?;
    }
    same("gaps", &history.gaps(script.at(0), script.now())?, &vec![])?;
    let range = Range { from: script.at(0), to: script.now(), step: Duration::from_secs(1), fold: Fold::Mean };
    let lines = history.process_series(&range, &[key], &["cpu"])?;
    let cpu: Vec<f64> = lines.iter().flat_map(|line| line.values.iter().flatten().flatten().copied()).collect();
    same("growth is known but where frames start anew", &cpu.len(), &29)?;
    holds(
        "growth is that of its frames",
        cpu.iter().all(|cores| (cores - 0.1).abs() < 1e-9 || (cores - 0.5).abs() < 1e-9),
    )?;
    let extent = history.extent()?.map(|extent| (extent.first, extent.last));
    same("extent", &extent, &Some((script.at(0), script.at(39))))
}
