//! `nfs`: calls of the NFS client (`/proc/net/rpc/nfs`).

use procyon_linux::storage::rpc;

use super::{Collector, Outcome, Places};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Nfs;

/// Procedures of version 2 in the order of the protocol (RFC 1094).
pub(super) const VERSION2: [&str; 18] = [
    "Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write", "Create", "Remove",
    "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
];

/// Procedures of version 3 (RFC 1813).
pub(super) const VERSION3: [&str; 22] = [
    "Null",
    "GetAttr",
    "SetAttr",
    "Lookup",
    "Access",
    "ReadLink",
    "Read",
    "Write",
    "Create",
    "MkDir",
    "SymLink",
    "MkNod",
    "Remove",
    "RmDir",
    "Rename",
    "Link",
    "ReadDir",
    "ReadDirPlus",
    "FsStat",
    "FsInfo",
    "PathConf",
    "Commit",
];

/// Procedures of version 4 in upstream's order, which is the client's (`nfs4_procedures`, fs/nfs/nfs4xdr.c).
const VERSION4: [&str; 59] = [
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

/// The numbers of a line; empty where it is missing.
pub(super) fn line<'a>(lines: &'a [(Box<str>, Vec<f64>)], name: &str) -> &'a [f64] {
    lines.iter().find(|(own, _)| &**own == name).map(|(_, numbers)| numbers.as_slice()).unwrap_or_default()
}

impl Collector for Nfs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let lines = rpc::parse(&at.proc("net/rpc/nfs")?);
        let number = |name: &str, place: usize| line(&lines, name).get(place).copied().unwrap_or(0.0);
        let help = "Total NFSd network packets (sent+received) by protocol type.";
        out.counter("node_nfs_packets_total", help, &[("protocol", "udp")], number("net", 1));
        out.counter("node_nfs_packets_total", help, &[("protocol", "tcp")], number("net", 2));
        let help = "Total number of NFSd TCP connections.";
        out.counter("node_nfs_connections_total", help, &[], number("net", 3));
        out.counter("node_nfs_rpcs_total", "Total number of RPCs performed.", &[], number("rpc", 0));
        let help = "Number of RPC transmissions performed.";
        out.counter("node_nfs_rpc_retransmissions_total", help, &[], number("rpc", 1));
        let help = "Number of RPC authentication refreshes performed.";
        out.counter("node_nfs_rpc_authentication_refreshes_total", help, &[], number("rpc", 2));
        let versions = [("2", "proc2", &VERSION2[..]), ("3", "proc3", &VERSION3[..]), ("4", "proc4", &VERSION4[..])];
        for (version, name, methods) in versions {
            // The first number tells how many follow.
            let counts = line(&lines, name).iter().skip(1).copied().chain(std::iter::repeat(0.0));
            for (method, count) in methods.iter().zip(counts) {
                let labels = [("proto", version), ("method", *method)];
                out.counter("node_nfs_requests_total", "Number of NFS procedures invoked.", &labels, count);
            }
        }
        Ok(())
    }
}
