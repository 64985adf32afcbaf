//! What procyon may do on this machine, from attempts: for `doctor` and `/health`.

use procyon_linux::privilege::attempt::{Attempt, Feature};
use procyon_linux::privilege::held::Capability;
use procyon_linux::root::Root;
use rustix::process::{Pid, test_kill_process};

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
    /// The capability that it takes.
    pub(crate) capability: Capability,
}

/// The capabilities that procyon makes use of, in the order in which they are worth having.
const USEFUL: [Capability; 6] = [
    Capability::SysPtrace,
    Capability::Kill,
    Capability::NetAdmin,
    Capability::SysAdmin,
    Capability::Bpf,
    Capability::Perfmon,
];

/// Tries everything that gives something. Takes up to a second.
pub(crate) fn findings(root: &Root) -> Vec<Finding> {
    let features = Feature::ALL.into_iter().filter(|feature| *feature != Feature::Perf);
    let mut findings: Vec<Finding> = features
        .map(|feature| Finding {
            id: feature.id(),
            what: feature.what(),
            gives: feature.gives(),
            attempt: feature.attempt(root),
            capability: capability(feature),
        })
        .collect();
    findings.push(Finding {
        id: "signal",
        what: "signal a process of another user",
        gives: "signals to every process",
        attempt: may_signal(),
        capability: Capability::Kill,
    });
    findings
}

const fn capability(feature: Feature) -> Capability {
    match feature {
        Feature::ForeignIo | Feature::ForeignDescriptors | Feature::ForeignMemory | Feature::ForeignNamespace | Feature::Pidfd => {
            Capability::SysPtrace
        }
        Feature::SockDiag | Feature::Taskstats | Feature::ProcessEvents => Capability::NetAdmin,
        Feature::EnterNamespace => Capability::SysAdmin,
        Feature::BpfLoad => Capability::Bpf,
        Feature::BpfTracing | Feature::Perf => Capability::Perfmon,
    }
}

/// Signal 0 to process 1, which is delivered to nobody but takes the permission.
fn may_signal() -> Attempt {
    match test_kill_process(Pid::INIT) {
        Ok(()) => Attempt::Granted,
        Err(rustix::io::Errno::SRCH) => Attempt::NoSubject,
        Err(error) => Attempt::Refused { errno: error.raw_os_error(), needs: Some(Capability::Kill) },
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
    let refused = |capability: &Capability| findings.iter().any(|finding| needs(finding) == Some(*capability));
    USEFUL.into_iter().filter(refused).collect()
}

fn needs(finding: &Finding) -> Option<Capability> {
    match finding.attempt {
        Attempt::Refused { needs, .. } => needs,
        Attempt::Granted | Attempt::Unsupported | Attempt::NoSubject => None,
    }
}

/// What `/health` says: each capability with what it gives, held when all that was tried with it worked.
pub(crate) fn capabilities(root: &Root) -> Vec<procyon_wire::Capability> {
    let findings = findings(root);
    USEFUL
        .into_iter()
        .filter_map(|capability| {
            let of: Vec<&Finding> = findings.iter().filter(|finding| finding.capability == capability).collect();
            let gives: Vec<&str> = of.iter().map(|finding| finding.gives).collect();
            (!of.is_empty()).then(|| procyon_wire::Capability {
                id: capability.name().to_owned(),
                held: !of.iter().any(|finding| matches!(finding.attempt, Attempt::Refused { .. })),
                gives: gives.join("; "),
                grant: grant(&[capability]),
            })
        })
        .collect()
}
