//! The words that every crate shares: quantities with their units, points in time, the clock.
//!
//! No bare `u64` or `f64` crosses a crate border: a byte count is [`Bytes`], a share of processors is [`Cores`].
//! Rates are computed from [`Mono`] time only; [`Wall`] time is for people.

mod clock;
mod quantity;
mod reading;

pub use clock::{Clock, Mono, SystemClock, Wall};
pub use quantity::{Bytes, Celsius, Cores, CpuTime, Pages, PerSecond, Ratio, TICKS_PER_SECOND, Ticks};
pub use reading::Reading;
