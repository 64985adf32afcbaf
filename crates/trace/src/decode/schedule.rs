//! Processors, policies, priorities.

use super::printer::{Printer, low, u32_at};
use crate::capture::{Length, What, When};
use crate::names::processes as names;
use crate::table::Special;

/// Processors as a set of bits: as many bytes as that argument says, or as the call returned.
pub(crate) static PROCESSORS: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Argument(1, 1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        processors(printer, address, printer.argument(1), printer.input(address));
    },
};

/// The same as the call wrote them.
pub(crate) static PROCESSORS_READ: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Result(1)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        match printer.success() {
            Some(length) => processors(printer, address, length, printer.output(address)),
            None => printer.address(address),
        }
    },
};

fn processors(printer: &mut Printer<'_>, address: u64, length: u64, known: Option<&[u8]>) {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match known {
        _ if address == 0 => printer.put("NULL"),
        _ if length == 0 => printer.put("[]"),
        Some(bytes) => {
            printer.put("[");
            for (index, bit) in bits(bytes.get(..length).unwrap_or(bytes)).enumerate() {
                printer.put(if index == 0 { "" } else { " " });
                printer.format(format_args!("{bit}"));
            }
            printer.put("]");
        }
        None => printer.address(address),
    }
}

/// The numbers of the bits that are set.
pub(crate) fn bits(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    bytes
        .iter()
        .enumerate()
        .flat_map(|(at, byte)| (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| at * 8 + bit))
}

/// Kind, class and number of an I/O priority.
pub(crate) fn io_priority(printer: &mut Printer<'_>, bytes: &[u8]) {
    let value = u32_at(bytes, 0).unwrap_or(0);
    printer.put("IOPRIO_PRIO_VALUE(");
    printer.one_of((value >> 13).into(), &[&names::IOPRIO_CLASS]);
    printer.format(format_args!(", {})", value & 0x1fff));
}

/// What `ioprio_get` returned.
pub(crate) fn io_priority_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    printer.put(" (");
    io_priority(printer, &low(result).to_ne_bytes());
    printer.put(")");
}

/// What `sched_getscheduler` returned.
pub(crate) fn scheduler_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    if let Some(name) = names::SCHEDULERS.find(result) {
        printer.format(format_args!(" ({name})"));
    }
}
