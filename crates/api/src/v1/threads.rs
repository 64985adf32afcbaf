//! Threads of a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use procyon_model::ProcessKey;
use procyon_model::inspect::Thread;
use procyon_units::{CpuTime, Mono, Ticks};
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
    times: HashMap<Id, CpuTime>,
    shares: HashMap<Id, f64>,
}

/// A thread: its id, which the kernel gives to others later, and its start.
type Id = (u32, Ticks);

const fn id_of(thread: &Thread) -> Id {
    (thread.tid, thread.start)
}

/// Processor time of threads when they were last asked for, so that the next answer knows rates.
#[derive(Debug, Default)]
pub(crate) struct Before(Mutex<HashMap<ProcessKey, Seen>>);

impl Before {
    /// Processors used by each thread since it was last asked.
    fn shares(&self, key: ProcessKey, now: Mono, threads: &[Thread]) -> HashMap<Id, f64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(&key) {
            let oldest = known.iter().min_by_key(|(_, seen)| seen.at).map(|(key, _)| *key);
            oldest.map(|key| known.remove(&key));
        }
        let times: HashMap<Id, CpuTime> =
            threads.iter().map(|thread| (id_of(thread), thread.user.plus(thread.system))).collect();
        let Some(before) = known.get_mut(&key) else {
            known.insert(key, Seen { at: now, times, shares: HashMap::new() });
            return HashMap::new();
        };
        let elapsed = now.since(before.at);
        if elapsed < SHORTEST {
            return before.shares.clone();
        }
        let share = |(tid, time): (&Id, &CpuTime)| {
            let earlier = before.times.get(tid)?;
            Some((*tid, procyon_model::rates::cores(*earlier, *time, elapsed)?.0))
        };
        let shares: HashMap<Id, f64> = times.iter().filter_map(share).collect();
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
            cpu: shares.get(&id_of(thread)).copied(),
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

#[cfg(test)]
mod tests {
    use procyon_model::process::ProcessState;
    use procyon_units::Reading;

    use super::*;

    fn thread(tid: u32, start: u64, seconds: u64) -> Thread {
        Thread {
            tid,
            start: Ticks(start),
            name: b"worker"[..].into(),
            state: ProcessState(b'S'),
            user: Ticks(seconds * 100).cpu_time(),
            system: CpuTime::default(),
            processor: 0,
            nice: 0,
            policy: 0,
            wchan: Reading::Pending,
            voluntary: Reading::Pending,
            involuntary: Reading::Pending,
        }
    }

    #[test]
    fn a_thread_that_got_the_id_of_another_starts_anew() {
        let before = Before::default();
        let key = ProcessKey { pid: 1, start: Ticks(1), boot: 1 };
        assert!(before.shares(key, Mono(0), &[thread(7, 1, 1), thread(8, 1, 1)]).is_empty());
        // Thread 8 ended, and a new one of that id has used more than it.
        let shares = before.shares(key, Mono(2_000_000_000), &[thread(7, 1, 2), thread(8, 500, 3)]);
        assert_eq!(shares.get(&(7, Ticks(1))), Some(&0.5));
        assert_eq!(shares.get(&(8, Ticks(500))), None);
    }
}
