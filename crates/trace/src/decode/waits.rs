//! Calls that wait for descriptors: `poll`, `select`, and their results.

use super::layout::{Form, Layout};
use super::printer::{Printer, low, u16_at, u32_at};
use super::schedule::bits;
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::files as names;
use crate::table::Special;

/// `struct pollfd`.
const POLLED: usize = 8;

/// One descriptor and what is waited for.
pub(crate) fn polled(printer: &mut Printer<'_>, bytes: &[u8]) {
    let descriptor = u32_at(bytes, 0).unwrap_or(0);
    printer.put("{fd=");
    printer.descriptor(descriptor);
    if descriptor.cast_signed() >= 0 {
        printer.put(", events=");
        printer.flags(u16_at(bytes, 4).unwrap_or(0).into(), &[&names::POLLFLAGS]);
    }
    printer.put("}");
}

/// What `poll` returned.
pub(crate) fn poll_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    ready(printer, result, None);
}

/// What `ppoll` returned: with the time that is left.
pub(crate) fn ppoll_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    ready(printer, result, Some(2));
}

fn ready(printer: &mut Printer<'_>, result: u64, timeout: Option<usize>) {
    if result == 0 {
        return printer.put(" (Timeout)");
    }
    let address = printer.argument(0);
    let count = usize::try_from(printer.argument32(1)).unwrap_or(usize::MAX);
    let known = printer.output(address).filter(|_| address != 0).unwrap_or(&[]);
    let mut told = 0;
    for bytes in known.chunks_exact(POLLED).take(count) {
        let events = u16_at(bytes, 6).unwrap_or(0);
        if events == 0 {
            continue;
        }
        printer.put(if told == 0 { " ([" } else { ", " });
        if told >= printer.options.limit {
            printer.put("...");
            break;
        }
        told += 1;
        printer.format(format_args!("{{fd={}, revents=", u32_at(bytes, 0).unwrap_or(0).cast_signed()));
        printer.flags(events.into(), &[&names::POLLFLAGS]);
        printer.put("}");
    }
    if told > 0 {
        printer.put("]");
    }
    left(printer, timeout, if told == 0 { " (" } else { ", " }, &structures::TIMESPEC);
    if told > 0 || timeout.is_some_and(|index| printer.argument(index) != 0) {
        printer.put(")");
    }
}

fn left(printer: &mut Printer<'_>, timeout: Option<usize>, before: &str, layout: &Layout) {
    let Some(address) = timeout.map(|index| printer.argument(index)).filter(|address| *address != 0) else { return };
    printer.put(before);
    printer.put("left ");
    printer.structure(address, printer.output(address), layout);
}

/// A set of descriptors of which as many bits count as the first argument says.
pub(crate) static DESCRIPTORS: Special = Special {
    copies: &[(0, When::Enter, What::Bytes(Length::Fixed(128))), (0, When::Exit, What::Bytes(Length::Fixed(128)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let count = highest(printer);
        match printer.input(address) {
            Some(bytes) if address != 0 && count > 0 => {
                printer.put("[");
                for (number, bit) in bits(bytes).take_while(|bit| *bit < count).enumerate() {
                    printer.put(if number == 0 { "" } else { " " });
                    printer.descriptor(u32::try_from(bit).unwrap_or(0));
                }
                printer.put("]");
            }
            _ => printer.address(address),
        }
    },
};

fn highest(printer: &Printer<'_>) -> usize {
    usize::try_from(low(printer.argument(0)).cast_signed()).unwrap_or(0)
}

/// What `select` returned.
pub(crate) fn select_result(printer: &mut Printer<'_>, result: u64) {
    select(printer, result, &structures::TIMEVAL);
}

/// What `pselect6` returned.
pub(crate) fn pselect_result(printer: &mut Printer<'_>, result: u64) {
    select(printer, result, &structures::TIMESPEC);
}

fn select(printer: &mut Printer<'_>, result: u64, layout: &Layout) {
    printer.unsigned(result);
    if result == 0 {
        return printer.put(" (Timeout)");
    }
    let count = highest(printer);
    let mut rest = result;
    let mut before = " (";
    for (index, name) in [(1, "in"), (2, "out"), (3, "except")] {
        let address = printer.argument(index);
        let Some(bytes) = printer.output(address).filter(|_| address != 0 && rest > 0) else { continue };
        let mut told = 0;
        for bit in bits(bytes).take_while(|bit| *bit < count) {
            if told == 0 {
                printer.format(format_args!("{before}{name} ["));
                before = ", ";
            } else {
                printer.put(" ");
            }
            told += 1;
            printer.format(format_args!("{bit}"));
            rest = rest.saturating_sub(1);
            if rest == 0 {
                break;
            }
        }
        if told > 0 {
            printer.put("]");
        }
    }
    let timed = printer.argument(4) != 0;
    left(printer, Some(4), before, layout);
    if timed || before != " (" {
        printer.put(")");
    }
}

/// What is waited for at a descriptor; nothing is read when it is removed.
pub(crate) static WATCHED: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(12)))],
    tell: |printer, index| {
        const EPOLL_CTL_DEL: u32 = 2;
        let address = printer.argument(index);
        let known = printer.input(address).filter(|_| printer.argument32(1) != EPOLL_CTL_DEL);
        printer.structure(address, known, &structures::EPOLL_EVENT);
    },
};

/// The elements that `poll` takes.
pub(crate) const POLL_ELEMENT: Form = Form::By(polled);

/// What `recvmmsg` returned: with the time that is left.
pub(crate) fn messages_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    if result == 0 {
        return printer.put(" (Timeout)");
    }
    if printer.argument(4) != 0 {
        left(printer, Some(4), " (", &structures::TIMESPEC);
        printer.put(")");
    }
}
