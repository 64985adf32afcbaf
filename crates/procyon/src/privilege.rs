//! What procyon may do on this machine, from attempts: for `doctor` and `/health`.

use std::sync::Arc;

use procyon_linux::privilege::attempt::{Attempt, Feature};
use procyon_linux::privilege::held::{self, Capability};
use procyon_linux::privilege::signal::{self, Evidence};
use procyon_linux::root::Root;
use procyon_model::frame::FeatureHealth;

/// One thing that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Short id.
    pub(crate) id: &'static str,
    /// What was tried.
    pub(crate) what: &'static str,
    /// What one gains by it.
    pub(crate) gives: &'static str,
    /// What came of it.
    pub(crate) attempt: Attempt,
    /// Why it is not here, where more is known than that the kernel does not have it.
    pub(crate) why: Option<Arc<str>>,
    /// The capabilities that it takes.
    takes: &'static [Capability],
    /// Those of them that this process does not hold.
    lacks: Vec<Capability>,
}

impl Finding {
    /// Whether the kernel refused.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.attempt, Attempt::Refused { .. })
    }

    /// The capabilities that would help; none where it worked, or where something else forbids it.
    pub(crate) fn needs(&self) -> &[Capability] {
        if self.is_refused() { &self.lacks } else { &[] }
    }
}

/// The capabilities that procyon makes use of, in the order in which they are worth having.
const USEFUL: [Capability; 7] = [
    Capability::SysPtrace,
    Capability::DacReadSearch,
    Capability::Kill,
    Capability::NetAdmin,
    Capability::SysAdmin,
    Capability::Bpf,
    Capability::Perfmon,
];

/// Tries everything that gives something. Takes up to a second.
pub(crate) fn findings(root: &Root) -> Vec<Finding> {
    let held = held::read(&Root::live(), &mut Vec::new());
    let lacks = |takes: &'static [Capability]| {
        let lacks = |capability: &Capability| held.get().is_none_or(|held| !held.has(*capability));
        takes.iter().copied().filter(lacks).collect()
    };
    let features = Feature::ALL.into_iter().filter(|feature| *feature != Feature::Perf);
    let mut findings: Vec<Finding> = features
        .map(|feature| Finding {
            id: feature.id(),
            what: feature.what(),
            gives: feature.gives(),
            attempt: feature.attempt(root),
            why: None,
            takes: takes(feature),
            lacks: lacks(takes(feature)),
        })
        .collect();
    let (attempt, evidence) = signal::attempt();
    findings.push(Finding {
        id: "signal",
        what: match evidence {
            Evidence::Tried => "signal a process of another user",
            Evidence::CapabilitySet => "find CAP_KILL among the capabilities, as no process of another user runs",
        },
        gives: "signals to every process",
        attempt,
        why: None,
        takes: &[Capability::Kill],
        lacks: lacks(&[Capability::Kill]),
    });
    findings
}

/// Takes back what the kernel would let us do and what still does not work here, as loading the programs themselves showed.
pub(crate) fn settle(findings: &mut [Finding], features: &[FeatureHealth]) {
    for finding in findings.iter_mut().filter(|finding| finding.attempt == Attempt::Granted) {
        let uses = match finding.id {
            "bpf" => ["processes"].as_slice(),
            "bpf-tracing" => &["deaths", "network"],
            _ => continue,
        };
        let falls_back = features.iter().find(|feature| uses.contains(&feature.id) && feature.reason.is_some());
        if let Some(feature) = falls_back {
            finding.attempt = Attempt::Unsupported;
            finding.why.clone_from(&feature.reason);
        }
    }
}

const fn takes(feature: Feature) -> &'static [Capability] {
    match feature {
        // These files are their owner's alone to open, before the kernel asks who may trace.
        Feature::ForeignIo | Feature::ForeignDescriptors => &[Capability::SysPtrace, Capability::DacReadSearch],
        Feature::ForeignMemory | Feature::ForeignNamespace => &[Capability::SysPtrace],
        Feature::SockDiag | Feature::Taskstats | Feature::ProcessEvents => &[Capability::NetAdmin],
        Feature::EnterNamespace => &[Capability::SysAdmin],
        Feature::BpfIterator | Feature::BpfTracing => &[Capability::Bpf, Capability::Perfmon],
        Feature::Pidfd | Feature::Perf => &[],
    }
}

/// The command that grants capabilities to this program: `setcap` replaces what was there, so all stand in one.
pub(crate) fn grant(capabilities: &[Capability]) -> String {
    let names: Vec<String> = capabilities.iter().map(|capability| capability.name().to_ascii_lowercase()).collect();
    format!("sudo setcap {}+ep {}", names.join(","), program())
}

fn program() -> String {
    std::env::current_exe().map_or_else(|_| "$(which procyon)".to_owned(), |path| path.display().to_string())
}

/// The capabilities that would help with what was refused.
pub(crate) fn missing(findings: &[Finding]) -> Vec<Capability> {
    USEFUL
        .into_iter()
        .filter(|capability| findings.iter().any(|finding| finding.needs().contains(capability)))
        .collect()
}

/// What `/health` says: each capability with what it gives, held unless something failed for want of it.
pub(crate) fn capabilities(root: &Root) -> Vec<procyon_wire::Capability> {
    let findings = findings(root);
    let missing = missing(&findings);
    USEFUL
        .into_iter()
        .map(|capability| {
            let gives: Vec<&str> = findings
                .iter()
                .filter(|finding| finding.takes.contains(&capability))
                .map(|finding| finding.gives)
                .collect();
            procyon_wire::Capability {
                id: capability.name().to_owned(),
                held: !missing.contains(&capability),
                gives: gives.join("; "),
                grant: grant(&[capability]),
            }
        })
        .collect()
}
