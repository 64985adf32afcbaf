//! Signals: sets, handlers, where they came from.

use super::layout::Form;
use super::printer::{Printer, low, u32_at, u64_at};
use super::schedule::bits;
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{self, signals as names_of};
use crate::table::Special;

/// Bytes of the kernel's set of signals.
const SET: u64 = 8;

impl Printer<'_> {
    /// Signals by name, or those that are missing where most are there.
    pub(crate) fn signal_set(&mut self, set: u64) {
        // strace counts in words of four bytes.
        const MANY: u32 = 2 * 32 * 2 / 3;
        let inverted = set.count_ones() >= MANY;
        self.put(if inverted { "~[" } else { "[" });
        let shown = if inverted { !set } else { set };
        for (index, bit) in bits(&shown.to_le_bytes()).enumerate() {
            self.put(if index == 0 { "" } else { " " });
            let number = u64::try_from(bit).unwrap_or(0) + 1;
            match names::signal(number) {
                Some(name) => self.put(name.get(3..).unwrap_or(name)),
                None => self.format(format_args!("RT_{}", number - names::SIGRTMIN)),
            }
        }
        self.put("]");
    }

    /// A set in the thread's memory, of the size that is said.
    pub(crate) fn signal_set_at(&mut self, address: u64, size: u64, known: Option<&[u8]>) {
        match known.and_then(|bytes| u64_at(bytes, 0)) {
            Some(set) if address != 0 && size == SET => self.signal_set(set),
            _ => self.address(address),
        }
    }
}

/// `struct sigaction` as the kernel has it.
pub(crate) static ACTION: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        action(printer, address, printer.input(address));
    },
};

/// The same as the call wrote it.
pub(crate) static OLD_ACTION: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        action(printer, address, printer.output(address));
    },
};

fn action(printer: &mut Printer<'_>, address: u64, known: Option<&[u8]>) {
    const SA_RESTORER: u64 = 0x0400_0000;
    let Some(bytes) = known.filter(|bytes| address != 0 && bytes.len() >= 32) else {
        return printer.address(address);
    };
    let word = |at| u64_at(bytes, at).unwrap_or(0);
    printer.put("{sa_handler=");
    match names_of::SA_HANDLER_VALUES.find(word(0)) {
        Some(name) => printer.put(name),
        None => printer.address(word(0)),
    }
    printer.put(", sa_mask=");
    printer.signal_set(word(24));
    printer.put(", sa_flags=");
    printer.flags(word(8), &[&names_of::SIGACT_FLAGS]);
    if word(8) & SA_RESTORER != 0 {
        printer.put(", sa_restorer=");
        printer.address(word(16));
    }
    printer.put("}");
}

/// `siginfo_t` that the call reads.
pub(crate) static INFO: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(48)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        info_at(printer, address, printer.input(address));
    },
};

/// The same as the call wrote it.
pub(crate) static INFO_READ: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(48)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        info_at(printer, address, printer.output(address));
    },
};

fn info_at(printer: &mut Printer<'_>, address: u64, known: Option<&[u8]>) {
    match known.filter(|bytes| address != 0 && bytes.len() >= 48) {
        Some(bytes) => info(printer, bytes),
        None => printer.address(address),
    }
}

/// Where a signal came from: what is in `siginfo_t`.
pub(crate) fn info(printer: &mut Printer<'_>, bytes: &[u8]) {
    let signal = u64::from(u32_at(bytes, 0).unwrap_or(0));
    let code = u32_at(bytes, 8).unwrap_or(0);
    if signal == 0 {
        return printer.put("{}");
    }
    printer.put("{si_signo=");
    printer.signal(signal);
    printer.put(", si_code=");
    let name = names::signal(signal).unwrap_or("");
    let own = match name {
        "SIGCHLD" => &names_of::SIGCHLD_CODES,
        "SIGSEGV" => &names_of::SIGSEGV_CODES,
        "SIGBUS" => &names_of::SIGBUS_CODES,
        "SIGFPE" => &names_of::SIGFPE_CODES,
        "SIGILL" => &names_of::SIGILL_CODES,
        "SIGTRAP" => &names_of::SIGTRAP_CODES,
        "SIGIO" => &names_of::SIGPOLL_CODES,
        "SIGSYS" => &names_of::SIGSYS_CODES,
        _ => &names_of::SIGINFO_CODES,
    };
    printer.one_of(code.into(), &[&names_of::SIGINFO_CODES, own]);
    if let Some(error) = u32_at(bytes, 4).filter(|error| *error != 0) {
        printer.format(format_args!(", si_errno={error}"));
    }
    // Codes of users are not above zero.
    if code.cast_signed() <= 0 {
        info_of_user(printer, bytes, code);
    } else {
        info_of_kernel(printer, bytes, name, code);
    }
    printer.put("}");
}

fn info_of_user(printer: &mut Printer<'_>, bytes: &[u8], code: u32) {
    const SI_TIMER: i32 = -2;
    const SI_SIGIO: i32 = -5;
    match code.cast_signed() {
        SI_TIMER => {
            printer.field("si_timerid", &Form::X32, bytes, 16);
            printer.field("si_overrun", &Form::D32, bytes, 20);
            value(printer, bytes);
        }
        SI_SIGIO => {
            printer.field("si_band", &Form::D64, bytes, 16);
            printer.field("si_fd", &Form::Descriptor, bytes, 24);
        }
        other => {
            source(printer, bytes);
            // SI_USER and SI_TKILL carry no value.
            if !matches!(other, 0 | -6) && u64_at(bytes, 24).is_some_and(|value| value != 0) {
                value(printer, bytes);
            }
        }
    }
}

fn info_of_kernel(printer: &mut Printer<'_>, bytes: &[u8], signal: &str, code: u32) {
    match signal {
        "SIGCHLD" => {
            source(printer, bytes);
            let form = if code == 1 { Form::D32 } else { Form::Signal };
            printer.field("si_status", &form, bytes, 24);
            printer.field("si_utime", &Form::Ticks, bytes, 32);
            printer.field("si_stime", &Form::Ticks, bytes, 40);
        }
        "SIGSEGV" | "SIGBUS" | "SIGTRAP" | "SIGILL" | "SIGFPE" => {
            printer.field("si_addr", &Form::Address, bytes, 16);
        }
        "SIGIO" => {
            printer.field("si_band", &Form::D64, bytes, 16);
            printer.field("si_fd", &Form::Descriptor, bytes, 24);
        }
        "SIGSYS" => {
            printer.field("si_call_addr", &Form::Address, bytes, 16);
            printer.field("si_syscall", &Form::U32, bytes, 24);
        }
        _ => {
            if u64_at(bytes, 16).is_some_and(|source| source != 0) {
                source(printer, bytes);
            }
            if u64_at(bytes, 24).is_some_and(|value| value != 0) {
                value(printer, bytes);
            }
        }
    }
}

fn source(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.field("si_pid", &Form::D32, bytes, 16);
    printer.field("si_uid", &Form::Id, bytes, 20);
}

fn value(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.field("si_int", &Form::D32, bytes, 24);
    printer.field("si_ptr", &Form::Address, bytes, 24);
}

/// What `rt_sigtimedwait` returned.
pub(crate) fn signal_result(printer: &mut Printer<'_>, result: u64) {
    printer.unsigned(result);
    if result != 0 && (names::signal(result).is_some() || (names::SIGRTMIN..=names::SIGRTMAX).contains(&result)) {
        printer.put(" (");
        printer.signal(low(result).into());
        printer.put(")");
    }
}

/// A set and its size, as `pselect6` takes them: the set itself is not copied.
pub(crate) static BOXED_SET: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(16)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        printer.structure(address, printer.input(address), &structures::SIGNAL_SET);
    },
};
