//! Which machine this is.

use procyon_linux::host::{cpuinfo, hostname, os_release, stat, uptime};
use procyon_linux::root::Root;
use procyon_linux::sys::cpufreq;
use procyon_model::frame::HostIdentity;
use procyon_model::key::{BootId, HostId};
use procyon_units::{Reading, Wall};

/// Reads name, system, processors and boot of the machine. Fails only without a boot id, because then no process could
/// be told from a later one with its pid.
pub(crate) fn read(root: &Root, id: HostId, version: &str) -> Result<HostIdentity, String> {
    let mut buffer = Vec::new();
    let Reading::Known(boot) = uptime::read_boot_id(root, &mut buffer) else {
        return Err("/proc/sys/kernel/random/boot_id cannot be read".to_owned());
    };
    let boot_time = match stat::read(root, &mut buffer) {
        Reading::Known(stat) => stat.boot_time.get().copied().unwrap_or_default(),
        _ => Wall::default(),
    };
    let cpus = cpuinfo::read(root, &mut buffer);
    let cpus = cpus.get();
    let online = cpufreq::read_online(root, &mut buffer).get().copied();
    let text = |reading: Reading<Box<str>>| reading.get().cloned().unwrap_or_default();
    Ok(HostIdentity {
        id,
        name: text(hostname::read(root, &mut buffer)),
        os: os_release::read(root, &mut buffer).get().map(|os| os.pretty_name.clone()).unwrap_or_default(),
        kernel: text(hostname::read_kernel_release(root, &mut buffer)),
        arch: hostname::architecture(),
        cpu_model: cpus.map(|cpu| cpu.model.clone()).unwrap_or_default(),
        cpus: online.or_else(|| cpus.map(|cpu| cpu.logical)).unwrap_or(1),
        boot: BootId(boot),
        boot_time,
        version: version.into(),
    })
}
