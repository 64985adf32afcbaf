//! `ioctl`: the request by name, its argument where it is a common one.

use super::layout::Form;
use super::printer::{Printer, low, u16_at, u32_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{Names, files, network as network_names, requests, terminals as names};
use crate::table::Special;

/// Request and argument.
pub(crate) static IOCTL: Special = Special {
    copies: &[(1, When::Exit, What::Bytes(Length::Fixed(64)))],
    tell: |printer, index| {
        let code = printer.argument32(index);
        let value = printer.argument(index + 1);
        let name = name(code);
        match name {
            Some(name) => printer.put(name),
            None => unknown(printer, code),
        }
        // Names that share a number are told together; the last one is the common one.
        argument(printer, name.and_then(|name| name.rsplit(" or ").next()).unwrap_or(""), value);
    },
};

fn name(code: u32) -> Option<&'static str> {
    let found = requests::REQUESTS.binary_search_by_key(&code, |(known, _)| *known).ok()?;
    requests::REQUESTS.get(found).map(|(_, name)| *name)
}

/// A request that has no name: direction, kind, number, size. Source: include/uapi/asm-generic/ioctl.h.
fn unknown(printer: &mut Printer<'_>, code: u32) {
    let direction = match code >> 30 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    };
    printer.format(format_args!("_IOC({direction}"));
    for part in [code >> 8 & 0xff, code & 0xff, code >> 16 & 0x3fff] {
        printer.put(", ");
        printer.hex(part.into());
    }
    printer.put(")");
}

fn argument(printer: &mut Printer<'_>, name: &str, value: u64) {
    let input = printer.input(value);
    let output = printer.output(value);
    match name {
        // No argument.
        "TIOCSBRK" | "TIOCCBRK" | "TIOCCONS" | "TIOCNOTTY" | "TIOCEXCL" | "TIOCNXCL" | "FIOCLEX" | "FIONCLEX"
        | "TIOCVHANGUP" | "TIOCSSERIAL" => return,
        _ => printer.put(", "),
    }
    match name {
        "TCGETS" | "TIOCGLCKTRMIOS" | "TCGETS2" => terminal(printer, value, output),
        "TCSETS" | "TCSETSW" | "TCSETSF" | "TIOCSLCKTRMIOS" | "TCSETS2" | "TCSETSW2" | "TCSETSF2" => {
            terminal(printer, value, input);
        }
        "TIOCGWINSZ" => printer.structure(value, output, &structures::WINSIZE),
        "TIOCSWINSZ" => printer.structure(value, input, &structures::WINSIZE),
        "TCXONC" => printer.one_of(value, &[&names::TCXONC_OPTIONS]),
        "TCFLSH" => printer.one_of(value, &[&names::TCFLSH_OPTIONS]),
        "TCSBRK" | "TCSBRKP" | "TIOCSCTTY" => printer.signed(low(value).cast_signed().into()),
        "TIOCMGET" => printer.boxed(value, output, &Form::Flags32(&names::MODEM_FLAGS)),
        "TIOCMBIS" | "TIOCMBIC" | "TIOCMSET" => printer.boxed(value, input, &Form::Flags32(&names::MODEM_FLAGS)),
        "TIOCGPGRP" | "TIOCGSID" | "TIOCGETD" | "TIOCGSOFTCAR" | "TIOCGPTN" | "FIONREAD" | "TIOCOUTQ" | "TIOCGEXCL"
        | "TIOCGDEV" | "SIOCGPGRP" | "SIOCATMARK" | "FIOGETOWN" | "FIGETBSZ" | "BLKBSZGET" | "BLKSSZGET"
        | "BLKROGET" | "RNDGETENTCNT" => printer.boxed(value, output, &Form::D32),
        "TIOCSPGRP" | "TIOCSETD" | "FIONBIO" | "FIOASYNC" | "TIOCPKT" | "TIOCSSOFTCAR" | "TIOCSPTLCK" | "SIOCSPGRP"
        | "FIOSETOWN" => printer.boxed(value, input, &Form::D32),
        "BLKGETSIZE64" => printer.boxed(value, output, &Form::U64),
        "BLKGETSIZE" => printer.boxed(value, output, &Form::U64),
        "FICLONE" => printer.descriptor(low(value)),
        "FICLONERANGE" => printer.structure(value, input, &structures::CLONE_RANGE),
        "FS_IOC_GETFLAGS" => printer.boxed(value, output, &Form::Flags32(&files::FS_IOC_FLAGS)),
        "FS_IOC_SETFLAGS" => printer.boxed(value, input, &Form::Flags32(&files::FS_IOC_FLAGS)),
        _ if name.starts_with("SIOCGIF") && name != "SIOCGIFCONF" => interface(printer, name, value),
        _ => printer.hex(value),
    }
}

/// `struct termios`: four words of flags, the rest is left out.
fn terminal(printer: &mut Printer<'_>, address: u64, known: Option<&[u8]>) {
    let Some(bytes) = known.filter(|bytes| address != 0 && bytes.len() >= 36) else {
        return printer.address(address);
    };
    let word = |at| u64::from(u32_at(bytes, at).unwrap_or(0));
    printer.put("{c_iflag=");
    printer.flags(word(0), &[&names::TERM_IFLAGS]);
    printer.put(", c_oflag=");
    output_flags(printer, word(4));
    printer.put(", c_cflag=");
    control_flags(printer, word(8));
    printer.put(", c_lflag=");
    printer.flags(word(12), &[&names::TERM_LFLAGS]);
    printer.put(", ...}");
}

fn output_flags(printer: &mut Printer<'_>, mut value: u64) {
    let delays: [(&Names, u64); 6] = [
        (&names::TERM_OFLAGS_NLDLY, 0o400),
        (&names::TERM_OFLAGS_CRDLY, 0o3000),
        (&names::TERM_OFLAGS_TABDLY, 0o14_000),
        (&names::TERM_OFLAGS_BSDLY, 0o20_000),
        (&names::TERM_OFLAGS_VTDLY, 0o40_000),
        (&names::TERM_OFLAGS_FFDLY, 0o100_000),
    ];
    for (list, mask) in delays {
        printer.one_of(value & mask, &[list]);
        printer.put("|");
        value &= !mask;
    }
    printer.flags(value, &[&names::TERM_OFLAGS]);
}

fn control_flags(printer: &mut Printer<'_>, value: u64) {
    const SPEED: u64 = 0o10_017;
    const INPUT_SPEED: u64 = SPEED << 16;
    const SIZE: u64 = 0o60;
    printer.one_of(value & SPEED, &[&names::BAUD_OPTIONS]);
    printer.put("|");
    if value & INPUT_SPEED != 0 {
        printer.one_of((value & INPUT_SPEED) >> 16, &[&names::BAUD_OPTIONS]);
        printer.put("<<IBSHIFT|");
    }
    printer.one_of(value & SIZE, &[&names::TERM_CFLAGS_CSIZE]);
    printer.put("|");
    printer.flags(value & !(SPEED | INPUT_SPEED | SIZE), &[&names::TERM_CFLAGS]);
}

/// `struct ifreq`: a name, then what was asked for.
fn interface(printer: &mut Printer<'_>, request: &str, address: u64) {
    let Some(bytes) = printer.input(address).filter(|bytes| address != 0 && bytes.len() >= 40) else {
        return printer.address(address);
    };
    if request == "SIOCGIFNAME" {
        printer.put("{ifr_ifindex=");
        printer.form(&Form::D32, bytes.get(16..).unwrap_or(&[]));
    } else {
        printer.put("{ifr_name=");
        printer.form(&Form::Text(16), bytes);
    }
    if printer.success().is_some() {
        let (field, form) = match request {
            "SIOCGIFADDR" => ("ifr_addr", Form::By(socket_address)),
            "SIOCGIFDSTADDR" => ("ifr_dstaddr", Form::By(socket_address)),
            "SIOCGIFBRDADDR" => ("ifr_broadaddr", Form::By(socket_address)),
            "SIOCGIFNETMASK" => ("ifr_netmask", Form::By(socket_address)),
            "SIOCGIFHWADDR" => ("ifr_hwaddr", Form::By(hardware)),
            "SIOCGIFFLAGS" => ("ifr_flags", Form::Flags16(&network_names::IFFFLAGS)),
            "SIOCGIFINDEX" => ("ifr_ifindex", Form::D32),
            "SIOCGIFMETRIC" => ("ifr_metric", Form::D32),
            "SIOCGIFMTU" => ("ifr_mtu", Form::D32),
            "SIOCGIFTXQLEN" => ("ifr_qlen", Form::D32),
            "SIOCGIFNAME" => ("ifr_name", Form::By(name_before)),
            _ => ("ifr_data", Form::Address),
        };
        printer.field(field, &form, bytes, if request == "SIOCGIFNAME" { 0 } else { 16 });
    }
    printer.put("}");
}

fn name_before(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.form(&Form::Text(16), bytes);
}

fn socket_address(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.socket_address_bytes(bytes.get(..16).unwrap_or(bytes));
}

fn hardware(printer: &mut Printer<'_>, bytes: &[u8]) {
    const ETHERNET: u16 = 1;
    const LOOPBACK: u16 = 772;
    let kind = u16_at(bytes, 0).unwrap_or(0);
    printer.put("{sa_family=");
    printer.one_of(kind.into(), &[&network_names::ARP_HARDWARE_TYPES]);
    printer.put(", sa_data=");
    let length = if matches!(kind, ETHERNET | LOOPBACK) { 6 } else { 14 };
    for (index, byte) in bytes.get(2..2 + length).unwrap_or(&[]).iter().enumerate() {
        printer.put(if index == 0 { "" } else { ":" });
        printer.format(format_args!("{byte:02x}"));
    }
    printer.put("}");
}
