//! What can be chosen about collecting.

use std::time::Duration;

use procyon_linux::root::Root;

use crate::mounts::Mounts;

/// Where the process table comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Source {
    /// From the kernel's own list where that can be had, else from procfs.
    #[default]
    Auto,
    /// From the kernel's own list, or not at all.
    Ebpf,
    /// From procfs.
    Procfs,
}

/// Options of the collector; every interval is a target that the pace may widen.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the kernel's files are.
    pub root: Root,
    /// Where the process table comes from.
    pub source: Source,
    /// Time between two frames.
    pub interval: Duration,
    /// Time between two readings of the socket table.
    pub connections: Duration,
    /// Time between two readings of the file systems; `Duration::MAX` never asks them. A question to a dead mount may be
    /// deaf even to SIGKILL, and then holds up the end of the process.
    pub filesystems: Duration,
    /// Which file systems are looked at.
    pub mounts: Mounts,
    /// Time between two readings of logged-in users, OS and kernel.
    pub users: Duration,
    /// Time between two questions to container engines.
    pub containers: Duration,
    /// Share of one core that reading proportional memory may take; 0 turns it off.
    pub pss_budget: f64,
    /// Share of one core that the slow lane (open files, limits, wait channels, delays) may take.
    pub slow_budget: f64,
    /// Share of one core that procyon may take, averaged over 30 s, before it widens its pace.
    pub ceiling: f64,
    /// Version that frames name as their maker.
    pub version: Box<str>,
    /// Template of process labels; none for the built-in rule.
    pub label: Option<Box<str>>,
    /// Further words whose values are masked in command lines.
    pub mask_patterns: Vec<String>,
    /// Whether all arguments are dropped from command lines.
    pub strip_args: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root: Root::live(),
            source: Source::Auto,
            interval: Duration::from_secs(1),
            connections: Duration::from_secs(2),
            filesystems: Duration::from_secs(15),
            mounts: Mounts::default(),
            users: Duration::from_mins(1),
            containers: Duration::from_secs(10),
            pss_budget: 0.005,
            slow_budget: 0.004,
            ceiling: 0.10,
            version: env!("CARGO_PKG_VERSION").into(),
            label: None,
            mask_patterns: Vec::new(),
            strip_args: false,
        }
    }
}
