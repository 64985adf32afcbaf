//! `nvme`: NVMe controllers and their namespaces (`/sys/class/nvme`).

use procyon_linux::attributes::Attributes;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Nvme;

impl Collector for Nvme {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("class/nvme")? {
            let label = ("device", &*device);
            let text = |file: &str| folder.text(file).unwrap_or_default();
            let (firmware, model, serial) = (text("firmware_rev"), text("model"), text("serial"));
            let (state, controller) = (text("state"), text("cntlid"));
            let labels = [
                label,
                ("firmware_revision", &*firmware),
                ("model", &*model),
                ("serial", &*serial),
                ("state", &*state),
                ("cntlid", &*controller),
            ];
            let help = "Non-numeric data from /sys/class/nvme/<device>, value is always 1.";
            out.gauge("node_nvme_info", help, &labels, 1.0);
            for name in folder.names() {
                if let Some(id) = namespace_id(&device, &name) {
                    namespace(label, id, &folder.below(&*name), out);
                }
            }
        }
        Ok(())
    }
}

/// The number behind `nvme0n` or, with several paths, `nvme0c1n`.
fn namespace_id<'a>(device: &str, name: &'a str) -> Option<&'a str> {
    let rest = name.strip_prefix(device)?;
    let rest = match rest.strip_prefix('c') {
        Some(path) => path.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        None => rest,
    };
    rest.strip_prefix('n').filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn namespace(device: (&'static str, &str), id: &str, folder: &Attributes, out: &mut Metrics) {
    let labels = [device, ("nsid", id)];
    let state = folder.text("ana_state").unwrap_or_else(|| "unknown".to_owned());
    let info = [device, ("nsid", id), ("ana_state", &*state)];
    let help = "Information about NVMe namespaces. Value is always 1";
    out.gauge("node_nvme_namespace_info", help, &info, 1.0);
    let block = folder.number("queue/logical_block_size").unwrap_or(0);
    // The kernel's unit is 512 bytes whatever the block is; upstream multiplies with the block, and so do we.
    let Some(size) = folder.number("size").map(|count| count.saturating_mul(block)) else { return };
    let help = "Capacity of the NVMe namespace in bytes. Computed as namespace_size * namespace_logical_block_size";
    out.gauge("node_nvme_namespace_capacity_bytes", help, &labels, float(size));
    let help = "Size of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/size";
    out.gauge("node_nvme_namespace_size_bytes", help, &labels, float(size));
    let help = "Logical block size of the NVMe namespace in bytes. Usually 4Kb. Available in /sys/class/nvme/<device>/<namespace>/queue/logical_block_size";
    out.gauge("node_nvme_namespace_logical_block_size_bytes", help, &labels, float(block));
    let used = folder.number("nuse").unwrap_or(0).saturating_mul(block);
    let help = "Used space of the NVMe namespace in bytes. Available in /sys/class/nvme/<device>/<namespace>/nuse";
    out.gauge("node_nvme_namespace_used_bytes", help, &labels, float(used));
}
