//! Chooses where the process table and the ends of processes come from, and remembers why.

use std::error::Error;
use std::sync::Arc;

use procyon_bpf::lifecycle::Lifecycle;
use procyon_linux::root::Root;
use procyon_model::frame::FeatureHealth;

use crate::collector::StartError;
use crate::config::{Config, Source};
use crate::provider::ProcessProvider;
use crate::provider::ebpf::{Ebpf, Unavailable};
use crate::provider::procfs::Procfs;
use crate::sources::network;

/// Features of a frame's health.
mod feature {
    /// The process table.
    pub(super) const PROCESSES: &str = "processes";
    /// How processes end, and those that no tick sees.
    pub(super) const DEATHS: &str = "deaths";
}

/// What tells of deaths where the kernel does not.
const COMPARING_TABLES: &str = "tables";

/// What was chosen.
pub(crate) struct Choice {
    pub(crate) processes: Box<dyn ProcessProvider>,
    pub(crate) lifecycle: Option<Lifecycle>,
    pub(crate) features: Arc<[FeatureHealth]>,
}

/// Programs in the kernel, as far as it takes them.
struct Programs {
    processes: Result<Ebpf, Unavailable>,
    lifecycle: Result<Lifecycle, Arc<str>>,
}

impl Programs {
    fn load(root: &Root) -> Self {
        let kernel = Ebpf::kernel(root);
        let (processes, lifecycle) = match &kernel {
            Ok(kernel) => (Ebpf::new(root, kernel), Lifecycle::load(kernel).map_err(Unavailable::from)),
            Err(_) => return Self::none(kernel.err()),
        };
        let lifecycle = match &processes {
            // Pids of another namespace would be taken for processes that are not theirs.
            Err(Unavailable::OtherNamespace) => Err(reason(&Unavailable::OtherNamespace)),
            _ => lifecycle.map_err(|error| reason(&error)),
        };
        Self { processes, lifecycle }
    }

    fn none(error: Option<Unavailable>) -> Self {
        let error = error.unwrap_or(Unavailable::OtherRoot);
        Self { lifecycle: Err(reason(&error)), processes: Err(error) }
    }
}

/// The best that works, or what was asked for.
pub(crate) fn choose(config: &Config) -> Result<Choice, StartError> {
    let asked: Arc<str> = "it was asked for".into();
    let procfs = || Procfs::new(&config.root).map(Box::new);
    if config.source == Source::Procfs {
        let features = [
            health(feature::PROCESSES, Procfs::ID, Some(Arc::clone(&asked))),
            health(feature::DEATHS, COMPARING_TABLES, Some(asked)),
        ];
        return Ok(Choice { processes: procfs()?, lifecycle: None, features: features.into() });
    }
    let Programs { processes, lifecycle } = Programs::load(&config.root);
    let (processes, why): (Box<dyn ProcessProvider>, _) = match processes {
        Ok(ebpf) => (Box::new(ebpf), None),
        Err(error) if config.source == Source::Ebpf => return Err(StartError::Source(error)),
        Err(error) => (procfs()?, Some(reason(&error))),
    };
    if let Some(reason) = &why {
        tracing::info!(reason = &**reason, "the process table is read from procfs");
    }
    let features = [health(feature::PROCESSES, processes.id(), why), of_deaths(&lifecycle)];
    Ok(Choice { processes, lifecycle: lifecycle.ok(), features: features.into() })
}

/// Tries to put each program into the kernel and takes it out again: what `doctor` tells.
#[must_use]
pub fn attempt(root: &Root) -> Vec<FeatureHealth> {
    let Programs { processes, lifecycle } = Programs::load(root);
    let table = match &processes {
        Ok(ebpf) => health(feature::PROCESSES, ebpf.id(), None),
        Err(error) => health(feature::PROCESSES, Procfs::ID, Some(reason(error))),
    };
    vec![table, of_deaths(&lifecycle), network::attempt(root)]
}

const fn health(id: &'static str, source: &'static str, reason: Option<Arc<str>>) -> FeatureHealth {
    FeatureHealth { id, source, reason }
}

fn of_deaths(lifecycle: &Result<Lifecycle, Arc<str>>) -> FeatureHealth {
    match lifecycle {
        Ok(_) => health(feature::DEATHS, Ebpf::ID, None),
        Err(reason) => health(feature::DEATHS, COMPARING_TABLES, Some(Arc::clone(reason))),
    }
}

/// An error with its causes in one line, and what would help.
fn reason(error: &Unavailable) -> Arc<str> {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    if error.is_refusal() { format!("{text}; it takes CAP_BPF and CAP_PERFMON").into() } else { text.into() }
}
