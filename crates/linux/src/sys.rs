//! sysfs: what devices say about themselves.

pub mod block;
pub mod class_net;
pub mod cpufreq;
pub mod temperature;
