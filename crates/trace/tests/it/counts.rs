//! Every call is told or counted as lost, once.

use std::time::Duration;

use procyon_testkit::Workload;
use procyon_trace::engine::{Engine, EngineError, Life};
use procyon_trace::{Event, When};

use crate::watch::{BOTH, Kind, calls, lost, plan, start, try_start, until, workload};

fn count(engine: &dyn Engine) -> (u64, u64) {
    let rows = engine.summary().unwrap().rows();
    rows.iter().find(|row| row.name == "getppid").map_or((0, 0), |row| (row.calls, row.errors))
}

#[test]
fn a_known_number_of_calls_is_told_exactly() {
    for kind in BOTH {
        let mut target = workload();
        let Some(mut engine) = start(kind, &plan(target.pid(), "getppid")) else { continue };
        target.ask("spin 1000");
        target.ask("threads 7 500");
        let events = until(&mut *engine, |events| calls(events, "getppid").len() >= 4500);
        let told = calls(&events, "getppid");
        assert_eq!((told.len(), lost(&events)), (4500, 0), "{kind:?}");
        assert_eq!(count(&*engine), (4500, 0), "{kind:?}");
        let pid = i64::from(std::process::id());
        assert!(told.iter().all(|call| call.returned.is_some_and(|returned| returned.result == pid)), "{kind:?}");
        assert!(told.iter().all(|call| call.process == target.pid()), "{kind:?}");
    }
}

#[test]
fn each_thread_is_told_in_its_order() {
    for kind in BOTH {
        let mut target = workload();
        let Some(mut engine) = start(kind, &plan(target.pid(), "")) else { continue };
        target.ask("threads 8 300");
        let events = until(&mut *engine, |events| calls(events, "getppid").len() >= 2400);
        let mut last = std::collections::HashMap::new();
        for event in &events {
            let Event::Call(call) = event else { continue };
            let returned = call.returned.map_or(call.entered, |returned| returned.at);
            assert!(call.entered <= returned, "{kind:?}: {call:?}");
            let before = last.insert(call.thread, returned).unwrap_or(0);
            assert!(before <= call.entered, "{kind:?}: {before} {call:?}");
        }
        assert!(last.len() >= 9, "{kind:?}: {}", last.len());
        let ended = events.iter().filter(|event| matches!(event, Event::Ended { .. })).count();
        assert!(ended >= 7, "{kind:?}: {ended} threads ended");
    }
}

#[test]
fn what_is_lost_under_overload_is_counted_to_the_last_call() {
    let mut target = workload();
    let Some(mut engine) = start(Kind::Ebpf, &plan(target.pid(), "getppid")) else { return };
    // Nobody looks meanwhile: the ring holds a part of them.
    target.ask("threads 4 100000");
    target.ask("spin 1000");
    let mut events = Vec::new();
    while events.len() < 500_000 {
        let before = events.len();
        engine.next(Duration::from_millis(1), &mut |event| events.push(event)).unwrap();
        if events.len() == before {
            break;
        }
    }
    target.ask("spin 1");
    let more = until(&mut *engine, |events| !calls(events, "getppid").is_empty());
    events.extend(more);
    let told = u64::try_from(calls(&events, "getppid").len()).unwrap();
    assert_eq!(count(&*engine).0, 401_001);
    assert!(told < 401_001 && lost(&events) > 0, "the ring was too large for this test: {told}");
    assert_eq!(lost(&events), engine.lost().records());
    // Beginnings and ends of threads that found no room are no calls.
    assert_eq!(told + engine.lost().calls, 401_001);
    assert!(engine.lost().events <= 8, "{:?}", engine.lost());
}

#[test]
fn counting_alone_tells_nothing_and_misses_nothing() {
    for kind in BOTH {
        let mut target = workload();
        let plan = procyon_trace::engine::Plan { telling: false, ..plan(target.pid(), "") };
        let Some(mut engine) = start(kind, &plan) else { continue };
        let times = if kind == Kind::Ebpf { 200_000 } else { 2_000 };
        target.ask(&format!("spin {times}"));
        let mut count_now = 0;
        procyon_testkit::eventually("all are counted", Duration::from_secs(30), || {
            engine.next(Duration::from_millis(1), &mut |event| panic!("{event:?}")).unwrap();
            count_now = count(&*engine).0;
            (count_now >= times).then_some(())
        });
        assert_eq!(count_now, times, "{kind:?}");
    }
}

#[test]
fn memory_comes_with_the_calls() {
    for kind in BOTH {
        let mut target = workload();
        let Some(mut engine) = start(kind, &plan(target.pid(), "openat,write")) else { continue };
        target.ask("open 3 /nonexistent/of/procyon");
        target.ask("send 2");
        let done = |events: &[Event]| calls(events, "write").len() >= 4;
        let events = until(&mut *engine, done);
        let opened: Vec<_> = calls(&events, "openat");
        let failed = opened.iter().filter(|call| call.returned.is_some_and(|returned| returned.result == -2));
        for call in failed.clone() {
            let path = call.memory.at(When::Exit, call.arguments[1]).unwrap();
            assert_eq!(path, b"/nonexistent/of/procyon\0", "{kind:?}");
        }
        assert_eq!(failed.count(), 3, "{kind:?}");
        let written: Vec<&[u8]> =
            calls(&events, "write").iter().filter_map(|call| call.memory.at(When::Exit, call.arguments[1])).collect();
        assert!(written.contains(&&b"line 0"[..]) && written.contains(&&b"line 1"[..]), "{kind:?} {written:?}");
    }
}

#[test]
fn a_filter_can_be_changed_while_it_runs() {
    for kind in BOTH {
        let mut target = workload();
        let Some(mut engine) = start(kind, &plan(target.pid(), "openat")) else { continue };
        target.ask("spin 10");
        engine.filter(&procyon_trace::Filter::parse("getppid").unwrap()).unwrap();
        // The order has to arrive.
        procyon_testkit::eventually("the filter is in force", Duration::from_secs(10), || {
            target.ask("spin 1");
            let mut seen = false;
            engine.next(Duration::from_millis(5), &mut |event| seen |= matches!(event, Event::Call(_))).unwrap();
            seen.then_some(())
        });
        assert!(count(&*engine).0 >= 1, "{kind:?}");
    }
}

#[test]
fn the_end_of_a_process_ends_the_trace() {
    for kind in BOTH {
        let target = Workload::start(&["idle"]);
        let Some(mut engine) = start(kind, &plan(target.pid(), "")) else { continue };
        let pid = target.pid();
        target.finish();
        let mut events = Vec::new();
        procyon_testkit::eventually("it is over", Duration::from_secs(20), || {
            let life = engine.next(Duration::from_millis(10), &mut |event| events.push(event)).unwrap();
            (life == Life::Over).then_some(())
        });
        let ended =
            events.iter().any(|event| matches!(event, Event::Ended { who, status: 0, .. } if who.process == pid));
        assert!(ended, "{kind:?} {events:?}");
    }
}

#[test]
fn who_cannot_be_followed_is_refused_in_words() {
    for kind in BOTH {
        let kernel_thread = 2;
        let is_there = std::path::Path::new("/proc/2/stat").try_exists().unwrap_or(false)
            && std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd");
        if is_there {
            let error = try_start(kind, &plan(kernel_thread, "")).err().unwrap();
            assert!(matches!(error, EngineError::KernelThread(2)), "{error}");
        }
        let error = try_start(kind, &plan(4_000_000, "")).err().unwrap();
        assert!(matches!(error, EngineError::Unknown(4_000_000)), "{error}");
        let error = try_start(kind, &plan(std::process::id(), "")).err().unwrap();
        assert!(matches!(error, EngineError::Ourselves(_)), "{error}");
    }
}
