//! `/sys/class/net`: what network interfaces are.

use std::path::Path;

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::number;

/// One network interface of the namespace in which sysfs was mounted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetInterface {
    /// Name, as `eth0`.
    pub name: Box<str>,
    /// `up`, `down`, `unknown` (loopback, most tunnels), `lowerlayerdown`, `dormant` … Source: `operstate`.
    pub state: Box<str>,
    /// What it is.
    pub kind: InterfaceKind,
    /// Hardware address as text; empty where it has none.
    pub address: Box<str>,
    /// Speed of the link in bits a second. Source: `speed` (Mbit/s). Absent while the link is down and for most virtual
    /// interfaces, which answer −1 or an error.
    pub speed: Reading<u64>,
    /// Largest packet in bytes. Source: `mtu`.
    pub mtu: Reading<u64>,
}

/// What an interface is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A device that is plugged in, or one of a hypervisor.
    Physical,
    /// A radio.
    Wireless,
    /// The machine talks to itself.
    Loopback,
    /// Joins others like a switch.
    Bridge,
    /// Several taken as one.
    Bond,
    /// A tunnel to a program.
    Tun,
    /// Anything else that the kernel makes: veth, vlan, dummy, ifb …
    #[default]
    Virtual,
}

impl InterfaceKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Wireless => "wireless",
            Self::Loopback => "loopback",
            Self::Bridge => "bridge",
            Self::Bond => "bond",
            Self::Tun => "tun",
            Self::Virtual => "virtual",
        }
    }

    /// Whether packets leave the machine here, so that sums over these count nothing twice.
    #[must_use]
    pub const fn leaves_the_machine(self) -> bool {
        matches!(self, Self::Physical | Self::Wireless)
    }
}

/// `ARPHRD_LOOPBACK` of `include/uapi/linux/if_arp.h`.
const TYPE_LOOPBACK: u64 = 772;

fn kind_of(dir: &Path, buffer: &mut Vec<u8>) -> InterfaceKind {
    let has = |name: &str| file::exists(&dir.join(name));
    if file::read_number(&dir.join("type"), buffer) == Reading::Known(TYPE_LOOPBACK) {
        InterfaceKind::Loopback
    } else if has("bridge") {
        InterfaceKind::Bridge
    } else if has("bonding") {
        InterfaceKind::Bond
    } else if has("tun_flags") {
        InterfaceKind::Tun
    } else if has("phy80211") || has("wireless") {
        InterfaceKind::Wireless
    } else if has("device") {
        InterfaceKind::Physical
    } else {
        InterfaceKind::Virtual
    }
}

/// Megabits to bits. Drivers say −1 for unknown, some old ones the same as an unsigned 16 or 32 bit number, others 0.
fn speed(text: &[u8]) -> Reading<u64> {
    match number(text.trim_ascii()) {
        Some(megabits) if megabits > 0 && megabits != 65_535 && megabits < u64::from(u32::MAX) => {
            Reading::Known(megabits.saturating_mul(1_000_000))
        }
        _ => Reading::Absent,
    }
}

fn read_one(root: &Root, name: &str, buffer: &mut Vec<u8>) -> NetInterface {
    let dir = root.sys("class/net").join(name);
    let mut line = |attribute: &str| match file::read_line(&dir.join(attribute), buffer) {
        Reading::Known(text) => text,
        _ => Box::default(),
    };
    let (state, address) = (line("operstate"), line("address"));
    let speed = match file::read_into(&dir.join("speed"), buffer) {
        Ok(()) => speed(buffer),
        Err(error) => file::reason(error),
    };
    let mtu = file::read_number(&dir.join("mtu"), buffer);
    NetInterface { name: name.into(), state, kind: kind_of(&dir, buffer), address, speed, mtu }
}

/// Lists interfaces by name. Empty without sysfs. Privilege: none. Several small files an interface, and reading
/// `speed` takes the kernel's network lock: not for every tick.
#[must_use]
pub fn list(root: &Root, buffer: &mut Vec<u8>) -> Vec<NetInterface> {
    file::names(&root.sys("class/net"))
        .iter()
        .filter(|name| file::exists(&root.sys("class/net").join(&***name).join("ifindex")))
        .map(|name| read_one(root, name, buffer))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_that_is_unknown_is_absent() {
        for text in ["-1\n", "65535\n", "4294967295\n", "0\n", ""] {
            assert_eq!(speed(text.as_bytes()), Reading::Absent, "{text}");
        }
        assert_eq!(speed(b"10000\n"), Reading::Known(10_000_000_000));
    }
}
