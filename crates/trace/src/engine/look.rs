//! What the memory of threads says of the calls in which they are.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::copy;
use crate::call::Call;
use crate::tell::now;

/// How long is looked at most. A page of another process can be one that somebody has to bring who does not (`userfaultfd`, a
/// file system in user space): reading it then takes as long as that.
const PATIENCE: Duration = Duration::from_millis(500);

/// Looks at the memory of threads that are in calls, without stopping them: at what the arguments point to. What cannot be read
/// within half a second is not told. The thread that reads goes on to wait where the kernel lets it, and ends with the process.
#[must_use]
pub fn look(calls: Vec<Call>, content: usize) -> Vec<Call> {
    let (tell, told) = sync_channel(calls.len());
    let blind = calls.clone();
    let read = move || {
        for (at, call) in blind.into_iter().enumerate() {
            if tell.send((at, copy::look(call, content))).is_err() {
                return;
            }
        }
    };
    if std::thread::Builder::new().name("look".to_owned()).spawn(read).is_err() {
        return calls;
    }
    let mut seen = until(&told, PATIENCE);
    calls.into_iter().enumerate().map(|(at, call)| seen.remove(&at).unwrap_or(call)).collect()
}

/// Everything that comes within this time.
fn until(told: &Receiver<(usize, Call)>, at_most: Duration) -> HashMap<usize, Call> {
    let mut seen = HashMap::new();
    let end = now().saturating_add(u64::try_from(at_most.as_nanos()).unwrap_or(u64::MAX));
    while let Ok((at, call)) = told.recv_timeout(Duration::from_nanos(end.saturating_sub(now()))) {
        seen.insert(at, call);
    }
    seen
}
