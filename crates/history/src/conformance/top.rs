//! Who used the most over a range.

use std::sync::Arc;
use std::time::Duration;

use procyon_model::{Descriptor, ProcessKey};
use procyon_units::{Bytes, Reading, Wall};

use super::script::Script;
use super::{Bench, Claim, Outcome, Subject, holds, same};
use crate::{GroupBy, HistoryError, Top, TopQuestion};

pub(super) const CLAIMS: &[Claim] = &[
    Claim { name: "the_heaviest_come_first_and_the_rest_is_summed", check: by_growth },
    Claim { name: "levels_are_averaged_over_the_whole_range", check: by_level },
    Claim { name: "what_ended_processes_used_counts_up_to_their_end", check: deaths },
    Claim { name: "processes_that_were_born_and_ended_between_two_frames_count", check: between_frames },
    Claim { name: "groups_add_up_their_members", check: groups },
    Claim { name: "entries_and_the_rest_make_the_whole_sum_for_every_n_and_group", check: sums },
    Claim { name: "gaps_are_left_out_of_means", check: gap },
    Claim { name: "only_frames_of_the_range_count", check: ragged },
];

fn ask(subject: &Subject, script: &Script, by: &str, group: GroupBy, n: usize) -> Result<Top, HistoryError> {
    let from = Wall(script.at(0).0 - 1);
    let to = Wall(script.now().0);
    subject.history.top(&TopQuestion { from, to, by: by.to_owned(), group, n })
}

fn pids(top: &Top) -> Vec<u32> {
    top.entries.iter().map(|entry| entry.key.pid).collect()
}

fn means(top: &Top) -> Vec<f64> {
    top.entries.iter().map(|entry| entry.mean).collect()
}

/// Eleven frames of workers, each of which burns its number times 10 ms a second.
fn workers(script: &mut Script, count: u32) -> Vec<ProcessKey> {
    let keys: Vec<_> = (1..=count).map(|n| script.start_earlier(n, &format!("worker{n}"), 60_000)).collect();
    script.tick();
    for _ in 0..10 {
        for key in &keys {
            script.burn(*key, 10 * u64::from(key.pid));
        }
        script.tick();
    }
    keys
}

fn by_growth(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let keys = workers(&mut script, 6);
    script.start_earlier(7, "idle", 60_000);
    script.tick();
    let subject = bench.record(&script)?;
    let top = ask(&subject, &script, "cpu", GroupBy::Process, 2)?;
    // Twelve frames cover twelve seconds; nothing is known of the first one.
    same("covered", &top.covered, &Duration::from_secs(12))?;
    same("who", &pids(&top), &vec![6, 5])?;
    same("means", &means(&top), &vec![0.6 / 12.0, 0.5 / 12.0])?;
    same("others", &(top.other_count, top.other_mean), &(4, (0.1 + 0.2 + 0.3 + 0.4) / 12.0))?;
    let first = top.entries.first().ok_or("there is an entry")?;
    same("key", &Some(&first.key), &keys.last())?;
    same("label", &first.label.to_vec(), &b"worker6".to_vec())?;
    same("word", &first.group.to_vec(), &b"worker6".to_vec())?;
    same("user", &first.descriptor.user.to_vec(), &b"www".to_vec())?;
    same("first and last", &(first.first, first.last, first.processes), &(script.at(0), script.at(11), 1))?;
    let wrong = ask(&subject, &script, "wings", GroupBy::Process, 2);
    holds("an unknown figure is refused", matches!(wrong, Err(HistoryError::NoFigure(id)) if id == "wings"))
}

fn resident(script: &mut Script, key: ProcessKey, bytes: u64) {
    if let Reading::Known(memory) = &mut script.process(key).memory {
        memory.resident = Bytes(bytes);
    }
}

fn by_level(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let always = script.start_earlier(1, "always", 60_000);
    resident(&mut script, always, 3_000);
    script.ticks(5);
    let half = script.start(2, "half");
    resident(&mut script, half, 8_000);
    resident(&mut script, always, 3_500);
    script.ticks(5);
    let subject = bench.record(&script)?;
    let top = ask(&subject, &script, "rss", GroupBy::Process, 5)?;
    same("who", &pids(&top), &vec![2, 1])?;
    same("means", &means(&top), &vec![4_000.0, 3_250.0])
}

fn deaths(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let stays = script.start_earlier(1, "stays", 60_000);
    let goes = script.start_earlier(2, "goes", 60_000);
    script.tick();
    script.burn(stays, 100);
    script.burn(goes, 100);
    script.tick();
    script.burn(goes, 700);
    script.end(goes, Reading::Unsupported);
    script.ticks(2);
    let subject = bench.record(&script)?;
    let top = ask(&subject, &script, "cpu", GroupBy::Process, 5)?;
    same("who", &pids(&top), &vec![2, 1])?;
    same("means", &means(&top), &vec![0.8 / 4.0, 0.1 / 4.0])?;
    let gone = top.entries.first().ok_or("there is an entry")?;
    same("first and last", &(gone.first, gone.last), &(script.at(0), script.at(2)))
}

fn between_frames(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(2);
    for pid in 100..110 {
        let key = script.start(pid, "make");
        script.burn(key, 50);
        script.end(key, Reading::Unsupported);
    }
    script.ticks(2);
    let subject = bench.record(&script)?;
    let top = ask(&subject, &script, "cpu", GroupBy::Name, 5)?;
    let group = top.entries.first().ok_or("there is an entry")?;
    same("group", &(group.group.to_vec(), group.processes), &(b"make".to_vec(), 10))?;
    same("mean", &group.mean, &(0.5 / 4.0))?;
    same("first and last", &(group.first, group.last), &(script.at(2), script.at(2)))
}

/// Puts a process into a user, a control group, a container and a unit.
fn place(script: &mut Script, key: ProcessKey, words: [&str; 4]) {
    let row = script.process(key);
    let [user, cgroup, container, unit] = words.map(|word| word.as_bytes().into());
    row.descriptor = Arc::new(Descriptor { user, cgroup, container, unit, ..(*row.descriptor).clone() });
}

/// Six workers in groups that differ for every way to put them together.
fn mixed(script: &mut Script) {
    let words = [
        ("b", ["root", "/slice0", "", "x.service"]),
        ("c", ["root", "/slice0", "", "y.service"]),
        ("a", ["www", "/slice0", "", ""]),
        ("b", ["www", "/slice1", "", ""]),
        ("c", ["www", "/slice1", "", ""]),
        ("a", ["www", "/slice1", "web-1", ""]),
    ];
    let mut keys = Vec::new();
    for (pid, (name, words)) in (1..).zip(words) {
        let key = script.start_earlier(pid, name, 60_000);
        place(script, key, words);
        keys.push(key);
    }
    script.tick();
    for _ in 0..9 {
        for key in &keys {
            script.burn(*key, 10 * u64::from(key.pid));
        }
        script.tick();
    }
}

fn groups(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    mixed(&mut script);
    let subject = bench.record(&script)?;
    let words = |group| -> Result<Vec<(String, usize, u32, i64)>, HistoryError> {
        let top = ask(&subject, &script, "cpu", group, 10)?;
        let entry = |entry: &crate::TopEntry| {
            let percent = format!("{:.0}", entry.mean * 1000.0 / 0.9).parse().unwrap_or(0);
            (String::from_utf8_lossy(&entry.group).into_owned(), entry.processes, entry.key.pid, percent)
        };
        Ok(top.entries.iter().map(entry).collect())
    };
    let wanted = |rows: &[(&str, usize, u32, i64)]| -> Vec<(String, usize, u32, i64)> {
        rows.iter().map(|(word, count, pid, share)| ((*word).to_owned(), *count, *pid, *share)).collect()
    };
    same("by name", &words(GroupBy::Name)?, &wanted(&[("a", 2, 6, 90), ("c", 2, 5, 70), ("b", 2, 4, 50)]))?;
    same("by label", &words(GroupBy::Label)?, &words(GroupBy::Name)?)?;
    same("by user", &words(GroupBy::User)?, &wanted(&[("www", 4, 6, 180), ("root", 2, 2, 30)]))?;
    same("by control group", &words(GroupBy::Cgroup)?, &wanted(&[("/slice1", 3, 6, 150), ("/slice0", 3, 3, 60)]))?;
    same("by container", &words(GroupBy::Container)?, &wanted(&[("", 5, 5, 150), ("web-1", 1, 6, 60)]))?;
    same(
        "by unit",
        &words(GroupBy::Unit)?,
        &wanted(&[("", 4, 6, 180), ("y.service", 1, 2, 20), ("x.service", 1, 1, 10)]),
    )
}

fn sums(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    mixed(&mut script);
    let goes = script.start(50, "goes");
    script.burn(goes, 40);
    script.tick();
    script.burn(goes, 40);
    script.end(goes, Reading::Unsupported);
    script.tick();
    let subject = bench.record(&script)?;
    // 10 ms times 1 + 2 + … + 6 in nine frames, and 80 ms of the one that ended.
    let cpu = (9.0 * 0.21 + 0.08) / 12.0;
    let rss = (6.0 * 12.0 + 1.0) * f64::from(1 << 20) / 12.0;
    for (by, whole) in [("cpu", cpu), ("rss", rss)] {
        for (word, group) in GroupBy::ALL {
            for n in [0, 1, 2, 3, 100] {
                let top = ask(&subject, &script, by, *group, n)?;
                let sum = means(&top).iter().sum::<f64>() + top.other_mean;
                same(&format!("{by} by {word}, {n} entries"), &sum, &whole)?;
                holds("no more than asked for", top.entries.len() <= n)?;
            }
        }
    }
    Ok(())
}

fn gap(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(1, "worker", 60_000);
    script.tick();
    for _ in 0..4 {
        script.burn(key, 500);
        script.tick();
    }
    script.away(Duration::from_hours(1));
    // What grew in the time of which nothing is known is not told.
    script.burn(key, 900_000);
    script.tick();
    for _ in 0..4 {
        script.burn(key, 500);
        script.tick();
    }
    let subject = bench.record(&script)?;
    let top = ask(&subject, &script, "cpu", GroupBy::Process, 1)?;
    same("covered", &top.covered, &Duration::from_secs(10))?;
    same("mean", &means(&top), &vec![0.4])
}

fn ragged(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(1, "worker", 60_000);
    script.tick();
    for n in 1..=10 {
        script.burn(key, 100 * n);
        script.tick();
    }
    let subject = bench.record(&script)?;
    let top = |from: usize, to: usize| {
        let (from, to) = (script.at(from), script.at(to));
        subject.history.top(&TopQuestion { from, to, by: "cpu".to_owned(), group: GroupBy::Process, n: 1 })
    };
    // The frame at `from` tells about the time before it.
    same("three frames", &means(&top(3, 6)?), &vec![0.5])?;
    same("their time", &top(3, 6)?.covered, &Duration::from_secs(3))?;
    same("no frame", &top(3, 3)?, &Top::default())?;
    let beyond = TopQuestion {
        from: Wall(script.at(10).0),
        to: Wall(i64::MAX),
        by: "cpu".to_owned(),
        group: GroupBy::Process,
        n: 1,
    };
    same("after the end", &subject.history.top(&beyond)?, &Top::default())
}
