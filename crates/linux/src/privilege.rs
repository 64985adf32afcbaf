//! What this process may do here, for `procyon doctor`.
//!
//! [`held`] and [`facts`] say what is configured; [`attempt`] tries each thing, since security modules, containers and
//! kernels carried back by distributions make everything else a guess.

pub mod attempt;
mod bpf;
pub mod facts;
pub mod held;
pub mod signal;
