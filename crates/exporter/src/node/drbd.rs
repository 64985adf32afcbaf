//! `drbd`: replicated block devices (`/proc/drbd`, which DRBD 8 has).

use procyon_linux::storage::drbd;

use super::{Collector, Outcome, Places, flag, number, read};
use crate::metric::{Kind, Metrics};

#[derive(Default)]
pub(super) struct Drbd;

type Row = (&'static str, Kind, &'static str, &'static str, f64);

/// Numbers of a device, and what they are multiplied by.
const ROWS: &[Row] = &[
    ("ns", Kind::Counter, "node_drbd_network_sent_bytes_total", "Total number of bytes sent via the network.", 1024.0),
    (
        "nr",
        Kind::Counter,
        "node_drbd_network_received_bytes_total",
        "Total number of bytes received via the network.",
        1.0,
    ),
    (
        "dw",
        Kind::Counter,
        "node_drbd_disk_written_bytes_total",
        "Net data written on local hard disk; in bytes.",
        1024.0,
    ),
    ("dr", Kind::Counter, "node_drbd_disk_read_bytes_total", "Net data read from local hard disk; in bytes.", 1024.0),
    (
        "al",
        Kind::Counter,
        "node_drbd_activitylog_writes_total",
        "Number of updates of the activity log area of the meta data.",
        1.0,
    ),
    (
        "bm",
        Kind::Counter,
        "node_drbd_bitmap_writes_total",
        "Number of updates of the bitmap area of the meta data.",
        1.0,
    ),
    ("lo", Kind::Gauge, "node_drbd_local_pending", "Number of open requests to the local I/O sub-system.", 1.0),
    (
        "pe",
        Kind::Gauge,
        "node_drbd_remote_pending",
        "Number of requests sent to the peer, but that have not yet been answered by the latter.",
        1.0,
    ),
    (
        "ua",
        Kind::Gauge,
        "node_drbd_remote_unacknowledged",
        "Number of requests received by the peer via the network connection, but that have not yet been answered.",
        1.0,
    ),
    (
        "ap",
        Kind::Gauge,
        "node_drbd_application_pending",
        "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.",
        1.0,
    ),
    ("ep", Kind::Gauge, "node_drbd_epochs", "Number of Epochs currently on the fly.", 1.0),
    ("oos", Kind::Gauge, "node_drbd_out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.", 1024.0),
];

impl Collector for Drbd {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Open it would keep the module from being unloaded.
        for device in drbd::parse(&read(&at.root().proc("drbd"))?) {
            let name = format!("drbd{}", device.number);
            for (key, value) in &device.pairs {
                if let Some((_, kind, family, help, scale)) = ROWS.iter().find(|(own, ..)| *own == &**key) {
                    if let Some(value) = number(value) {
                        out.add(*kind, (*family).into(), (*help).into(), &[("device", &name)], value * scale);
                    }
                    continue;
                }
                state(&name, key, value, out);
            }
        }
        Ok(())
    }
}

fn state(device: &str, key: &str, value: &str, out: &mut Metrics) {
    let pair = [("local", value.split('/').next()), ("remote", value.split('/').nth(1))];
    let (family, help, good) = match key {
        "ro" => ("node_drbd_node_role_is_primary", "Whether the role of the node is in the primary state.", "Primary"),
        "ds" => ("node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is up to date.", "UpToDate"),
        "cs" => {
            let help = "Whether DRBD is connected to the peer.";
            out.gauge("node_drbd_connected", help, &[("device", device)], flag(value == "Connected"));
            return;
        }
        _ => return,
    };
    for (node, state) in pair {
        if let Some(state) = state {
            out.gauge(family, help, &[("device", device), ("node", node)], flag(state == good));
        }
    }
}
