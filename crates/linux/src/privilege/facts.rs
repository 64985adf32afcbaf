//! What the kernel is configured to refuse.

use procyon_units::Reading;

use crate::file;
use crate::host::hostname::{KernelVersion, read_kernel_release};
use crate::host::mountinfo;
use crate::root::Root;
use crate::text::number;

/// Settings of the kernel that decide what a monitor sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the kernel.
    pub kernel: Reading<KernelVersion>,
    /// Type information for BPF is there: `/sys/kernel/btf/vmlinux`, since 5.2 with `CONFIG_DEBUG_INFO_BTF`.
    pub btf: bool,
    /// Option `hidepid` of procfs: 0 shows all processes, 1 hides their files, 2 the processes themselves, 4 those that
    /// one may not trace.
    pub hidepid: Reading<u8>,
    /// Lockdown: `none`, `integrity` or `confidentiality` (which forbids BPF to read kernel memory). Unsupported where
    /// securityfs is not mounted or the kernel has no lockdown.
    pub lockdown: Reading<Box<str>>,
    /// Yama `ptrace_scope`: 0 to 3, above 0 one may trace children only. Unsupported without Yama.
    pub yama: Reading<u64>,
    /// `kernel.unprivileged_bpf_disabled`. Since 4.4.
    pub unprivileged_bpf_disabled: Reading<u64>,
    /// `kernel.task_delayacct`: 1 where delays of block I/O are counted. Since 5.14; always on before.
    pub delay_accounting: Reading<u64>,
}

/// Takes the chosen word out of a list such as `none [integrity] confidentiality`.
#[must_use]
pub fn parse_chosen(text: &[u8]) -> Option<Box<str>> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word.into())
}

/// Takes the option `hidepid` out of the options of procfs; since 5.8 the kernel may print words.
fn parse_hidepid(value: &str) -> Option<u8> {
    match value {
        "off" => Some(0),
        "noaccess" => Some(1),
        "invisible" => Some(2),
        "ptraceable" => Some(4),
        digits => digits.parse().ok(),
    }
}

fn read_hidepid(root: &Root, buffer: &mut Vec<u8>) -> Reading<u8> {
    let mounts = file::read_with(&root.proc("self/mountinfo"), buffer, mountinfo::parse);
    let wanted = root.proc("");
    let wanted = wanted.as_os_str().as_encoded_bytes();
    let wanted = wanted.strip_suffix(b"/").unwrap_or(wanted);
    mounts.map(|mounts| {
        let proc = mounts.iter().rev().find(|mount| &*mount.kind == "proc" && &*mount.mount_point == wanted);
        proc.and_then(|mount| parse_hidepid(mount.super_option("hidepid")?)).unwrap_or(0)
    })
}

/// Reads the settings. Privilege: none.
#[must_use]
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Facts {
    let release = read_kernel_release(root, buffer);
    let kernel = release.get().and_then(|release| KernelVersion::parse(release));
    let mut setting = |path: &str| file::read_with(&root.proc(path), buffer, |text| number(text.trim_ascii()));
    Facts {
        kernel: kernel.map_or(Reading::Unsupported, Reading::Known),
        yama: setting("sys/kernel/yama/ptrace_scope"),
        unprivileged_bpf_disabled: setting("sys/kernel/unprivileged_bpf_disabled"),
        delay_accounting: setting("sys/kernel/task_delayacct"),
        btf: file::exists(&root.sys("kernel/btf/vmlinux")),
        hidepid: read_hidepid(root, buffer),
        lockdown: file::read_with(&root.sys("kernel/security/lockdown"), buffer, parse_chosen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_word_stands_in_brackets() {
        assert_eq!(parse_chosen(b"none [integrity] confidentiality\n").as_deref(), Some("integrity"));
        assert_eq!(parse_chosen(b"none\n"), None);
    }

    #[test]
    fn hidepid_is_read_as_number_and_as_word() {
        assert_eq!(parse_hidepid("2"), Some(2));
        assert_eq!(parse_hidepid("invisible"), Some(2));
        assert_eq!(parse_hidepid("x"), None);
    }
}
