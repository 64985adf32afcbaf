//! `futex`: which arguments there are depends on what it is to do.

use super::printer::{Printer, low};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{Names, processes as names};
use crate::table::Special;

/// What `futex` is to do, and what that needs.
pub(crate) static FUTEX: Special = Special {
    copies: &[(2, When::Exit, What::Bytes(Length::Fixed(16)))],
    tell: |printer, index| {
        let operation = printer.argument32(index);
        let [value, timeout, other, third] = [1, 2, 3, 4].map(|offset| printer.argument(index + offset));
        printer.one_of(operation.into(), &[&names::FUTEXOPS]);
        match operation & 0x7f {
            // UNLOCK_PI, TRYLOCK_PI.
            7 | 8 => return,
            // LOCK_PI, LOCK_PI2.
            6 | 13 => {}
            _ => printer.format(format_args!(", {}", low(value))),
        }
        let time = |printer: &mut Printer<'_>| {
            printer.put(", ");
            printer.structure(timeout, printer.input(timeout), &structures::TIMESPEC);
        };
        let address = |printer: &mut Printer<'_>, address: u64| {
            printer.put(", ");
            printer.address(address);
        };
        match operation & 0x7f {
            // FD, WAKE.
            1 | 2 => {}
            // WAIT, LOCK_PI, LOCK_PI2.
            0 | 6 | 13 => time(printer),
            // REQUEUE.
            3 => {
                printer.format(format_args!(", {}", low(timeout)));
                address(printer, other);
            }
            // CMP_REQUEUE, CMP_REQUEUE_PI.
            4 | 12 => {
                printer.format(format_args!(", {}", low(timeout)));
                address(printer, other);
                printer.format(format_args!(", {}", low(third)));
            }
            // WAKE_OP.
            5 => {
                printer.format(format_args!(", {}", low(timeout)));
                address(printer, other);
                printer.put(", ");
                wake_operation(printer, low(third));
            }
            // WAIT_BITSET, WAKE_BITSET.
            bits @ (9 | 10) => {
                if bits == 9 {
                    time(printer);
                }
                printer.put(", ");
                printer.one_of(low(third).into(), &[&names::FUTEXBITSET]);
            }
            // WAIT_REQUEUE_PI.
            11 => {
                time(printer);
                address(printer, other);
            }
            _ => {
                address(printer, timeout);
                address(printer, other);
                printer.put(", ");
                printer.hex(third);
            }
        }
    },
};

fn wake_operation(printer: &mut Printer<'_>, value: u32) {
    if value >> 28 & 8 != 0 {
        printer.put("FUTEX_OP_OPARG_SHIFT<<28|");
    }
    let named = |printer: &mut Printer<'_>, value: u32, list: &Names, shift: u32, unknown: &str| {
        printer.one_of(value.into(), &[list]);
        printer.format(format_args!("<<{shift}"));
        if list.find(value.into()).is_none() {
            printer.comment(unknown);
        }
    };
    named(printer, value >> 28 & 7, &names::FUTEXWAKEOPS, 28, "FUTEX_OP_???");
    printer.put("|");
    printer.hex((value >> 12 & 0xfff).into());
    printer.put("<<12|");
    named(printer, value >> 24 & 0xf, &names::FUTEXWAKECMPS, 24, "FUTEX_OP_CMP_???");
    printer.put("|");
    printer.hex((value & 0xfff).into());
}
