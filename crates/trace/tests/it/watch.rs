//! Engines for tests, and what they tell.

use std::time::{Duration, Instant};

use procyon_bpf::LoadError;
use procyon_testkit::Workload;
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::engine::ptrace::{Program, Ptrace};
use procyon_trace::engine::{Engine, EngineError, Life, Plan};
use procyon_trace::{Call, Event, Filter, name};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ebpf,
    Ptrace,
}

pub(crate) const BOTH: [Kind; 2] = [Kind::Ebpf, Kind::Ptrace];

/// Follows one process, telling the calls of a filter.
pub(crate) fn plan(target: u32, filter: &str) -> Plan {
    Plan {
        targets: vec![target],
        filter: if filter.is_empty() { Filter::all() } else { Filter::parse(filter).unwrap() },
        children: false,
        content: 32,
        telling: true,
    }
}

/// Starts an engine; none where this machine does not let us, which the test says.
pub(crate) fn start(kind: Kind, plan: &Plan) -> Option<Box<dyn Engine>> {
    let started = try_start(kind, plan);
    match started {
        Ok(engine) => Some(engine),
        Err(EngineError::NoEbpf(LoadError::Refused { .. }) | EngineError::Forbidden(_)) => {
            eprintln!("skipped: not permitted to trace");
            None
        }
        Err(error) => panic!("{kind:?}: {error:?}"),
    }
}

pub(crate) fn try_start(kind: Kind, plan: &Plan) -> Result<Box<dyn Engine>, EngineError> {
    Ok(match kind {
        Kind::Ebpf => Box::new(Ebpf::start(plan)?),
        Kind::Ptrace => Box::new(Ptrace::start(plan, &program())?),
    })
}

/// The built program with the command that traces.
pub(crate) fn program() -> Program {
    let file = procyon_testkit::program().with_file_name("procyon");
    assert!(file.is_file(), "procyon is built: `cargo build -p procyon` with the profile of the tests");
    Program { file, arguments: vec!["trace-by-ptrace".to_owned()] }
}

/// Everything that an engine tells until `enough` says so.
pub(crate) fn until(engine: &mut dyn Engine, mut enough: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let (start, mut events) = (Instant::now(), Vec::new());
    loop {
        let life = engine.next(Duration::from_millis(20), &mut |event| events.push(event)).unwrap();
        if enough(&events) || life == Life::Over {
            return events;
        }
        assert!(start.elapsed() < PATIENCE, "gave up after {} events", events.len());
    }
}

/// Calls of a name.
pub(crate) fn calls<'a>(events: &'a [Event], wanted: &str) -> Vec<&'a Call> {
    let calls = events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call),
        _ => None,
    });
    calls.filter(|call| name(call.number) == Some(wanted)).collect()
}

/// How many events are said to be missing.
pub(crate) fn lost(events: &[Event]) -> u64 {
    events.iter().map(|event| if let Event::Lost(count) = event { *count } else { 0 }).sum()
}

/// A process that makes calls on demand.
pub(crate) fn workload() -> Workload {
    Workload::start(&["calls"])
}
