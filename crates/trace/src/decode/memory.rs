//! Arguments of calls on memory and System V IPC that depend on each other.

use super::layout::Form;
use super::printer::{Printer, u32_at, u64_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{Names, memory as names};
use crate::table::Special;

/// Set by older C libraries; it says nothing on 64 bits.
const IPC_64: u32 = 0x100;

/// How pages are mapped: a kind, flags, the size of huge pages in the highest bits.
pub(crate) fn map_flags(printer: &mut Printer<'_>, bytes: &[u8]) {
    let flags = u64_at(bytes, 0).unwrap_or(0);
    let huge = flags >> 26 & 0x3f;
    let rest = flags & !0xf & !(0x3f << 26);
    printer.one_of(flags & 0xf, &[&names::MMAP_FLAGS]);
    if rest != 0 {
        printer.put("|");
        printer.flags(rest, &[&names::MMAP_FLAGS]);
    }
    if huge != 0 {
        printer.format(format_args!("|{huge}<<MAP_HUGE_SHIFT"));
    }
}

/// Flags of `mremap`, and the new address if it is fixed.
pub(crate) static REMAP: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = printer.argument(index);
        printer.flags(flags, &[&names::MREMAP_FLAGS]);
        if flags & 3 == 3 {
            printer.put(", ");
            printer.address(printer.argument(index + 1));
        }
    },
};

/// Which of the pages are in memory: one byte for each.
pub(crate) static RESIDENT: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(64)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let pages = printer.argument(1).div_ceil(4096);
        printer.elements(address, pages, &Form::U8, printer.output(address));
    },
};

/// How memory is spread: a mode and flags.
pub(crate) fn policy(printer: &mut Printer<'_>, bytes: &[u8]) {
    const FLAGS: u64 = 0xe000;
    let mode = u64_at(bytes, 0).unwrap_or(0);
    match names::MPOL_MODES.find(mode & !FLAGS) {
        Some(name) if mode & FLAGS != 0 => {
            printer.put(name);
            printer.put("|");
            printer.flags(mode & FLAGS, &[&names::MPOL_MODE_FLAGS]);
        }
        None if mode & FLAGS != 0 => {
            printer.flags(mode, &[&names::MPOL_MODE_FLAGS]);
        }
        _ => printer.one_of(mode, &[&names::MPOL_MODES]),
    }
}

/// Nodes of memory, a bit each: as many as the argument behind says. `get_mempolicy`, `set_mempolicy`, `mbind`.
pub(crate) static NODES_READ: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Argument(2, 8)))],
    tell: |printer, index| {
        let known = printer.output(printer.argument(index));
        nodes(printer, index, known);
    },
};
/// The same that the call reads.
pub(crate) static NODES: Special =
    Special { copies: &[(0, When::Exit, What::Bytes(Length::Argument(2, 8)))], tell: nodes_in };
/// The same further on.
pub(crate) static NODES_OF_RANGE: Special =
    Special { copies: &[(0, When::Exit, What::Bytes(Length::Argument(4, 8)))], tell: nodes_in };

fn nodes_in(printer: &mut Printer<'_>, index: usize) {
    let known = printer.input(printer.argument(index));
    nodes(printer, index, known);
}

fn nodes(printer: &mut Printer<'_>, index: usize, known: Option<&[u8]>) {
    let [address, most] = [0, 1].map(|offset| printer.argument(index + offset));
    let words = most.saturating_add(62) / 64;
    if words == 0 && most != 0 {
        return printer.address(address);
    }
    let word = Form::By(|printer, bytes| printer.padded(u64_at(bytes, 0).unwrap_or(0), 16));
    printer.elements(address, words, &word, known);
}

/// A barrier, its flags, and a processor if it is for one.
pub(crate) static BARRIER: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let flags = printer.argument32(index);
        printer.flags(flags.into(), &[&names::MEMBARRIER_FLAGS]);
        if flags & 1 != 0 {
            printer.format(format_args!(", {}", printer.argument32(index + 1).cast_signed()));
        }
    },
};

/// What `membarrier` returned when it was asked what there is.
pub(crate) fn barriers(printer: &mut Printer<'_>, result: u64) {
    if printer.argument32(0) != 0 || result == 0 {
        return printer.unsigned(result);
    }
    printer.hex(result);
    printer.put(" (");
    printer.flags(result, &[&names::MEMBARRIER_CMDS]);
    printer.put(")");
}

/// A key of System V IPC.
pub(crate) fn key(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.one_of(u32_at(bytes, 0).unwrap_or(0).into(), &[&names::IPC_PRIVATE]);
}

/// Flags and rights of a queue or semaphores.
pub(crate) fn queue_flags(printer: &mut Printer<'_>, bytes: &[u8]) {
    let flags = u64::from(u32_at(bytes, 0).unwrap_or(0));
    if printer.flags(flags & !0o777, &[&names::RESOURCE_FLAGS]) {
        printer.put("|");
    }
    printer.octal(flags & 0o777);
}

/// Flags and rights of shared memory, with the size of its pages in the highest bits.
pub(crate) fn segment_flags(printer: &mut Printer<'_>, bytes: &[u8]) {
    let value = u64::from(u32_at(bytes, 0).unwrap_or(0));
    let (flags, huge) = (value & !0o777 & 0x3ff_ffff, value >> 26);
    let mut told = printer.flags(flags, &[&names::SHM_RESOURCE_FLAGS]);
    if huge != 0 {
        printer.put(if told { "|" } else { "" });
        printer.format(format_args!("{huge}<<SHM_HUGE_SHIFT"));
        told = true;
    }
    printer.put(if told { "|" } else { "" });
    printer.octal(value & 0o777);
}

/// What `semctl` is to do.
pub(crate) fn semaphore_command(printer: &mut Printer<'_>, bytes: &[u8]) {
    command(printer, u32_at(bytes, 0).unwrap_or(0), &names::SEMCTL_FLAGS);
}

/// What `msgctl` is to do.
pub(crate) fn queue_command(printer: &mut Printer<'_>, bytes: &[u8]) {
    command(printer, u32_at(bytes, 0).unwrap_or(0), &names::MSGCTL_FLAGS);
}

fn command(printer: &mut Printer<'_>, command: u32, list: &Names) {
    if command & IPC_64 != 0 {
        printer.put("IPC_64|");
    }
    printer.one_of((command & !IPC_64).into(), &[list]);
}

/// What `shmctl` is to do, and the state of the segment.
pub(crate) static SEGMENT: Special = Special {
    copies: &[(1, When::Exit, What::Bytes(Length::Fixed(96)))],
    tell: |printer, index| {
        let told = printer.argument32(index);
        let address = printer.argument(index + 1);
        command(printer, told, &names::SHMCTL_FLAGS);
        printer.put(", ");
        match names::SHMCTL_FLAGS.find((told & !IPC_64).into()) {
            Some("IPC_STAT" | "SHM_STAT" | "SHM_STAT_ANY") => {
                printer.structure(address, printer.output(address), &structures::SHMID);
            }
            _ => printer.address(address),
        }
    },
};

/// A message of System V: its type and content.
pub(crate) static QUEUED: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Argument(2, 1)))],
    tell: |printer, index| {
        let length = printer.argument(2);
        queued(printer, index, length, printer.input(printer.argument(index)));
    },
};

/// The same as it was received.
pub(crate) static RECEIVED: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Argument(2, 1)))],
    tell: |printer, index| {
        let known = printer.output(printer.argument(index));
        queued(printer, index, printer.success().unwrap_or(0), known);
    },
};

fn queued(printer: &mut Printer<'_>, index: usize, length: u64, known: Option<&[u8]>) {
    let address = printer.argument(index);
    match known.and_then(|bytes| Some((u64_at(bytes, 0)?, bytes.get(8..)?))) {
        Some((kind, content)) if address != 0 => {
            printer.format(format_args!("{{mtype={}, mtext=", kind.cast_signed()));
            printer.content(address, length, Some(content));
            printer.put("}");
        }
        _ => printer.address(address),
    }
}

/// How a POSIX queue is opened, its rights and size if it is made.
pub(crate) static QUEUE_OPENED: Special = Special {
    copies: &[(2, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        const O_CREAT: u64 = 0x40;
        let flags = printer.argument(index);
        printer.open_flags(flags & 0xffff_ffff);
        if flags & O_CREAT != 0 {
            printer.put(", ");
            printer.octal(printer.argument(index + 1) & 0xffff);
            printer.put(", ");
            let address = printer.argument(index + 2);
            printer.structure(address, printer.input(address), &structures::MQ_NEW);
        }
    },
};
