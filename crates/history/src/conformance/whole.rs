//! Whole frames come back.

use std::sync::Arc;
use std::time::Duration;

use procyon_model::Frame;
use procyon_model::frame::{Aged, Exit};
use procyon_units::{Bytes, Mono, Reading, Wall};

use super::script::{self, Script};
use super::{Bench, Claim, Outcome, holds, same};

pub(super) const CLAIMS: &[Claim] = &[
    Claim { name: "every_field_of_a_frame_comes_back", check: every_field },
    Claim { name: "every_frame_of_a_busy_time_comes_back", check: busy_time },
    Claim { name: "lists_that_change_or_become_empty_come_back", check: changing_lists },
    Claim { name: "reasons_for_unknown_readings_come_back", check: reasons },
    Claim { name: "a_process_that_never_changes_stays_in_every_frame", check: never_changes },
    Claim { name: "two_processes_with_one_pid_are_two", check: pid_reuse },
    Claim { name: "a_process_that_becomes_another_program_has_its_strings_from_then_on", check: exec },
    Claim { name: "a_process_that_was_gone_and_comes_back_is_there_again", check: gone_and_back },
    Claim { name: "counters_that_run_backwards_come_back_as_they_were", check: backwards },
    Claim { name: "a_thousand_processes_come_back", check: many },
];

/// Compares a frame of history with the one that was written.
fn compare(subject: &super::Subject, wanted: &Arc<Frame>) -> Outcome {
    let past = subject.history.at(wanted.wall)?;
    let bare = |frame: &Frame| Frame { health: Arc::default(), ..frame.clone() };
    let (got, wanted) = (bare(&past.frame), bare(wanted));
    same("gap", &past.gap, &None)?;
    same("number of processes", &got.processes.len(), &wanted.processes.len())?;
    for (got, wanted) in got.processes.iter().zip(&wanted.processes) {
        same(&format!("process {}", wanted.key), got, wanted)?;
    }
    same("ended", &got.ended, &wanted.ended)?;
    same("machine", &got.machine, &wanted.machine)?;
    same("connections", &got.connections, &wanted.connections)?;
    same("filesystems", &got.filesystems, &wanted.filesystems)?;
    same("users", &got.users, &wanted.users)?;
    same("containers", &got.containers, &wanted.containers)?;
    same("frame", &got, &wanted)
}

fn all(bench: &Bench<'_>, script: &Script) -> Outcome {
    let subject = bench.record(script)?;
    for frame in &script.frames {
        compare(&subject, frame).map_err(|error| format!("frame {}: {error}", frame.seq))?;
    }
    Ok(())
}

/// A script whose next frame has something in every field.
fn full_script() -> Script {
    let mut script = Script::new();
    let key = script.start_earlier(300, "full", 5_000);
    let row = script.process(key);
    *row = script::full(row.clone());
    let row = row.clone();
    let (filesystems, users, containers) = script::lists();
    script.machine = script::full_machine();
    script.connections = Aged { items: script::sockets(&row).into(), taken: Some(Mono(4_900_000_001)) };
    script.filesystems = Aged { items: filesystems.into(), taken: Some(Mono(4_800_000_001)) };
    script.users = Aged { items: users.into(), taken: Some(Mono(4_700_000_001)) };
    script.containers = containers.into();
    script
}

fn every_field(bench: &Bench<'_>) -> Outcome {
    let mut script = full_script();
    let kernel = script.start_earlier(2, "kthreadd", 900_000);
    let row = script.process(kernel);
    row.kernel_thread = true;
    row.memory = Reading::Absent;
    row.io = Reading::Forbidden;
    let short = script.start(301, "short");
    let long = script.start_earlier(302, "long", 100_000);
    script.tick();
    script.burn(short, 30);
    script.burn(long, 40);
    script.end(short, Reading::Known(Exit::Code(3)));
    script.end(long, Reading::Known(Exit::Signal(9)));
    script.tick();
    script.tick();
    all(bench, &script)
}

fn busy_time(bench: &Bench<'_>) -> Outcome {
    let mut script = full_script();
    let mut keys: Vec<_> = (400..420).map(|pid| script.start(pid, "busy")).collect();
    for round in 0..120_u64 {
        for (n, key) in (0_u64..).zip(&keys) {
            if (round + n).is_multiple_of(3) {
                script.burn(*key, 10 * n + round);
                let row = script.process(*key);
                row.faults.minor += n * round;
                if let Reading::Known(memory) = &mut row.memory {
                    memory.resident = Bytes((1 + (n * round) % 17) << 20);
                }
                if let Reading::Known(io) = &mut row.io {
                    io.written = Bytes(io.written.0 + n * 4096);
                }
            }
        }
        if round.is_multiple_of(10) {
            let gone = keys.remove(usize::try_from(round / 10 % 7).unwrap_or(0));
            script.end(gone, Reading::Unsupported);
            keys.push(script.start(gone.pid + 1000, "busy"));
        }
        if let Reading::Known(load) = &mut script.machine.load {
            load.one += 0.01;
        }
        script.tick();
    }
    all(bench, &script)
}

fn changing_lists(bench: &Bench<'_>) -> Outcome {
    let mut script = full_script();
    script.tick();
    // Read again, with the same rows.
    script.connections.taken = Some(Mono(6_000_000_000));
    script.tick();
    script.connections = Aged { items: Arc::from([]), taken: Some(Mono(7_000_000_000)) };
    script.filesystems = Aged { items: Arc::from([]), taken: Some(Mono(7_000_000_000)) };
    script.users = Aged::default();
    script.containers = Arc::from([]);
    script.machine.disks.remove(0);
    script.machine.sensors.clear();
    script.machine.interfaces.swap(0, 1);
    script.tick();
    script.tick();
    let again = full_script();
    script.connections = Aged { taken: Some(Mono(8_000_000_000)), ..again.connections };
    script.containers = again.containers;
    script.machine = again.machine;
    script.tick();
    all(bench, &script)
}

fn reasons(bench: &Bench<'_>) -> Outcome {
    fn because<T>(n: usize) -> Reading<T> {
        match n % 4 {
            0 => Reading::Forbidden,
            1 => Reading::Unsupported,
            2 => Reading::Absent,
            _ => Reading::Pending,
        }
    }
    let mut script = Script::new();
    let key = script.start_earlier(500, "guarded", 60_000);
    let known = script::full(script.process(key).clone());
    for n in 0..12 {
        let row = script.process(key);
        // Known and unknown in turn, each figure with another reason.
        *row = known.clone();
        if n % 3 != 2 {
            row.memory = because(n);
            row.io = because(n + 1);
            row.switches = because(n + 2);
            row.run_delay = because(n + 3);
            row.net = because(n);
            row.pss = because(n + 1);
            row.fds = because(n + 2);
            row.oom = because(n + 3);
            row.wchan = because(n);
            row.rates.run_delay = because(n + 1);
            row.rates.voluntary_switches = because(n + 2);
            row.rates.involuntary_switches = because(n + 2);
        }
        script.machine.load = because(n);
        script.machine.memory = because(n + 1);
        script.machine.cpu = because(n + 2);
        script.machine.temperature = because(n + 3);
        script.tick();
    }
    all(bench, &script)
}

fn never_changes(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let still = script.start_earlier(600, "still", 500_000);
    let busy = script.start_earlier(601, "busy", 500_000);
    for _ in 0..200 {
        script.burn(busy, 100);
        script.tick();
    }
    let subject = bench.record(&script)?;
    for place in [0, 1, 100, 199] {
        let past = subject.history.at(script.at(place))?;
        let row = past.frame.process(&still).ok_or("the quiet process is missing")?;
        same("processor time", &row.cpu.total().0, &0)?;
        holds("its age is that of the instant", row.age == Duration::from_millis(500_000 + 1000 * place as u64))?;
    }
    all(bench, &script)
}

fn pid_reuse(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let first = script.start_earlier(700, "first", 10_000);
    script.burn(first, 5_000);
    script.tick();
    script.burn(first, 100);
    script.end(first, Reading::Unsupported);
    let second = script.start(700, "second");
    script.burn(second, 7);
    script.tick();
    script.tick();
    let subject = bench.record(&script)?;
    let before = subject.history.at(script.at(0))?;
    let after = subject.history.at(script.at(1))?;
    holds("the first is there at first", before.frame.process(&first).is_some())?;
    holds("the second is not", before.frame.process(&second).is_none())?;
    holds("the first is gone then", after.frame.process(&first).is_none())?;
    same("the second's own time", &after.frame.process(&second).map(|row| row.cpu.total().0), &Some(7_000_000))?;
    all(bench, &script)
}

fn exec(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(800, "sh", 10_000);
    script.ticks(3);
    let row = script.process(key);
    let strings = procyon_model::Descriptor {
        name: (*b"server").into(),
        cmd: (*b"/opt/server -p 80").into(),
        ..(*row.descriptor).clone()
    };
    row.descriptor = Arc::new(strings);
    row.label = Arc::from(&b"server:80"[..]);
    script.ticks(3);
    let subject = bench.record(&script)?;
    let name = |place| -> Result<String, Box<dyn std::error::Error>> {
        let past = subject.history.at(script.at(place))?;
        let row = past.frame.process(&key).ok_or("the process is missing")?;
        Ok(String::from_utf8_lossy(&row.descriptor.name).into_owned())
    };
    same("before", &name(2)?.as_str(), &"sh")?;
    same("after", &name(3)?.as_str(), &"server")?;
    all(bench, &script)
}

fn gone_and_back(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(900, "shy", 30_000);
    script.burn(key, 1_000);
    script.ticks(2);
    let Some(mut hidden) = script.hide(key) else { return Err("the script hides it".into()) };
    script.ticks(2);
    hidden.cpu.user.0 += 500_000_000;
    script.show(hidden);
    script.ticks(2);
    let subject = bench.record(&script)?;
    let there = |place| subject.history.at(script.at(place)).map(|past| past.frame.process(&key).is_some());
    same("where it is", &[there(1)?, there(2)?, there(3)?, there(4)?], &[true, false, false, true])?;
    all(bench, &script)
}

fn backwards(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let key = script.start_earlier(1000, "wraps", 30_000);
    for value in [4_294_967_295, 5, 10, u64::MAX / 2, 0] {
        let row = script.process(key);
        row.faults.minor = value;
        row.cpu.system.0 = value;
        row.io = Reading::Known(procyon_model::process::Io { read: Bytes(value), ..Default::default() });
        script.tick();
    }
    all(bench, &script)
}

fn many(bench: &Bench<'_>) -> Outcome {
    let mut script = Script::new();
    let keys: Vec<_> = (1..=1000).map(|n| script.start_earlier(n * 4, "worker", 20_000 + i64::from(n))).collect();
    for _ in 0..5 {
        for key in keys.iter().step_by(2) {
            script.burn(*key, u64::from(key.pid));
        }
        script.tick();
    }
    holds("nothing is older than the machine", script.processes.iter().all(|row| row.started > Wall(0)))?;
    all(bench, &script)
}
