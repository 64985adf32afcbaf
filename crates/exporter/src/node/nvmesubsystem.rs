//! `nvmesubsystem`: NVMe subsystems and the paths to them (`/sys/class/nvme-subsystem`).

use procyon_linux::attributes::Attributes;

use super::{Collector, Outcome, Places, flag, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Nvmesubsystem;

const STATES: [&str; 5] = ["live", "connecting", "resetting", "dead", "unknown"];
/// States that upstream has no series for; then all five are zero.
const OTHER_STATES: [&str; 3] = ["deleting", "deleting (no IO)", "new"];

impl Collector for Nvmesubsystem {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (name, folder) in at.devices("class/nvme-subsystem")? {
            subsystem(("subsystem", &name), &folder, out);
        }
        Ok(())
    }
}

/// `nvme0` is a controller, `nvme0n1` a namespace.
fn is_controller(name: &str) -> bool {
    name.strip_prefix("nvme").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_namespace(name: &str) -> bool {
    name.rsplit_once('n').is_some_and(|(controller, number)| {
        is_controller(controller) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn subsystem(label: (&'static str, &str), folder: &Attributes, out: &mut Metrics) {
    let text = |file: &str| folder.text(file).unwrap_or_default();
    let (nqn, model, serial, policy) = (text("subsysnqn"), text("model"), text("serial"), text("iopolicy"));
    let labels = [label, ("nqn", &*nqn), ("model", &*model), ("serial", &*serial), ("iopolicy", &*policy)];
    let help = "Non-numeric information about an NVMe subsystem.";
    out.gauge("node_nvmesubsystem_info", help, &labels, 1.0);
    let (mut all, mut live) = (0_u64, 0_u64);
    for name in folder.names() {
        if is_namespace(&name) {
            let help = "Maps an NVMe namespace block device to its subsystem.";
            out.gauge("node_nvmesubsystem_namespace_info", help, &[label, ("device", &*name)], 1.0);
        }
        if !is_controller(&name) {
            continue;
        }
        let path = folder.below(&*name);
        let (state, transport) = (path.text("state").unwrap_or_default(), path.text("transport").unwrap_or_default());
        all += 1;
        live += u64::from(state == "live");
        let is_known = STATES.contains(&&*state) || OTHER_STATES.contains(&&*state);
        let known = if is_known { &*state } else { "unknown" };
        for candidate in STATES {
            let labels = [label, ("controller", &*name), ("transport", &*transport), ("state", candidate)];
            let help = "Current NVMe controller path state (1 for the current state, 0 for all others).";
            out.gauge("node_nvmesubsystem_path_state", help, &labels, flag(candidate == known));
        }
    }
    let help = "Number of controller paths for an NVMe subsystem.";
    out.gauge("node_nvmesubsystem_paths", help, &[label], float(all));
    let help = "Number of controller paths in live state for an NVMe subsystem.";
    out.gauge("node_nvmesubsystem_paths_live", help, &[label], float(live));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_and_namespaces_are_told_apart() {
        for (name, expected) in [
            ("nvme0", (true, false)),
            ("nvme0n1", (false, true)),
            ("nvme-fabrics", (false, false)),
            ("model", (false, false)),
        ] {
            assert_eq!((is_controller(name), is_namespace(name)), expected, "{name}");
        }
    }
}
