//! Files of the machine and answers of netlink: whatever bytes come, no parser panics.

use procyon_linux::containers::{limits, paths};
use procyon_linux::host::{
    cpuinfo, diskstats, filesystems, loadavg, meminfo, mountinfo, net_dev, os_release, pressure, stat, swaps, uptime,
    vmstat,
};
use procyon_linux::net::socket::Protocol;
use procyon_linux::net::{namespaces, netlink, owners, proc_net, routes, sock_diag};
use procyon_linux::privilege::{facts, held};
use procyon_linux::sys::cpufreq;
use procyon_linux::users::{accounts, logind, utmp};

#[expect(unused_must_use, reason = "only panics matter here")]
pub fn run(bytes: &[u8]) {
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
    routes::parse(bytes);
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
