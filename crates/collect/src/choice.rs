//! Chooses where the process table, the ends of processes and their network bytes come from, and remembers why.

use std::error::Error;
use std::sync::Arc;

use procyon_bpf::Kernel;
use procyon_bpf::lifecycle::Lifecycle;
use procyon_bpf::network::Network;
use procyon_linux::own;
use procyon_linux::root::Root;
use procyon_model::frame::FeatureHealth;

use crate::collector::StartError;
use crate::config::{Config, Source};
use crate::provider::ProcessProvider;
use crate::provider::ebpf::{Ebpf, Unavailable};
use crate::provider::procfs::Procfs;
use crate::sources::network::NetworkSource;

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
    pub(crate) network: Result<Network, Arc<str>>,
    pub(crate) features: Arc<[FeatureHealth]>,
}

/// Programs in the kernel, as far as it takes them.
struct Programs {
    processes: Result<Ebpf, Unavailable>,
    lifecycle: Result<Lifecycle, Arc<str>>,
    network: Result<Network, Arc<str>>,
}

impl Programs {
    /// Loads all of them; the kernel's types are read once and let go.
    fn load(root: &Root) -> Self {
        let kernel = match Ebpf::kernel(root) {
            Ok(kernel) => kernel,
            Err(error) => {
                let why = reason(&error);
                return Self { processes: Err(error), lifecycle: Err(Arc::clone(&why)), network: Err(why) };
            }
        };
        let (processes, lifecycle) =
            (Ebpf::new(root, &kernel), Lifecycle::load(&kernel).map_err(|error| reason(&error.into())));
        let lifecycle = match &processes {
            // Pids of another namespace would be taken for processes that are not theirs.
            Err(Unavailable::OtherNamespace) => Err(reason(&Unavailable::OtherNamespace)),
            _ => lifecycle,
        };
        Self { processes, lifecycle, network: load_network(root, &kernel).map_err(|error| reason(&error)) }
    }
}

/// Loads the program if pids mean the same to it as to us.
fn load_network(root: &Root, kernel: &Kernel) -> Result<Network, Unavailable> {
    if own::in_first_namespaces(root) {
        Ok(Network::load(kernel, &root.sys(""))?)
    } else {
        Err(Unavailable::OtherNamespace)
    }
}

/// The best that works, or what was asked for.
pub(crate) fn choose(config: &Config) -> Result<Choice, StartError> {
    let asked: Arc<str> = "it was asked for".into();
    let procfs = || Procfs::new(&config.root).map(Box::new);
    if config.source == Source::Procfs {
        let features = [
            health(feature::PROCESSES, Procfs::ID, Some(Arc::clone(&asked))),
            health(feature::DEATHS, COMPARING_TABLES, Some(Arc::clone(&asked))),
        ];
        return Ok(Choice { processes: procfs()?, lifecycle: None, network: Err(asked), features: features.into() });
    }
    let Programs { processes, lifecycle, network } = Programs::load(&config.root);
    let (processes, why): (Box<dyn ProcessProvider>, _) = match processes {
        Ok(ebpf) => (Box::new(ebpf), None),
        Err(error) if config.source == Source::Ebpf => return Err(StartError::Source(error)),
        Err(error) => (procfs()?, Some(reason(&error))),
    };
    if let Some(reason) = &why {
        tracing::info!(reason = &**reason, "the process table is read from procfs");
    }
    if let Err(reason) = &network {
        tracing::info!(reason = &**reason, "network bytes of processes are estimated");
    }
    let features = [health(feature::PROCESSES, processes.id(), why), of_deaths(&lifecycle)];
    Ok(Choice { processes, lifecycle: lifecycle.ok(), network, features: features.into() })
}

/// Tries to put each program into the kernel and takes it out again: what `doctor` tells.
#[must_use]
pub fn attempt(root: &Root) -> Vec<FeatureHealth> {
    let Programs { processes, lifecycle, network } = Programs::load(root);
    let table = match &processes {
        Ok(ebpf) => health(feature::PROCESSES, ebpf.id(), None),
        Err(error) => health(feature::PROCESSES, Procfs::ID, Some(reason(error))),
    };
    vec![table, of_deaths(&lifecycle), NetworkSource::new(network).0.health()]
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
