//! Series of the machine and of processes.

use std::time::Duration;

use procyon_model::machine::Load;
use procyon_units::{Bytes, Reading, Wall};

use super::script::{BEGIN, Script};
use super::{Bench, Claim, Outcome, holds, same};
use crate::{Fold, HistoryError, Range, Seen};

pub(super) const CLAIMS: &[Claim] = &[
    Claim { name: "series_of_the_machine_fold_to_mean_most_and_least", check: host },
    Claim { name: "series_have_no_value_where_nothing_is_known", check: host_gap },
    Claim { name: "means_weigh_frames_with_the_time_they_cover", check: weights },
    Claim { name: "a_figure_that_is_not_kept_is_refused_by_name", check: unknown_figure },
    Claim { name: "series_of_processes_are_growth_over_time_and_levels", check: process },
    Claim { name: "a_line_of_a_process_begins_with_its_birth_and_ends_with_its_end", check: life },
    Claim { name: "growth_over_a_gap_is_unknown", check: process_gap },
    Claim { name: "a_counter_that_ran_backwards_grew_by_nothing", check: backwards },
    Claim { name: "rows_of_one_process_are_those_of_the_last_frames", check: rows },
    Claim { name: "processes_that_did_not_live_then_are_left_out", check: left_out },
];

fn range(from: i64, to: i64, step: i64, fold: Fold) -> Range {
    let step = Duration::from_millis(u64::try_from(step).unwrap_or(1));
    Range { from: Wall::from_unix_ms(BEGIN + from), to: Wall::from_unix_ms(BEGIN + to), step, fold }
}

fn load(script: &mut Script, one: f64) {
    script.machine.load = Reading::Known(Load { one, five: 2.0 * one, fifteen: 0.0 });
}

fn host(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    for n in 0..30_u32 {
        load(&mut script, f64::from(n));
        script.tick();
    }
    let subject = bench.record(&script)?;
    let ask = |fold| subject.history.host_series(&range(0, 29_000, 10_000, fold), &["load5", "load1", "processes"]);
    let mean = ask(Fold::Mean)?;
    same("times", &mean.times, &vec![BEGIN, BEGIN + 10_000, BEGIN + 20_000])?;
    let line = |values: [f64; 3]| values.map(Some).to_vec();
    same("means", &mean.values, &vec![line([9.0, 29.0, 49.0]), line([4.5, 14.5, 24.5]), line([0.0; 3])])?;
    same("most", &ask(Fold::Max)?.values.get(1).cloned(), &Some(line([9.0, 19.0, 29.0])))?;
    same("least", &ask(Fold::Min)?.values.get(1).cloned(), &Some(line([0.0, 10.0, 20.0])))?;
    // A part of the range that begins between two instants.
    let part = subject.history.host_series(&range(14_000, 17_500, 2_000, Fold::Mean), &["load1"])?;
    same("part", &part.values, &vec![vec![Some(14.5), Some(16.5)]])?;
    let none = subject.history.host_series(&range(-60_000, -30_000, 10_000, Fold::Mean), &["load1"])?;
    same("before all", &none.values, &vec![vec![None; 4]])
}

fn host_gap(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    load(&mut script, 1.0);
    script.ticks(10);
    script.away(Duration::from_secs(20));
    script.machine.load = Reading::Unsupported;
    script.ticks(10);
    load(&mut script, 3.0);
    script.ticks(10);
    let subject = bench.record(&script)?;
    let lines = subject.history.host_series(&range(0, 49_000, 10_000, Fold::Mean), &["load1"])?;
    same("means", &lines.values, &vec![vec![Some(1.0), None, None, None, Some(3.0)]])
}

fn weights(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(20, "steady", 5_000);
    load(&mut script, 1.0);
    script.ticks(2);
    // From here on frames are ten seconds apart: the next one still comes after one, covering that.
    script.interval = Duration::from_secs(10);
    for n in 0..3 {
        load(&mut script, 10.0 + f64::from(n));
        script.burn(key, 1_000);
        script.tick();
    }
    let subject = bench.record(&script)?;
    let all = range(0, 59_000, 60_000, Fold::Mean);
    // Frames at 0, 1, 2, 12 and 22 s cover 1, 1, 1, 10 and 10 s.
    let wanted = (1.0 + 1.0 + 10.0 + 110.0 + 120.0) / 23.0;
    same("load", &subject.history.host_series(&all, &["load1"])?.values, &vec![vec![Some(wanted)]])?;
    let lines = subject.history.process_series(&all, &[key], &["cpu"])?;
    // Nothing is known of the first frame's second.
    same("cores", &lines.first().map(|line| line.values.clone()), &Some(vec![vec![Some(3.0 / 22.0)]]))
}

fn unknown_figure(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start(30, "any");
    script.ticks(2);
    let subject = bench.record(&script)?;
    let all = range(0, 10_000, 1_000, Fold::Mean);
    let refused = |result: Result<(), HistoryError>| matches!(result, Err(HistoryError::NoFigure(id)) if id == "wings");
    holds("of the machine", refused(subject.history.host_series(&all, &["load1", "wings"]).map(drop)))?;
    holds("of a process", refused(subject.history.process_series(&all, &[key], &["cpu", "wings"]).map(drop)))
}

fn process(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(40, "worker", 60_000);
    let other = script.start_earlier(41, "other", 60_000);
    script.burn(key, 7_000);
    for n in 0..20_u64 {
        script.burn(key, 100 * (n % 2));
        script.burn(other, 50);
        let row = script.process(key);
        if let Reading::Known(memory) = &mut row.memory {
            memory.resident = Bytes((n + 1) << 20);
        }
        if let Reading::Known(io) = &mut row.io {
            io.written.0 += 4096;
        }
        script.tick();
    }
    let subject = bench.record(&script)?;
    let ask = |fold| {
        subject.history.process_series(&range(1_000, 19_000, 10_000, fold), &[other, key], &["cpu", "rss", "write"])
    };
    let lines = ask(Fold::Mean)?;
    same("keys", &lines.iter().map(|line| line.key).collect::<Vec<_>>(), &vec![other, key])?;
    same(
        "labels",
        &lines.iter().map(|line| line.label.to_vec()).collect::<Vec<_>>(),
        &vec![b"other".to_vec(), b"worker".to_vec()],
    )?;
    let values = |place: usize| lines.get(place).map(|line| line.values.clone()).unwrap_or_default();
    let mib = f64::from(1 << 20);
    // The range begins with the instant at 0, which holds the first frame too: its growth is unknown, its level counts.
    let cpu = vec![Some(0.5 / 9.0), Some(0.05)];
    same("worker", &values(1), &vec![cpu, vec![Some(5.5 * mib), Some(15.5 * mib)], vec![Some(4096.0); 2]])?;
    same("other", &values(0).first().cloned(), &Some(vec![Some(0.05); 2]))?;
    let most = ask(Fold::Max)?;
    same(
        "most",
        &most.get(1).map(|line| line.values.clone()),
        &Some(vec![vec![Some(0.1); 2], vec![Some(10.0 * mib), Some(20.0 * mib)], vec![Some(4096.0); 2]]),
    )?;
    let least = ask(Fold::Min)?;
    same("least", &least.get(1).and_then(|line| line.values.first().cloned()), &Some(vec![Some(0.0); 2]))
}

fn life(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    script.ticks(5);
    let key = script.start(50, "brief");
    script.burn(key, 300);
    script.tick();
    script.burn(key, 500);
    script.tick();
    script.tick();
    script.burn(key, 200);
    script.end(key, Reading::Unsupported);
    script.ticks(3);
    let subject = bench.record(&script)?;
    let lines =
        subject.history.process_series(&range(3_000, 10_000, 1_000, Fold::Mean), &[key], &["cpu", "threads"])?;
    let line = lines.first().ok_or("the line is missing")?;
    let cpu = [None, None, Some(0.3), Some(0.5), Some(0.0), Some(0.2), None, None];
    let threads = [None, None, Some(1.0), Some(1.0), Some(1.0), None, None, None];
    same("values", &line.values, &vec![cpu.to_vec(), threads.to_vec()])
}

fn process_gap(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(60, "worker", 60_000);
    for _ in 0..3 {
        script.burn(key, 100);
        script.tick();
    }
    script.away(Duration::from_secs(5));
    script.burn(key, 4_000);
    script.tick();
    for _ in 0..2 {
        script.burn(key, 200);
        script.tick();
    }
    let subject = bench.record(&script)?;
    let lines = subject.history.process_series(&range(0, 10_000, 1_000, Fold::Mean), &[key], &["cpu"])?;
    let cpu = [None, Some(0.1), Some(0.1), None, None, None, None, None, None, Some(0.2), Some(0.2)];
    same("values", &lines.first().map(|line| line.values.clone()), &Some(vec![cpu.to_vec()]))
}

fn backwards(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(70, "wraps", 60_000);
    for value in [1_000, 2_000, 500, 700, 700] {
        script.process(key).faults.minor = value;
        script.tick();
    }
    let subject = bench.record(&script)?;
    let lines = subject.history.process_series(&range(0, 4_000, 1_000, Fold::Mean), &[key], &["minflt"])?;
    let growth = [None, Some(1_000.0), Some(0.0), Some(200.0), Some(0.0)];
    same("values", &lines.first().map(|line| line.values.clone()), &Some(vec![growth.to_vec()]))
}

fn left_out(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let early = script.start_earlier(80, "early", 60_000);
    script.ticks(3);
    script.end(early, Reading::Unsupported);
    script.ticks(3);
    let late = script.start(81, "late");
    script.ticks(3);
    let subject = bench.record(&script)?;
    let ask = |from, to| -> Result<Vec<u32>, HistoryError> {
        let lines = subject.history.process_series(&range(from, to, 1_000, Fold::Mean), &[early, late], &["cpu"])?;
        Ok(lines.iter().map(|line| line.key.pid).collect())
    };
    same("early", &ask(0, 2_000)?, &vec![80])?;
    same("neither", &ask(4_000, 5_000)?, &vec![])?;
    same("late", &ask(6_000, 8_000)?, &vec![81])?;
    same("both", &ask(0, 8_000)?, &vec![80, 81])
}

fn rows(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let idle = script.start_earlier(7, "idle", 60_000);
    let key = script.start_earlier(300, "full", 30_000);
    let row = script.process(key);
    *row = super::script::full(row.clone());
    for n in 0..40 {
        if n <= 33 {
            script.burn(key, 10 * n % 70);
        }
        if n == 20 {
            script.away(Duration::from_secs(30));
        }
        if n == 33 {
            script.end(key, Reading::Unsupported);
        }
        script.tick();
    }
    let subject = bench.record(&script)?;
    for (key, step) in [(key, 1_000), (key, 7_000), (idle, 10_000)] {
        let range = range(3_500, 64_000, step, Fold::Mean);
        let got = subject.history.process_rows(&range, &key)?;
        let last = |place: usize| script.frames.iter().rfind(|frame| range.place(frame.wall) == Some(place));
        let wanted: Vec<_> = (0..range.times().len())
            .filter_map(last)
            .filter_map(|frame| Some(Seen { at: frame.wall, row: frame.process(&key)?.clone() }))
            .collect();
        holds("some are wanted", wanted.len() >= 3)?;
        same(&format!("{key} every {step} ms"), &got, &wanted)?;
    }
    let nobody = procyon_model::ProcessKey { pid: 4_000_000, ..key };
    same("nobody", &subject.history.process_rows(&range(0, 64_000, 1_000, Fold::Mean), &nobody)?.len(), &0)
}
