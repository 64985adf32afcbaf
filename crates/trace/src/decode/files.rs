//! Arguments of calls on files that depend on each other.

use super::layout::Form;
use super::printer::{Printer, low, u16_at, u32_at, u64_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::files as names;
use crate::table::Special;

const O_CREAT: u64 = 0x40;
/// The bit that only `O_TMPFILE` has.
const O_TMPFILE: u64 = 0x40_0000;

/// Kind and rights of a file.
pub(crate) fn mode(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.mode(u32_at(bytes, 0).unwrap_or(0).into());
}

/// The same in two bytes.
pub(crate) fn mode16(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.mode(u16_at(bytes, 0).unwrap_or(0).into());
}

/// The number of a device.
pub(crate) fn device(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.device(u64_at(bytes, 0).unwrap_or(0));
}

/// The same in four bytes.
pub(crate) fn device32(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.device(u32_at(bytes, 0).unwrap_or(0).into());
}

/// A directory that a path starts at, or none.
pub(crate) fn directory_or_none(printer: &mut Printer<'_>, bytes: &[u8]) {
    match u32_at(bytes, 0).unwrap_or(0) {
        u32::MAX => printer.put("FAN_NOFD"),
        directory => printer.directory(directory),
    }
}

/// How a file is opened.
pub(crate) fn open_flags(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.open_flags(u32_at(bytes, 0).unwrap_or(0).into());
}

/// How a file is opened, and its rights if it is made.
pub(crate) static OPEN: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = printer.argument(index);
        printer.open_flags(flags & 0xffff_ffff);
        if flags & (O_CREAT | O_TMPFILE) != 0 {
            printer.put(", ");
            printer.octal(printer.argument(index + 1) & 0xffff);
        }
    },
};

/// `struct open_how` and its size.
pub(crate) static OPEN_HOW: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(24)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let size = printer.argument(index + 1);
        match printer.input(address) {
            Some(bytes) if address != 0 && size >= 24 && bytes.len() >= 24 => {
                let flags = u64_at(bytes, 0).unwrap_or(0);
                printer.put("{flags=");
                printer.open_flags(flags);
                if flags & (O_CREAT | O_TMPFILE) != 0 || u64_at(bytes, 8).is_some_and(|mode| mode != 0) {
                    printer.put(", mode=");
                    printer.octal(u64_at(bytes, 8).unwrap_or(0));
                }
                printer.field("resolve", &Form::Flags64(&names::OPEN_RESOLVE_FLAGS), bytes, 16);
                printer.put("}");
            }
            _ => printer.address(address),
        }
        printer.put(", ");
        printer.unsigned(size);
    },
};

/// Kind and rights of a new node, and its device if it has one.
pub(crate) static NODE: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let mode = printer.argument(index) & 0xffff;
        printer.mode(mode);
        if matches!(mode & 0o170_000, 0o020_000 | 0o060_000) {
            printer.put(", ");
            printer.device(printer.argument32(index + 1).into());
        }
    },
};

/// Flags of `statx`: whether a server is asked, then the others.
pub(crate) static STATX_FLAGS: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = u64::from(printer.argument32(index));
        printer.flags(flags & 0x6000, &[&names::AT_STATX_SYNC_TYPES]);
        if flags & !0x6000 != 0 {
            printer.put("|");
            printer.flags_or(flags & !0x6000, &[&names::AT_FLAGS], "");
        }
    },
};

/// An offset that moves: before, and after if something was sent.
pub(crate) static MOVING_OFFSET: Special = Special {
    copies: &[(0, When::Enter, What::Bytes(Length::Fixed(8))), (0, When::Exit, What::Bytes(Length::Fixed(8)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        printer.boxed(address, printer.input(address), &Form::U64);
        if address != 0 && printer.success().is_some_and(|sent| sent > 0) {
            printer.put(" => ");
            printer.boxed(address, printer.output(address), &Form::U64);
        }
    },
};

/// The number of directory entries in what was read.
pub(crate) static ENTRIES: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Result(1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        printer.address(address);
        let Some(length) = printer.success() else { return };
        let (count, end) = entries(printer.output(address).unwrap_or(&[]));
        let more = if end < usize::try_from(length).unwrap_or(usize::MAX) { "+" } else { "" };
        printer.format(format_args!(" /* {count}{more} entries */"));
    },
};

/// How many whole entries there are, and where the last one ends. An entry is number, offset, length, and so on.
fn entries(bytes: &[u8]) -> (usize, usize) {
    let mut count = 0;
    let mut at = 0;
    while let Some(length @ 19..) = u16_at(bytes, at + 16) {
        count += 1;
        at += usize::from(length);
    }
    (count, at)
}

/// What `fcntl` is to do, with what.
pub(crate) static FCNTL: Special = Special {
    copies: &[(1, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        let command = printer.argument32(index);
        let value = printer.argument(index + 1);
        printer.one_of(command.into(), &[&names::FCNTLCMDS]);
        let Some(name) = names::FCNTLCMDS.find(command.into()) else {
            printer.put(", ");
            return printer.hex(value);
        };
        if matches!(
            name,
            "F_GETFD" | "F_GETFL" | "F_GETOWN" | "F_GETPIPE_SZ" | "F_GETLEASE" | "F_GET_SEALS" | "F_GETSIG"
        ) {
            return;
        }
        printer.put(", ");
        fcntl_value(printer, name, value);
    },
};

fn fcntl_value(printer: &mut Printer<'_>, name: &str, value: u64) {
    let value32 = u64::from(low(value));
    match name {
        "F_SETFD" => {
            printer.flags(value32, &[&names::FDFLAGS]);
        }
        "F_SETFL" => printer.open_flags(value32),
        "F_SETOWN" => printer.signed(low(value).cast_signed().into()),
        "F_DUPFD" | "F_DUPFD_CLOEXEC" | "F_SETPIPE_SZ" => printer.signed(value.cast_signed()),
        "F_SETLK" | "F_SETLKW" | "F_OFD_SETLK" | "F_OFD_SETLKW" => {
            printer.structure(value, printer.input(value), &structures::FLOCK);
        }
        "F_GETLK" | "F_OFD_GETLK" => printer.structure(value, printer.output(value), &structures::FLOCK_FOUND),
        "F_SETOWN_EX" => printer.structure(value, printer.input(value), &structures::OWNER),
        "F_GETOWN_EX" => printer.structure(value, printer.output(value), &structures::OWNER),
        "F_NOTIFY" => {
            printer.flags(value, &[&names::NOTIFYFLAGS]);
        }
        "F_SETLEASE" => printer.one_of(value, &[&names::LOCKFCMDS]),
        "F_ADD_SEALS" => {
            printer.flags(value, &[&names::F_SEALS]);
        }
        "F_SETSIG" => printer.signal(value),
        _ => printer.hex(value),
    }
}

/// What `fcntl` returned.
pub(crate) fn fcntl_result(printer: &mut Printer<'_>, result: u64) {
    match names::FCNTLCMDS.find(printer.argument32(1).into()).unwrap_or("") {
        "F_DUPFD" | "F_DUPFD_CLOEXEC" => printer.descriptor(low(result)),
        "F_GETFD" if result != 0 => {
            printer.hex(result);
            printer.put(" (flags ");
            printer.flags(result, &[&names::FDFLAGS]);
            printer.put(")");
        }
        "F_GETFL" => {
            printer.hex(result);
            printer.put(" (flags ");
            printer.open_flags(result);
            printer.put(")");
        }
        "F_GET_SEALS" if result != 0 => {
            printer.hex(result);
            printer.put(" (seals ");
            printer.flags(result, &[&names::F_SEALS]);
            printer.put(")");
        }
        "F_GETLEASE" => {
            printer.hex(result);
            if let Some(name) = names::LOCKFCMDS.find(result) {
                printer.format(format_args!(" ({name})"));
            }
        }
        "F_GETSIG" if result != 0 => {
            printer.signed(result.cast_signed());
            printer.put(" (");
            printer.signal(result);
            printer.put(")");
        }
        _ => printer.signed(result.cast_signed()),
    }
}

/// Kind of a file system, flags, options: which of them are texts depends on the flags.
pub(crate) static MOUNT: Special = Special {
    copies: &[(0, When::Exit, What::Text), (2, When::Exit, What::Text)],
    tell: |printer, index| {
        const REMOUNT: u64 = 0x20;
        const BIND_MOVE_OR_PROPAGATION: u64 = 0x1000 | 0x2000 | 0x10_0000 | 0x4_0000 | 0x8_0000 | 0x2_0000;
        const MAGIC: u64 = 0xc0ed_0000;
        let [kind, flags, data] = [0, 1, 2].map(|offset| printer.argument(index + offset));
        let magic = flags & 0xffff_0000 == MAGIC;
        let flags = if magic { flags & !0xffff_0000 } else { flags };
        let other = flags & BIND_MOVE_OR_PROPAGATION != 0 && flags & REMOUNT == 0;
        if other || flags & REMOUNT != 0 {
            printer.address(kind);
        } else {
            printer.text(kind);
        }
        printer.put(", ");
        if magic {
            printer.put(if flags == 0 { "MS_MGC_VAL" } else { "MS_MGC_VAL|" });
        }
        if flags != 0 || !magic {
            printer.flags(flags, &[&names::MOUNT_FLAGS]);
        }
        printer.put(", ");
        if other { printer.address(data) } else { printer.text(data) }
    },
};

/// A key, a value and a number of `fsconfig`.
pub(crate) static FSCONFIG: Special = Special {
    copies: &[(1, When::Exit, What::Text), (2, When::Exit, What::Text)],
    tell: |printer, index| {
        let command = printer.argument32(index);
        let [key, value, other] = [1, 2, 3].map(|offset| printer.argument(index + offset));
        printer.one_of(command.into(), &[&names::FSCONFIG_CMDS]);
        printer.put(", ");
        if command <= 5 {
            printer.text(key);
        } else {
            printer.address(key);
        }
        printer.put(", ");
        match command {
            1 => printer.text(value),
            3 | 4 => printer.path(value),
            _ => printer.address(value),
        }
        printer.put(", ");
        match command {
            3 | 4 => printer.directory(low(other)),
            5 => printer.descriptor(low(other)),
            _ => printer.signed(low(other).cast_signed().into()),
        }
    },
};

/// Flags of a memory file, with the size of its pages in the highest bits.
pub(crate) static MEMORY_FILE: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = u64::from(printer.argument32(index));
        let (small, huge) = (flags & 0x3ff_ffff, flags >> 26);
        if flags == 0 {
            printer.put("0");
        } else if small != 0 || huge == 0 {
            printer.flags(small, &[&names::MEMFD_CREATE_FLAGS]);
        }
        if huge != 0 {
            printer.put(if small == 0 { "" } else { "|" });
            printer.format(format_args!("{huge}<<MFD_HUGE_SHIFT"));
        }
    },
};

/// The class of a fanotify listener, then flags.
pub(crate) static FANOTIFY: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = u64::from(printer.argument32(index));
        printer.one_of(flags & 0xc, &[&names::FAN_CLASSES]);
        if flags & !0xc != 0 {
            printer.put("|");
            printer.flags(flags & !0xc, &[&names::FAN_INIT_FLAGS]);
        }
    },
};

/// Flags of swap, then its priority.
pub(crate) static SWAP: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = u64::from(printer.argument32(index));
        if flags & !0x7fff != 0 {
            printer.flags(flags & !0x7fff, &[&names::SWAP_FLAGS]);
            printer.put("|");
        }
        printer.unsigned(flags & 0x7fff);
    },
};

/// Content without the zero byte at its end.
pub(crate) static ATTRIBUTE: Special = Special {
    copies: &[(0, When::Exit, What::Content(Length::Argument(3, 1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let size = printer.argument(index + 1);
        attribute(printer, address, size, printer.input(address));
    },
};

/// The same as it was read.
pub(crate) static ATTRIBUTE_READ: Special = Special {
    copies: &[(0, When::Exit, What::Content(Length::Result(1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        match printer.success() {
            Some(length) => attribute(printer, address, length, printer.output(address)),
            None => printer.address(address),
        }
    },
};

/// Names of attributes as they were read; without room for them, only their length was asked for.
pub(crate) static ATTRIBUTE_NAMES: Special = Special {
    copies: &[(0, When::Exit, What::Content(Length::Result(1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        match printer.success() {
            Some(length) if printer.argument(index + 1) != 0 => {
                printer.content(address, length, printer.output(address));
            }
            _ => printer.address(address),
        }
    },
};

fn attribute(printer: &mut Printer<'_>, address: u64, length: u64, known: Option<&[u8]>) {
    // Source: include/uapi/linux/limits.h, `XATTR_SIZE_MAX`.
    if length > 65_536 {
        return printer.address(address);
    }
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    let zero = size <= printer.options.limit && known.is_some_and(|bytes| bytes.get(size.wrapping_sub(1)) == Some(&0));
    printer.content(address, if zero { length - 1 } else { length }, known);
}

/// A handle of a file: its size as it was and as it became, its kind, its bytes.
pub(crate) static HANDLE_READ: Special = Special {
    copies: &[(0, When::Enter, What::Bytes(Length::Fixed(8))), (0, When::Exit, What::Bytes(Length::Fixed(136)))],
    tell: |printer, index| {
        const EOVERFLOW: u64 = 75;
        let address = printer.argument(index);
        let Some(before) = printer.input(address).filter(|_| address != 0).and_then(|bytes| u32_at(bytes, 0)) else {
            return printer.address(address);
        };
        printer.format(format_args!("{{handle_bytes={before}"));
        let known = printer.call.memory.at(When::Exit, address);
        let told = printer.success().is_some() || printer.error() == Some(EOVERFLOW);
        if let Some(bytes) = known.filter(|bytes| told && bytes.len() >= 8) {
            let after = u32_at(bytes, 0).unwrap_or(0);
            if after != before {
                printer.format(format_args!(" => {after}"));
            }
            if printer.success().is_some() {
                handle(printer, bytes, after);
            }
        }
        printer.put("}");
    },
};

/// A handle that the call reads.
pub(crate) static HANDLE: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(136)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let Some(bytes) = printer.input(address).filter(|bytes| address != 0 && bytes.len() >= 8) else {
            return printer.address(address);
        };
        let size = u32_at(bytes, 0).unwrap_or(0);
        printer.format(format_args!("{{handle_bytes={size}"));
        handle(printer, bytes, size);
        printer.put("}");
    },
};

fn handle(printer: &mut Printer<'_>, bytes: &[u8], size: u32) {
    printer.field("handle_type", &Form::D32, bytes, 4);
    printer.put(", f_handle=");
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    match bytes.get(8..size.min(128) + 8) {
        Some(shown) => {
            printer.quoted_hex(shown);
            printer.put(if size > shown.len() { "..." } else { "" });
        }
        None => printer.put("???"),
    }
}

/// What is compared between two processes.
pub(crate) static COMPARE: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let kind = printer.argument32(index);
        let [first, second] = [1, 2].map(|offset| printer.argument(index + offset));
        printer.one_of(kind.into(), &[&names::KCMP_TYPES]);
        match names::KCMP_TYPES.find(kind.into()) {
            Some("KCMP_FILE") => printer.format(format_args!(", {}, {}", low(first), low(second))),
            Some("KCMP_FILES" | "KCMP_FS" | "KCMP_IO" | "KCMP_SIGHAND" | "KCMP_SYSVSEM" | "KCMP_VM") => {}
            _ => {
                for value in [first, second] {
                    printer.put(", ");
                    printer.hex(value);
                }
            }
        }
    },
};
