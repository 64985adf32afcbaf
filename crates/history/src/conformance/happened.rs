//! What happened, and who lived.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use procyon_model::Descriptor;
use procyon_model::frame::{Death, Exit, Sender};
use procyon_units::{CpuTime, Reading, Wall};

use super::script::{self, Script};
use super::{Bench, Claim, Outcome, Subject, holds, same};
use crate::{EventKind, Events, Fold, GroupBy, Range, Search, TopQuestion};

pub(super) const CLAIMS: &[Claim] = &[
    Claim { name: "births_and_deaths_are_told_with_the_frame_that_saw_them", check: births_and_deaths },
    Claim { name: "an_end_holds_the_final_totals_and_how_it_came", check: final_totals },
    Claim { name: "an_end_says_who_sent_the_signal_and_what_else_the_kernel_told", check: deaths_in_full },
    Claim { name: "an_end_that_is_told_late_is_no_birth_and_counts_from_the_last_frame", check: late_ends },
    Claim { name: "gaps_and_boots_are_told_and_nobody_is_born_in_them", check: gaps_and_boots },
    Claim { name: "a_process_that_comes_back_is_told_again", check: back_again },
    Claim { name: "the_newest_events_are_kept_and_the_oldest_stand_first", check: limit },
    Claim { name: "only_the_kinds_asked_for_are_told", check: kinds },
    Claim { name: "kills_are_told_apart_from_other_ends", check: kills },
    Claim { name: "processes_are_found_by_all_their_words", check: search },
    Claim { name: "what_is_found_says_when_it_lived_and_whether_it_ended", check: lives },
    Claim { name: "odd_bytes_are_found_and_come_back", check: odd_bytes },
    Claim { name: "usage_says_no_trouble", check: usage },
];

/// An event as kind, place of its frame, pid.
type Told = (EventKind, usize, u32);

/// The events of a range.
fn told(subject: &Subject, script: &Script, events: &Events) -> Result<Vec<Told>, Box<dyn Error>> {
    let place = |at: Wall| script.frames.iter().position(|frame| frame.wall == at);
    let events = subject.history.events(events)?;
    events
        .iter()
        .map(|event| {
            let place = place(event.at).ok_or("an event has the instant of no frame")?;
            Ok((event.kind, place, event.process.as_ref().map_or(0, |process| process.row.key.pid)))
        })
        .collect()
}

fn everything(script: &Script) -> Events {
    Events { from: Wall(script.at(0).0 - 1), to: script.now(), kinds: Vec::new(), limit: 1000 }
}

fn births_and_deaths(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let old = script.start_earlier(5, "old", 60_000);
    script.ticks(2);
    script.start(9, "nine");
    script.start(7, "seven");
    script.tick();
    script.end(old, Reading::Unsupported);
    let short = script.start(6, "short");
    script.end(short, Reading::Unsupported);
    script.ticks(2);
    let subject = bench.record(&script)?;
    let wanted = vec![
        (EventKind::Gap, 0, 0),
        (EventKind::Birth, 2, 7),
        (EventKind::Birth, 2, 9),
        (EventKind::Birth, 3, 6),
        (EventKind::Death, 3, 5),
        (EventKind::Death, 3, 6),
    ];
    let mut got = told(&subject, &script, &everything(&script))?;
    same("all", &got, &wanted)?;
    // Frames later than `from` and up to `to`.
    let part = Events { from: script.at(2), to: script.at(3), ..everything(&script) };
    got = told(&subject, &script, &part)?;
    same("part", &got, &wanted.get(3..).unwrap_or_default().to_vec())
}

fn final_totals(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(300, "full", 30_000);
    let row = script.process(key);
    *row = script::full(row.clone());
    script.ticks(3);
    script.burn(key, 990);
    script.end(key, Reading::Known(Exit::Signal(11)));
    let place = script.tick();
    script.tick();
    let subject = bench.record(&script)?;
    let events = subject.history.events(&Events { kinds: vec![EventKind::Death], ..everything(&script) })?;
    let [death] = events.as_slice() else { return Err(format!("got {} deaths", events.len()).into()) };
    let wanted = script.frames.get(place).and_then(|frame| frame.ended.first()).ok_or("the script ends one")?;
    same("process", &death.process.as_deref(), &Some(wanted))?;
    same("when", &death.at, &script.at(place))
}

/// Ends of every kind: by a code, by somebody's signal, by the kernel for want of memory, with a core file, of one that no frame held.
fn deaths_in_full(bench: &Bench<'_>) -> Outcome {
    let sender = |pid, uid, name: &[u8]| Some(Sender { pid, uid, name: name.into() });
    let ends = [
        (Exit::Code(3), Death { is_final: true, ..Death::default() }),
        (Exit::Signal(9), Death { sender: sender(77, 1000, b"bash"), is_final: true, ..Death::default() }),
        (Exit::Signal(15), Death { sender: sender(0, 0, b"\xff odd)"), ..Death::default() }),
        (Exit::Signal(9), Death { oom: true, is_final: true, ..Death::default() }),
        (Exit::Signal(11), Death { core_dumped: true, ..Death::default() }),
        (Exit::Code(255), Death::default()),
    ];
    let mut script = Script::new();
    let mut keys: Vec<_> = (0_u32..5).map(|n| script.start_earlier(100 + n, "worker", 60_000)).collect();
    script.ticks(3);
    keys.push(script.start(105, "brief"));
    for (key, (exit, death)) in keys.iter().zip(&ends) {
        script.burn(*key, 70);
        script.die(*key, Reading::Known(*exit), death.clone());
    }
    let place = script.tick();
    script.ticks(2);
    let subject = bench.record(&script)?;
    let wanted = script.frames.get(place).map(|frame| frame.ended.clone()).ok_or("the script ends them")?;
    holds("the script ends all", wanted.len() == ends.len())?;
    let told = subject.history.events(&Events { kinds: vec![EventKind::Death], ..everything(&script) })?;
    let told: Vec<_> = told.into_iter().filter_map(|event| event.process).map(Arc::unwrap_or_clone).collect();
    same("events", &told, &wanted)?;
    same("frame", &subject.history.at(script.at(place))?.frame.ended, &wanted)?;
    let births = subject.history.events(&Events { kinds: vec![EventKind::Birth], ..everything(&script) })?;
    let told: Vec<_> = births.iter().filter_map(|event| event.process.as_ref()).map(|one| &one.death).collect();
    same("births", &told, &vec![&Death::default()])
}

fn late_ends(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let old = script.start_earlier(5, "old", 60_000);
    script.ticks(3);
    let young = script.start(7, "young");
    script.burn(old, 400);
    script.burn(young, 300);
    script.ticks(2);
    let hidden: Vec<_> = [old, young].into_iter().filter_map(|key| script.hide(key)).collect();
    script.ticks(2);
    for mut row in hidden {
        row.cpu.user = row.cpu.user.plus(CpuTime(200_000_000));
        script.die_late(row, Reading::Known(Exit::Code(1)), Death { is_final: true, ..Death::default() });
    }
    let place = script.tick();
    script.ticks(2);
    let subject = bench.record(&script)?;
    let wanted = vec![
        (EventKind::Gap, 0, 0),
        (EventKind::Birth, 3, 7),
        (EventKind::Death, place, 5),
        (EventKind::Death, place, 7),
    ];
    same("events", &told(&subject, &script, &everything(&script))?, &wanted)?;
    let ended = script.frames.get(place).map(|frame| frame.ended.clone()).unwrap_or_default();
    same("frame", &subject.history.at(script.at(place))?.frame.ended, &ended)?;
    let range = Range { from: script.at(0), to: script.now(), step: Duration::from_secs(1), fold: Fold::Mean };
    let lines = subject.history.process_series(&range, &[old, young], &["cpu", "rss"])?;
    let cpu: Vec<_> = lines.iter().map(|line| line.values.first().cloned().unwrap_or_default()).collect();
    let idle = Some(0.0);
    let old_cpu = vec![None, idle, idle, Some(0.4), idle, None, None, Some(0.2), None, None, None];
    let young_cpu = vec![None, None, None, Some(0.3), idle, None, None, Some(0.2), None, None, None];
    same("cpu", &cpu, &vec![old_cpu, young_cpu])?;
    let held: Vec<_> =
        lines.iter().map(|line| line.values.get(1).map_or(0, |rss| rss.iter().flatten().count())).collect();
    same("instants that held it", &held, &vec![5, 2])?;
    let question = TopQuestion {
        from: Wall(script.at(0).0 - 1),
        to: script.now(),
        by: "rss".to_owned(),
        group: GroupBy::Process,
        n: 5,
    };
    let top = subject.history.top(&question)?;
    let lived: Vec<_> = top.entries.iter().map(|entry| (entry.key, entry.first, entry.last)).collect();
    same(
        "first and last",
        &lived,
        &vec![(old, script.at(0), script.at(place)), (young, script.at(3), script.at(place))],
    )
}

fn gaps_and_boots(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.start_earlier(1, "init", 60_000);
    script.ticks(3);
    script.away(Duration::from_mins(5));
    script.start(2, "unseen");
    script.ticks(2);
    script.reboot(Duration::from_mins(1));
    script.start_earlier(1, "init", 19_000);
    script.ticks(2);
    let subject = bench.record(&script)?;
    let wanted = vec![(EventKind::Gap, 0, 0), (EventKind::Gap, 3, 0), (EventKind::Boot, 5, 0), (EventKind::Gap, 5, 0)];
    same("all", &told(&subject, &script, &everything(&script))?, &wanted)?;
    let events = subject.history.events(&Events { kinds: vec![EventKind::Gap], ..everything(&script) })?;
    let since: Vec<_> = events.iter().map(|event| event.since).collect();
    same("since", &since, &vec![None, Some(script.at(2)), Some(script.at(4))])
}

fn back_again(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(5, "shy", 60_000);
    script.ticks(2);
    let Some(hidden) = script.hide(key) else { return Err("the script hides it".into()) };
    script.ticks(2);
    script.show(hidden);
    script.ticks(2);
    let subject = bench.record(&script)?;
    same(
        "all",
        &told(&subject, &script, &everything(&script))?,
        &vec![(EventKind::Gap, 0, 0), (EventKind::Birth, 4, 5)],
    )
}

/// Ten processes, each of which is born in a frame of its own.
fn ten(script: &mut Script) {
    script.tick();
    for pid in 1..=10 {
        script.start(pid, "worker");
        script.tick();
    }
}

fn limit(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    ten(&mut script);
    let subject = bench.record(&script)?;
    let few = told(&subject, &script, &Events { limit: 3, ..everything(&script) })?;
    same("three", &few, &vec![(EventKind::Birth, 8, 8), (EventKind::Birth, 9, 9), (EventKind::Birth, 10, 10)])?;
    same("none", &told(&subject, &script, &Events { limit: 0, ..everything(&script) })?, &vec![])
}

fn kinds(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    ten(&mut script);
    let key = script.start(11, "brief");
    script.tick();
    script.end(key, Reading::Unsupported);
    script.tick();
    let subject = bench.record(&script)?;
    let of = |kinds: &[EventKind]| told(&subject, &script, &Events { kinds: kinds.to_vec(), ..everything(&script) });
    same("deaths", &of(&[EventKind::Death])?, &vec![(EventKind::Death, 12, 11)])?;
    same("kills", &of(&[EventKind::Kill])?, &vec![])?;
    same("gaps and deaths", &of(&[EventKind::Gap, EventKind::Death])?.len(), &2)?;
    same("boots", &of(&[EventKind::Boot])?, &vec![])
}

fn kills(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let ends = [
        (21, Reading::Known(Exit::Code(9)), false),
        (22, Reading::Known(Exit::Signal(9)), false),
        (23, Reading::Known(Exit::Signal(15)), false),
        (24, Reading::Known(Exit::Signal(15)), true),
        (25, Reading::Known(Exit::Signal(11)), false),
        (26, Reading::Unsupported, false),
    ];
    let keys: Vec<_> = ends.iter().map(|(pid, ..)| script.start(*pid, "brief")).collect();
    script.tick();
    for (key, (_, exit, oom)) in keys.into_iter().zip(ends) {
        script.die(key, exit, Death { oom, ..Death::default() });
        script.tick();
    }
    let long = script.start(30, "long");
    script.ticks(3);
    script.end(long, Reading::Known(Exit::Signal(6)));
    script.tick();
    let subject = bench.record(&script)?;
    let of = |kinds: &[EventKind], limit| {
        let events = Events { kinds: kinds.to_vec(), limit, ..everything(&script) };
        Ok::<_, Box<dyn Error>>(told(&subject, &script, &events)?.into_iter().map(|told| (told.0, told.2)).collect())
    };
    let deaths = |pids: &[u32]| -> Vec<(EventKind, u32)> { pids.iter().map(|pid| (EventKind::Death, *pid)).collect() };
    same("kills", &of(&[EventKind::Kill], 99)?, &deaths(&[22, 24, 25, 30]))?;
    same("the newest kills", &of(&[EventKind::Kill], 2)?, &deaths(&[25, 30]))?;
    same("deaths with kills", &of(&[EventKind::Kill, EventKind::Death], 99)?, &deaths(&[21, 22, 23, 24, 25, 26, 30]))
}

fn find(subject: &Subject, script: &Script, words: &[&str], limit: usize) -> Result<Vec<u32>, Box<dyn Error>> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let search = Search { from: script.at(0), to: script.now(), words, limit };
    Ok(subject.history.search(&search)?.iter().map(|found| found.key.pid).collect())
}

fn search(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    for (pid, name) in [(11, "nginx"), (12, "postgres"), (13, "Backup")] {
        script.start_earlier(pid, name, 60_000);
    }
    let key = script.start_earlier(14, "runner", 60_000);
    let row = script.process(key);
    row.descriptor = Arc::new(Descriptor {
        user: (*b"ada").into(),
        container: (*b"ci-7").into(),
        cgroup: (*b"/docker/0abc").into(),
        unit: (*b"docker.service").into(),
        cmd: (*b"/opt/runner --nginx").into(),
        ..(*row.descriptor).clone()
    });
    row.label = Arc::from(&b"runner:9000"[..]);
    script.ticks(3);
    let subject = bench.record(&script)?;
    for (words, wanted) in [
        (&["postgres"][..], &[12][..]),
        (&["nginx"], &[11, 14]),
        (&["nginx", "ada"], &[14]),
        (&["NGINX", "Ada"], &[14]),
        (&["backup"], &[13]),
        (&["12"], &[12]),
        (&["9000"], &[14]),
        (&["ci-7"], &[14]),
        (&["docker/0A"], &[14]),
        (&["docker.service"], &[14]),
        (&["web.service", "www"], &[11, 12, 13]),
        (&["nobody"], &[]),
        (&["nginx", "nobody"], &[]),
        (&[], &[11, 12, 13, 14]),
    ] {
        same(&format!("{words:?}"), &find(&subject, &script, words, 50)?, &wanted.to_vec())?;
    }
    same("limit", &find(&subject, &script, &[], 2)?, &vec![11, 12])
}

fn lives(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let early = script.start_earlier(1, "early", 60_000);
    script.ticks(3);
    let late = script.start(2, "late");
    script.tick();
    script.end(early, Reading::Unsupported);
    script.ticks(3);
    let subject = bench.record(&script)?;
    let ask = |from: usize, to: usize| {
        let (from, to) = (script.at(from), script.at(to));
        subject.history.search(&Search { from, to, words: Vec::new(), limit: 10 })
    };
    let all = ask(0, 6)?;
    let lives: Vec<_> = all.iter().map(|found| (found.key, found.first, found.last, found.ended)).collect();
    let wanted = vec![(late, script.at(3), script.at(6), false), (early, script.at(0), script.at(3), true)];
    same("all", &lives, &wanted)?;
    let started = all.get(1).map(|found| found.started);
    same("start", &started, &Some(Wall(script.at(0).0 - 60_000_000_000)))?;
    let before: Vec<_> = ask(0, 3)?.iter().map(|found| (found.key.pid, found.ended)).collect();
    same("before the end", &before, &vec![(1, false), (2, false)])?;
    let after: Vec<_> = ask(5, 6)?.iter().map(|found| found.key.pid).collect();
    same("after the end", &after, &vec![2])
}

fn odd_bytes(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(21, "odd", 60_000);
    let row = script.process(key);
    *row = script::full(row.clone());
    script.ticks(2);
    let subject = bench.record(&script)?;
    same("by the name", &find(&subject, &script, &["a) b\nc"], 5)?, &vec![21])?;
    same("by what stands after other bytes", &find(&subject, &script, &["python3"], 5)?, &vec![21])?;
    let found = subject.history.search(&Search {
        from: script.at(0),
        to: script.at(1),
        words: vec!["web-1:8080".to_owned()],
        limit: 5,
    })?;
    let found = found.first().ok_or("it is found by its label")?;
    same("strings", &*found.descriptor, &*script.process(key).descriptor)
}

fn usage(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(3);
    let subject = bench.record(&script)?;
    let usage = subject.history.usage()?;
    same("trouble", &usage.trouble, &None)?;
    holds("nothing was lost", usage.lost == 0 && usage.missed == 0)
}
