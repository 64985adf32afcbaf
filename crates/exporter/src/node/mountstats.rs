//! `mountstats`: what the NFS client did for each mount (`/proc/self/mountstats`).

use std::collections::HashSet;

use procyon_linux::host::mountinfo;
use procyon_linux::storage::mountstats::{self, MountStats, Transport};

use super::{Collector, Outcome, Places, float, read};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Mountstats;

type Names = (&'static str, &'static str);

const BYTES: [Names; 8] = [
    ("node_mountstats_nfs_read_bytes_total", "Number of bytes read using the read() syscall."),
    ("node_mountstats_nfs_write_bytes_total", "Number of bytes written using the write() syscall."),
    ("node_mountstats_nfs_direct_read_bytes_total", "Number of bytes read using the read() syscall in O_DIRECT mode."),
    (
        "node_mountstats_nfs_direct_write_bytes_total",
        "Number of bytes written using the write() syscall in O_DIRECT mode.",
    ),
    ("node_mountstats_nfs_total_read_bytes_total", "Number of bytes read from the NFS server, in total."),
    ("node_mountstats_nfs_total_write_bytes_total", "Number of bytes written to the NFS server, in total."),
    ("node_mountstats_nfs_read_pages_total", "Number of pages read directly via mmap()'d files."),
    ("node_mountstats_nfs_write_pages_total", "Number of pages written directly via mmap()'d files."),
];

/// In the kernel's order; what has no name was never counted.
const EVENTS: [Names; 27] = [
    (
        "node_mountstats_nfs_event_inode_revalidate_total",
        "Number of times cached inode attributes are re-validated from the server.",
    ),
    (
        "node_mountstats_nfs_event_dnode_revalidate_total",
        "Number of times cached dentry nodes are re-validated from the server.",
    ),
    ("node_mountstats_nfs_event_data_invalidate_total", "Number of times an inode cache is cleared."),
    (
        "node_mountstats_nfs_event_attribute_invalidate_total",
        "Number of times cached inode attributes are invalidated.",
    ),
    ("node_mountstats_nfs_event_vfs_open_total", "Number of times cached inode attributes are invalidated."),
    ("node_mountstats_nfs_event_vfs_lookup_total", "Number of times a directory lookup has occurred."),
    ("node_mountstats_nfs_event_vfs_access_total", "Number of times permissions have been checked."),
    ("node_mountstats_nfs_event_vfs_update_page_total", "Number of updates (and potential writes) to pages."),
    ("node_mountstats_nfs_event_vfs_read_page_total", "Number of pages read directly via mmap()'d files."),
    ("node_mountstats_nfs_event_vfs_read_pages_total", "Number of times a group of pages have been read."),
    ("node_mountstats_nfs_event_vfs_write_page_total", "Number of pages written directly via mmap()'d files."),
    ("node_mountstats_nfs_event_vfs_write_pages_total", "Number of times a group of pages have been written."),
    (
        "node_mountstats_nfs_event_vfs_getdents_total",
        "Number of times directory entries have been read with getdents().",
    ),
    (
        "node_mountstats_nfs_event_vfs_setattr_total",
        "Number of times directory entries have been read with getdents().",
    ),
    (
        "node_mountstats_nfs_event_vfs_flush_total",
        "Number of pending writes that have been forcefully flushed to the server.",
    ),
    ("node_mountstats_nfs_event_vfs_fsync_total", "Number of times fsync() has been called on directories and files."),
    ("node_mountstats_nfs_event_vfs_lock_total", "Number of times locking has been attempted on a file."),
    ("node_mountstats_nfs_event_vfs_file_release_total", "Number of times files have been closed and released."),
    ("", ""),
    ("node_mountstats_nfs_event_truncation_total", "Number of times files have been truncated."),
    (
        "node_mountstats_nfs_event_write_extension_total",
        "Number of times a file has been grown due to writes beyond its existing end.",
    ),
    (
        "node_mountstats_nfs_event_silly_rename_total",
        "Number of times a file was removed while still open by another process.",
    ),
    (
        "node_mountstats_nfs_event_short_read_total",
        "Number of times the NFS server gave less data than expected while reading.",
    ),
    (
        "node_mountstats_nfs_event_short_write_total",
        "Number of times the NFS server wrote less data than expected while writing.",
    ),
    (
        "node_mountstats_nfs_event_jukebox_delay_total",
        "Number of times the NFS server indicated EJUKEBOX; retrieving data from offline storage.",
    ),
    ("node_mountstats_nfs_event_pnfs_read_total", "Number of NFS v4.1+ pNFS reads."),
    ("node_mountstats_nfs_event_pnfs_write_total", "Number of NFS v4.1+ pNFS writes."),
];

const OPERATIONS: [Names; 9] = [
    ("node_mountstats_nfs_operations_requests_total", "Number of requests performed for a given operation."),
    (
        "node_mountstats_nfs_operations_transmissions_total",
        "Number of times an actual RPC request has been transmitted for a given operation.",
    ),
    (
        "node_mountstats_nfs_operations_major_timeouts_total",
        "Number of times a request has had a major timeout for a given operation.",
    ),
    (
        "node_mountstats_nfs_operations_sent_bytes_total",
        "Number of bytes sent for a given operation, including RPC headers and payload.",
    ),
    (
        "node_mountstats_nfs_operations_received_bytes_total",
        "Number of bytes received for a given operation, including RPC headers and payload.",
    ),
    (
        "node_mountstats_nfs_operations_queue_time_seconds_total",
        "Duration all requests spent queued for transmission for a given operation before they were sent, in seconds.",
    ),
    (
        "node_mountstats_nfs_operations_response_time_seconds_total",
        "Duration all requests took to get a reply back after a request for a given operation was transmitted, in seconds.",
    ),
    (
        "node_mountstats_nfs_operations_request_time_seconds_total",
        "Duration all requests took from when a request was enqueued to when it was completely handled for a given operation, in seconds.",
    ),
    ("node_mountstats_nfs_operations_errors_total", "Number of errors for a given operation"),
];

/// Counters whose lower bits alone fit into a sample: so upstream keeps them from standing still.
const MANTISSA: u64 = 1 << 53;

impl Collector for Mountstats {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Not held open: that would hold the mounts.
        let own = |file: &str| read(&at.root().proc("self").join(file));
        let mounts = mountstats::parse(&own("mountstats")?);
        // Both files list the mounts in the same order.
        let places = mountinfo::parse(&own("mountinfo")?).unwrap_or_default();
        let (mut points, mut devices) = (HashSet::new(), HashSet::new());
        for (number, mount) in mounts.iter().enumerate() {
            if !matches!(&*mount.kind, "nfs" | "nfs4") {
                continue;
            }
            let address = places.get(number).and_then(|place| place.super_option("addr")).unwrap_or_default();
            for transport in &mount.transports {
                let labels = [("export", &*mount.device), ("protocol", &transport.protocol), ("mountaddr", address)];
                if points.insert((mount.device.clone(), transport.protocol.clone(), mount.mount_point.clone())) {
                    let [export, protocol, mountaddr] = labels;
                    let labels = [export, protocol, mountaddr, ("mountpoint", &mount.mount_point)];
                    let help = "Info metric for an NFS mountpoint.";
                    out.gauge("node_mountstats_nfs_mountpoint_info", help, &labels, 1.0);
                }
                if !devices.insert((mount.device.clone(), transport.protocol.clone(), address.to_owned())) {
                    break;
                }
                stats(mount, labels, out);
            }
        }
        Ok(())
    }
}

type Labels<'a> = [(&'static str, &'a str); 3];

fn stats(mount: &MountStats, labels: Labels<'_>, out: &mut Metrics) {
    let help = "The age of the NFS mount in seconds.";
    out.counter("node_mountstats_nfs_age_seconds_total", help, &labels, float(mount.age));
    for ((name, help), value) in BYTES.iter().zip(mount.bytes) {
        out.counter(*name, *help, &labels, float(value));
    }
    let events = mount.events.iter().copied().chain(std::iter::repeat(0));
    for ((name, help), value) in EVENTS.iter().zip(events).filter(|((name, _), _)| !name.is_empty()) {
        out.counter(*name, *help, &labels, float(value));
    }
    let [export, protocol, mountaddr] = labels;
    for (number, transport) in mount.transports.iter().enumerate() {
        let number = number.to_string();
        connection(transport, &[export, protocol, mountaddr, ("transport", &number)], out);
    }
    for (operation, values) in &mount.operations {
        let labels = [export, protocol, mountaddr, ("operation", &**operation)];
        for ((name, help), value) in OPERATIONS.iter().zip(values) {
            let value = if name.contains("_seconds") { float(value % MANTISSA) / 1000.0 } else { float(*value) };
            out.counter(*name, *help, &labels, value);
        }
    }
}

fn connection(transport: &Transport, labels: &[(&'static str, &str)], out: &mut Metrics) {
    out.counter(
        "node_mountstats_nfs_transport_bind_total",
        "Number of times the client has had to establish a connection from scratch to the NFS server.",
        labels,
        float(transport.bind),
    );
    out.counter(
        "node_mountstats_nfs_transport_connect_total",
        "Number of times the client has made a TCP connection to the NFS server.",
        labels,
        float(transport.connect),
    );
    out.gauge(
        "node_mountstats_nfs_transport_idle_time_seconds",
        "Duration since the NFS mount last saw any RPC traffic, in seconds.",
        labels,
        float(transport.idle % MANTISSA),
    );
    out.counter(
        "node_mountstats_nfs_transport_sends_total",
        "Number of RPC requests for this mount sent to the NFS server.",
        labels,
        float(transport.sends),
    );
    out.counter(
        "node_mountstats_nfs_transport_receives_total",
        "Number of RPC responses for this mount received from the NFS server.",
        labels,
        float(transport.receives),
    );
    out.counter(
        "node_mountstats_nfs_transport_bad_transaction_ids_total",
        "Number of times the NFS server sent a response with a transaction ID unknown to this client.",
        labels,
        float(transport.bad_ids),
    );
    out.counter(
        "node_mountstats_nfs_transport_backlog_queue_total",
        "Total number of items added to the RPC backlog queue.",
        labels,
        float(transport.backlog),
    );
    out.gauge(
        "node_mountstats_nfs_transport_maximum_rpc_slots",
        "Maximum number of simultaneously active RPC requests ever used.",
        labels,
        float(transport.slots),
    );
    out.counter(
        "node_mountstats_nfs_transport_sending_queue_total",
        "Total number of items added to the RPC transmission sending queue.",
        labels,
        float(transport.sending),
    );
    out.counter(
        "node_mountstats_nfs_transport_pending_queue_total",
        "Total number of items added to the RPC transmission pending queue.",
        labels,
        float(transport.pending),
    );
}
