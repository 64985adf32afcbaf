//! Parsers take whatever bytes come: random ones, and captured files with bytes changed, cut and doubled.

use std::path::PathBuf;

use procyon_linux::containers::{limits, paths};
use procyon_linux::host::{
    cpuinfo, diskstats, filesystems, loadavg, meminfo, mountinfo, net_dev, os_release, pressure, stat, swaps, uptime,
    vmstat,
};
use procyon_linux::net::socket::Protocol;
use procyon_linux::net::{namespaces, netlink, owners, proc_net, sock_diag};
use procyon_linux::privilege::{facts, held};
use procyon_linux::sys::cpufreq;
use procyon_linux::users::{accounts, logind, utmp};
use proptest::prelude::*;

#[expect(unused_must_use, reason = "only panics matter here")]
fn parse_everything(bytes: &[u8]) {
    stat::parse(bytes);
    meminfo::parse(bytes);
    loadavg::parse(bytes);
    pressure::parse(bytes);
    diskstats::parse(bytes);
    net_dev::parse(bytes);
    uptime::parse(bytes);
    uptime::parse_boot_id(bytes);
    cpuinfo::parse(bytes);
    os_release::parse(bytes);
    vmstat::parse(bytes);
    swaps::parse(bytes);
    filesystems::select(&mountinfo::parse(bytes).unwrap());
    cpufreq::parse_online(bytes);
    for protocol in Protocol::ALL {
        proc_net::parse(protocol, 1, bytes, &mut Vec::new());
        sock_diag::parse(protocol, 1, bytes);
    }
    sock_diag::parse_tcp_info(bytes);
    netlink::split(bytes);
    netlink::attributes(bytes).count();
    namespaces::parse_link(bytes);
    owners::parse_link(bytes);
    accounts::parse_passwd(bytes);
    accounts::parse_group(bytes);
    accounts::parse_uid_min(bytes);
    logind::parse(bytes);
    utmp::parse(bytes);
    held::parse(bytes);
    facts::parse_chosen(bytes);
    paths::parse(bytes);
    limits::parse_memory(bytes);
    limits::parse_cpu_max(bytes);
}

/// All captured files and some of the live machine.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut dirs = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/linux")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else {
                seeds.push(std::fs::read(entry.path()).unwrap());
            }
        }
    }
    for live in ["net/tcp", "net/udp6", "self/mountinfo", "self/status", "cpuinfo"] {
        seeds.extend(std::fs::read(PathBuf::from("/proc").join(live)));
    }
    assert!(seeds.len() > 50);
    seeds
}

proptest! {
    #[test]
    fn on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        parse_everything(&bytes);
    }

    #[test]
    fn on_text_of_the_right_kind(text in "[0-9a-fA-F:/\\\\ \t\n.,=\\-\\[\\]a-zé]{0,300}") {
        parse_everything(text.as_bytes());
    }

    #[test]
    fn on_captured_files_with_damage(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let seeds = seeds();
        let mut bytes = which.get(&seeds).clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        parse_everything(&bytes);
    }
}
