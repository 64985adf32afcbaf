//! Threads of a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use procyon_model::ProcessKey;
use procyon_model::inspect::Thread;
use procyon_units::{CpuTime, Mono};
use procyon_wire::List;
use procyon_wire::process as wire;

use super::process::{inspect_failure, missing};
use super::{At, json, key_of};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::rows::readable;

/// Processes whose threads are remembered for the next question.
const REMEMBERED: usize = 64;
/// Answers nearer to each other than this would make noise of clock ticks.
const SHORTEST: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Seen {
    at: Mono,
    times: HashMap<u32, CpuTime>,
    shares: HashMap<u32, f64>,
}

/// Processor time of threads when they were last asked for, so that the next answer knows rates.
#[derive(Debug, Default)]
pub(crate) struct Before(Mutex<HashMap<ProcessKey, Seen>>);

impl Before {
    /// Processors used by each thread since it was last asked.
    fn shares(&self, key: ProcessKey, now: Mono, threads: &[Thread]) -> HashMap<u32, f64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(&key) {
            let oldest = known.iter().min_by_key(|(_, seen)| seen.at).map(|(key, _)| *key);
            oldest.map(|key| known.remove(&key));
        }
        let times: HashMap<u32, CpuTime> =
            threads.iter().map(|thread| (thread.tid, thread.user.plus(thread.system))).collect();
        let Some(before) = known.get_mut(&key) else {
            known.insert(key, Seen { at: now, times, shares: HashMap::new() });
            return HashMap::new();
        };
        let elapsed = now.since(before.at);
        if elapsed < SHORTEST {
            return before.shares.clone();
        }
        let share = |(tid, time): (&u32, &CpuTime)| {
            let earlier = before.times.get(tid)?;
            Some((*tid, procyon_model::rates::cores(*earlier, *time, elapsed)?.0))
        };
        let shares: HashMap<u32, f64> = times.iter().filter_map(share).collect();
        *before = Seen { at: now, times, shares: shares.clone() };
        shares
    }
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Failure> {
    let host = Arc::clone(app.host(&host)?);
    let key = key_of(&key)?;
    let sees_all = caller.sight() == Sight::All;
    app.blocking(move |app| {
        let frame = host.frame()?;
        if frame.process_by_pid(key.pid).is_some_and(|other| other.key != key) {
            return Err(missing(&frame, &key));
        }
        let threads = host.inspect.threads(&key).map_err(|error| inspect_failure(&error))?;
        let shares = host.threads.shares(key, app.clock.mono(), &threads);
        let one = |thread: &Thread| wire::Thread {
            tid: thread.tid,
            name: readable(&thread.name),
            state: readable(&[thread.state.0]),
            cpu: shares.get(&thread.tid).copied(),
            utime: thread.user.seconds(),
            stime: thread.system.seconds(),
            // The kernel shows it to the owner and to tracers alone, as it does for the whole process.
            wchan: thread.wchan.get().filter(|_| sees_all).map(|text| readable(text)),
            nvcsw_total: thread.voluntary.get().copied(),
            nivcsw_total: thread.involuntary.get().copied(),
            processor: thread.processor,
            nice: thread.nice,
            policy: thread.policy,
        };
        json(&List::whole(app.clock.wall().unix_ms(), threads.iter().map(one).collect()))
    })
    .await
}
