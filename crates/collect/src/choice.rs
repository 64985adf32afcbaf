//! Chooses where the process table comes from, and remembers why.

use std::error::Error;
use std::sync::Arc;

use procyon_linux::root::Root;
use procyon_model::frame::FeatureHealth;

use crate::collector::StartError;
use crate::config::{Config, Source};
use crate::provider::ProcessProvider;
use crate::provider::ebpf::{Ebpf, Unavailable};
use crate::provider::procfs::Procfs;
use crate::sources::network;

/// Id of the process table among the features of a frame's health.
const FEATURE: &str = "processes";

/// What was chosen.
pub(crate) struct Choice {
    pub(crate) processes: Box<dyn ProcessProvider>,
    pub(crate) features: Arc<[FeatureHealth]>,
}

/// The best that works, or what was asked for.
pub(crate) fn choose(config: &Config) -> Result<Choice, StartError> {
    let (processes, reason): (Box<dyn ProcessProvider>, _) = match config.source {
        Source::Procfs => (Box::new(Procfs::new(&config.root)?), Some("it was asked for".into())),
        Source::Ebpf => (Box::new(Ebpf::new(&config.root).map_err(StartError::Source)?), None),
        Source::Auto => match Ebpf::new(&config.root) {
            Ok(ebpf) => (Box::new(ebpf), None),
            Err(error) => {
                let reason = reason(&error);
                tracing::info!(reason, "the process table is read from procfs");
                (Box::new(Procfs::new(&config.root)?), Some(reason.into()))
            }
        },
    };
    let chosen = FeatureHealth { id: FEATURE, source: processes.id(), reason };
    Ok(Choice { processes, features: Arc::from([chosen]) })
}

/// Tries to put each program into the kernel and takes it out again: what `doctor` tells.
#[must_use]
pub fn attempt(root: &Root) -> Vec<FeatureHealth> {
    let (source, reason) = match Ebpf::new(root) {
        Ok(ebpf) => (ebpf.id(), None),
        Err(error) => (Procfs::ID, Some(reason(&error).into())),
    };
    vec![FeatureHealth { id: FEATURE, source, reason }, network::attempt(root)]
}

/// An error with its causes in one line, and what would help.
fn reason(error: &Unavailable) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    if error.is_refusal() { format!("{text}; it takes CAP_BPF and CAP_PERFMON") } else { text }
}
