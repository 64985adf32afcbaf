//! Waiting on purpose: commands that measure over a time, or ask again after one.

use std::time::Duration;

use procyon_units::{Clock, Mono, SystemClock};

/// Lets this long pass. Ctrl-C ends the program meanwhile.
#[expect(clippy::disallowed_methods, reason = "a measurement takes its time, and there is nothing else to wait for")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Monotonic time now.
pub(crate) fn now() -> Mono {
    SystemClock.mono()
}

/// Lets what is left of `time` pass since `began`.
pub(crate) fn rest(began: Mono, time: Duration) {
    pause(time.saturating_sub(now().since(began)));
}
