//! What a viewer is told, as JSON.

use procyon_trace::session::{Allowance, End, State, Told};
use procyon_trace::{Breakdown, Caller, Event, Failure, Ranked, Share, now};
use procyon_units::Wall;
use procyon_wire::trace::{
    TraceCount, TraceFailure, TraceFile, TraceLine, TraceMessage, TraceRest, TraceState, TraceThread, TraceUnderWay,
};
use serde::Serialize;

use super::running::Running;
use crate::limits;

/// From nanoseconds since boot to milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch(f64);

impl Epoch {
    pub(super) fn at(wall: Wall) -> Self {
        Self(millis(wall.0) - nanos(now()) / 1e6)
    }

    fn of(self, at: u64) -> f64 {
        // Microseconds; more is noise.
        ((self.0 + nanos(at) / 1e6) * 1000.0).round() / 1000.0
    }

    /// In whole milliseconds.
    #[expect(clippy::cast_possible_truncation, reason = "2^53 ms are 285 000 years")]
    fn ms(self, at: u64) -> i64 {
        self.of(at).round() as i64
    }
}

#[expect(clippy::cast_precision_loss, reason = "an instant to a quarter of a microsecond")]
fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a time to the nanosecond for 104 days")]
fn nanos(nanos: u64) -> f64 {
    nanos as f64
}

fn seconds(time: u64) -> f64 {
    nanos(time) / 1e9
}

/// The first message.
pub(super) fn hello(running: &Running, allowance: &Allowance) -> TraceMessage {
    let limits = allowance.limits();
    TraceMessage::Hello {
        key: running.subject.key.to_string(),
        engine: if running.subject.by_ptrace { "ptrace" } else { "ebpf" }.to_owned(),
        threads: running.session.followed().len(),
        ends_at: running.epoch.ms(allowance.used().ends),
        lines: limits.lines,
        bytes: limits.bytes,
        choice: running.choice(),
    }
}

/// One thing that happened; a call perhaps by its parts alone.
pub(super) fn line(told: &Told, epoch: Epoch, parts_alone: bool) -> TraceLine {
    let (at, who, kind) = match &told.event {
        Event::Call(call) => (call.entered, (call.process, call.thread), "call"),
        Event::Signal { who, at, .. } => (*at, (who.process, who.thread), "signal"),
        Event::Ended { who, at, .. } => (*at, (who.process, who.thread), "ended"),
        Event::Followed { who, at } => (*at, (who.process, who.thread), "followed"),
        Event::Renumbered { who, at, .. } => (*at, (who.process, who.thread), "renumbered"),
        Event::Lost(_) => (now(), (0, 0), "lost"),
    };
    let part = |range: &std::ops::Range<usize>| told.line.get(range.clone()).map(ToOwned::to_owned);
    let duration = match &told.event {
        Event::Call(call) => call.took().map(seconds),
        _ => None,
    };
    TraceLine {
        at: epoch.of(at),
        pid: who.0,
        tid: who.1,
        kind: kind.to_owned(),
        line: (told.parts.is_none() || !parts_alone).then(|| told.line.clone()),
        name: told.parts.as_ref().and_then(|parts| part(&parts.name)),
        args: told.parts.as_ref().and_then(|parts| part(&parts.arguments)),
        result: told.parts.as_ref().and_then(|parts| part(&parts.result)),
        error: told.parts.as_ref().and_then(|parts| parts.error).map(ToOwned::to_owned),
        duration,
        lost: if let Event::Lost(count) = told.event { Some(count) } else { None },
    }
}

/// How a trace is doing.
pub(super) fn state(running: &Running, allowance: &Allowance) -> Option<TraceMessage> {
    // A trace that is over says so by itself.
    let State { summary, breakdown, under_way, lost, not_followed, stopped } = running.session.state().ok()?;
    let Breakdown { threads, files, errors } = breakdown;
    let used = allowance.used();
    let now = now();
    let rows: Vec<TraceCount> = summary
        .rows()
        .into_iter()
        .map(|row| TraceCount {
            name: row.name.to_owned(),
            calls: row.calls,
            errors: row.errors,
            total: seconds(row.total),
            mean: seconds(row.mean),
            p50: seconds(row.half),
            p99: seconds(row.most),
            max: seconds(row.longest),
            buckets: row.buckets.to_vec(),
        })
        .collect();
    Some(TraceMessage::State(TraceState {
        at: running.epoch.of(now),
        calls: rows.iter().map(|row| row.calls).sum(),
        errors: rows.iter().map(|row| row.errors).sum(),
        lost,
        not_followed,
        stopped,
        rows,
        more_threads: rest(&threads),
        threads: each(threads, thread),
        more_files: rest(&files),
        files: each(files, |name, share| TraceFile {
            name: shown(&name),
            calls: share.calls,
            errors: share.errors,
            total: seconds(share.total),
        }),
        more_failures: rest(&errors),
        failures: each(errors, failure),
        under_way: under_way
            .iter()
            .map(|call| TraceUnderWay {
                tid: call.thread,
                name: procyon_trace::name(call.number)
                    .map_or_else(|| format!("syscall_{:#x}", call.number), ToOwned::to_owned),
                since: (call.entered > 0).then(|| seconds(now.saturating_sub(call.entered))),
            })
            .collect(),
        ends_at: running.epoch.ms(used.ends),
        lines: used.lines,
        bytes: used.bytes,
        paused: running.session.is_paused(),
        choice: running.choice(),
    }))
}

fn each<T, R>(ranked: Ranked<T>, tell: impl Fn(T, Share) -> R) -> Vec<R> {
    ranked.first.into_iter().map(|(what, share)| tell(what, share)).collect()
}

fn rest<T>(ranked: &Ranked<T>) -> TraceRest {
    let Share { calls, errors, total } = ranked.rest;
    TraceRest { calls, errors, total: seconds(total) }
}

fn thread(Caller { who, name }: Caller, share: Share) -> TraceThread {
    let Share { calls, errors, total } = share;
    TraceThread { pid: who.process, tid: who.thread, name, calls, errors, total: seconds(total) }
}

fn failure(Failure { error, words, call }: Failure, share: Share) -> TraceFailure {
    TraceFailure { error: error.into_owned(), words: words.to_owned(), name: call.to_owned(), calls: share.calls }
}

/// A name of a file as far as it is told: its end says which one it is.
fn shown(name: &str) -> String {
    let count = name.chars().count();
    if count <= limits::TRACE_NAME {
        return name.to_owned();
    }
    let end = name.chars().skip(count.saturating_sub(limits::TRACE_NAME - 1));
    std::iter::once('…').chain(end).collect()
}

/// Why it ended.
pub(super) fn why(end: &End) -> String {
    match end {
        End::Over => "over".to_owned(),
        End::Asked => "asked".to_owned(),
        End::Limit(what) => (*what).to_owned(),
        End::Failed(why) => why.clone(),
    }
}

/// A message as text.
pub(super) fn text<T: Serialize>(message: &T) -> String {
    // These types hold nothing that JSON cannot.
    serde_json::to_string(message).unwrap_or_default()
}
