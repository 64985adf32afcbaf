//! `nfsd`: calls of the NFS server (`/proc/net/rpc/nfsd`).

use procyon_linux::storage::rpc;

use super::nfs::{VERSION2, VERSION3, line};
use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Nfsd;

/// Operations of version 4 by their numbers (RFC 7530); the first three numbers are not used.
const VERSION4: [&str; 40] = [
    "",
    "",
    "",
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    "",
    "",
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];

impl Collector for Nfsd {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let lines = rpc::parse(&at.proc("net/rpc/nfsd")?);
        let number = |name: &str, place: usize| line(&lines, name).get(place).copied().unwrap_or(0.0);
        let counters = [
            (
                "rc",
                0,
                "node_nfsd_reply_cache_hits_total",
                "Total number of NFSd Reply Cache hits (client lost server response).",
            ),
            (
                "rc",
                1,
                "node_nfsd_reply_cache_misses_total",
                "Total number of NFSd Reply Cache an operation that requires caching (idempotent).",
            ),
            (
                "rc",
                2,
                "node_nfsd_reply_cache_nocache_total",
                "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
            ),
            ("fh", 0, "node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles"),
            ("io", 0, "node_nfsd_disk_bytes_read_total", "Total NFSd bytes read."),
            ("io", 1, "node_nfsd_disk_bytes_written_total", "Total NFSd bytes written."),
            (
                "ra",
                11,
                "node_nfsd_read_ahead_cache_not_found_total",
                "Total number of NFSd read ahead cache not found.",
            ),
            ("net", 3, "node_nfsd_connections_total", "Total number of NFSd TCP connections."),
            ("rpc", 0, "node_nfsd_server_rpcs_total", "Total number of NFSd RPCs."),
        ];
        for (name, place, family, help) in counters {
            out.counter(family, help, &[], number(name, place));
        }
        let help = "Total number of NFSd kernel threads that are running.";
        out.gauge("node_nfsd_server_threads", help, &[], number("th", 0));
        let help = "How large the read ahead cache is in blocks.";
        out.gauge("node_nfsd_read_ahead_cache_size_blocks", help, &[], number("ra", 0));
        let help = "Total NFSd network packets (sent+received) by protocol type.";
        out.counter("node_nfsd_packets_total", help, &[("proto", "udp")], number("net", 1));
        out.counter("node_nfsd_packets_total", help, &[("proto", "tcp")], number("net", 2));
        for (error, place) in [("fmt", 2), ("auth", 3), ("cInt", 4)] {
            let help = "Total number of NFSd RPC errors by error type.";
            out.counter("node_nfsd_rpc_errors_total", help, &[("error", error)], number("rpc", place));
        }
        requests(&lines, out);
        Ok(())
    }
}

fn requests(lines: &[(Box<str>, Vec<f64>)], out: &mut Metrics) {
    let mut add = |version: &'static str, method: &'static str, count: f64| {
        let labels = [("proto", version), ("method", method)];
        out.counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.", &labels, count);
    };
    let versions = [("2", "proc2", &VERSION2[..]), ("3", "proc3", &VERSION3[..]), ("4", "proc4ops", &VERSION4[..])];
    for (version, name, methods) in versions {
        let counts = line(lines, name).iter().skip(1).copied().chain(std::iter::repeat(0.0));
        // Upstream leaves out `Null`.
        for (method, count) in methods.iter().zip(counts).filter(|(method, _)| !matches!(**method, "" | "Null")) {
            add(version, method, count);
        }
    }
    add("4", "WdelegGetattr", line(lines, "wdeleg_getattr").first().copied().unwrap_or(0.0));
}
