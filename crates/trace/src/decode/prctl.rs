//! `prctl` and what is like it: a number says what is to be done with the others.

use super::layout::Form;
use super::printer::{Printer, low};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::processes as names;
use crate::table::Special;

/// What `prctl` is to do, with what. Those options stand here whose arguments are not plain numbers.
pub(crate) static PRCTL: Special = Special {
    copies: &[(1, When::Exit, What::Bytes(Length::Fixed(16)))],
    tell: |printer, index| {
        let option = u64::from(printer.argument32(index));
        let [second, third, fourth, fifth] = [1, 2, 3, 4].map(|offset| printer.argument(index + offset));
        printer.one_of(option, &[&names::PRCTL_OPTIONS]);
        let name = names::PRCTL_OPTIONS.find(option).unwrap_or("");
        let plain = |printer: &mut Printer<'_>, values: &[u64]| {
            for value in values {
                printer.put(", ");
                printer.hex(*value);
            }
        };
        if name.starts_with("PR_GET_") || name == "PR_CAPBSET_READ" {
            return prctl_get(printer, name, [second, third, fourth, fifth]);
        }
        if name.starts_with("PR_TASK_PERF_EVENTS_") {
            return;
        }
        printer.put(", ");
        match name {
            "PR_SET_NAME" => match printer.input(second) {
                Some(bytes) if second != 0 => printer.terminated(bytes, 15),
                _ => printer.address(second),
            },
            "PR_SET_CHILD_SUBREAPER" | "PR_SET_KEEPCAPS" | "PR_SET_TIMING" => printer.unsigned(second),
            "PR_SET_DUMPABLE" => printer.one_of(second, &[&names::PR_DUMPABLE]),
            "PR_CAPBSET_DROP" => printer.one_of(second, &[&names::CAP]),
            "PR_CAP_AMBIENT" => {
                printer.one_of(second, &[&names::PR_CAP_AMBIENT]);
                if (1..=3).contains(&second) {
                    printer.put(", ");
                    printer.one_of(third, &[&names::CAP]);
                    plain(printer, &[fourth, fifth]);
                } else {
                    plain(printer, &[third, fourth, fifth]);
                }
            }
            "PR_SET_VMA" => {
                printer.one_of(second, &[&names::PR_SET_VMA]);
                printer.put(", ");
                printer.address(third);
                printer.format(format_args!(", {fourth}, "));
                printer.address(fifth);
            }
            "PR_MCE_KILL" => {
                printer.one_of(second, &[&names::PR_MCE_KILL]);
                plain(printer, &[third, fourth, fifth]);
            }
            "PR_SET_MM" => {
                printer.one_of(second, &[&names::PR_SET_MM]);
                plain(printer, &[third, fourth, fifth]);
            }
            "PR_SET_PDEATHSIG" if second <= 128 => printer.signal(second),
            "PR_SET_PTRACER" if low(second) == u32::MAX => printer.put("PR_SET_PTRACER_ANY"),
            "PR_SET_PTRACER" | "PR_SET_TIMERSLACK" => printer.signed(second.cast_signed()),
            "PR_SET_SECCOMP" => {
                printer.one_of(second, &[&names::SECCOMP_MODE]);
                match second {
                    1 => {}
                    2 => {
                        printer.put(", ");
                        printer.structure(third, None, &structures::PROGRAM);
                    }
                    _ => plain(printer, &[third, fourth, fifth]),
                }
            }
            "PR_SET_SECUREBITS" => {
                printer.flags(second, &[&names::SECBITS]);
            }
            "PR_SET_TSC" => printer.one_of(second, &[&names::PR_TSC]),
            "PR_SET_NO_NEW_PRIVS" | "PR_SET_THP_DISABLE" | "PR_SET_IO_FLUSHER" => {
                printer.unsigned(second);
                plain(printer, &[third, fourth, fifth]);
            }
            "PR_SET_SPECULATION_CTRL" => {
                printer.one_of(second, &[&names::PR_SPEC_CMDS]);
                printer.put(", ");
                printer.one_of(third, &[&names::PR_SPEC_SET_STORE_BYPASS_FLAGS]);
            }
            _ => {
                printer.hex(second);
                plain(printer, &[third, fourth, fifth]);
            }
        }
    },
};

fn prctl_get(printer: &mut Printer<'_>, name: &str, rest: [u64; 4]) {
    let [address, ..] = rest;
    match name {
        "PR_GET_KEEPCAPS" | "PR_GET_SECCOMP" | "PR_GET_TIMERSLACK" | "PR_GET_TIMING" | "PR_GET_DUMPABLE"
        | "PR_GET_SECUREBITS" => return,
        _ => printer.put(", "),
    }
    match name {
        "PR_GET_NAME" => match printer.output(address) {
            Some(bytes) if address != 0 => printer.terminated(bytes, 16),
            _ => printer.address(address),
        },
        "PR_GET_CHILD_SUBREAPER" => printer.boxed(address, printer.output(address), &Form::U32),
        "PR_GET_PDEATHSIG" => printer.boxed(address, printer.output(address), &Form::Signal),
        "PR_GET_TID_ADDRESS" => printer.boxed(address, printer.output(address), &Form::X64),
        "PR_GET_TSC" => printer.boxed(address, printer.output(address), &Form::One32(&names::PR_TSC)),
        "PR_GET_SPECULATION_CTRL" => printer.one_of(address, &[&names::PR_SPEC_CMDS]),
        "PR_CAPBSET_READ" => printer.one_of(address, &[&names::CAP]),
        _ => {
            for (index, value) in rest.into_iter().enumerate() {
                printer.next(index);
                printer.hex(value);
            }
        }
    }
}

/// What `prctl` returned.
pub(crate) fn prctl_result(printer: &mut Printer<'_>, result: u64) {
    match names::PRCTL_OPTIONS.find(printer.argument32(0).into()) {
        Some("PR_GET_DUMPABLE") => {
            printer.unsigned(result);
            if let Some(name) = names::PR_DUMPABLE.find(result) {
                printer.format(format_args!(" ({name})"));
            }
        }
        Some("PR_GET_SECUREBITS") if result != 0 => {
            printer.hex(result);
            printer.put(" (");
            printer.flags(result, &[&names::SECBITS]);
            printer.put(")");
        }
        _ => printer.signed(result.cast_signed()),
    }
}

/// What `arch_prctl` is to do, with what.
pub(crate) static ARCH_PRCTL: Special = Special {
    copies: &[(1, When::Exit, What::Bytes(Length::Fixed(8)))],
    tell: |printer, index| {
        let option = u64::from(printer.argument32(index));
        let value = printer.argument(index + 1);
        printer.one_of(option, &[&names::ARCHVALS]);
        match names::ARCHVALS.find(option) {
            Some("ARCH_GET_CPUID") => {}
            Some("ARCH_GET_FS" | "ARCH_GET_GS") => {
                printer.put(", ");
                printer.boxed(value, printer.output(value), &Form::Address);
            }
            _ => {
                printer.put(", ");
                printer.hex(value);
            }
        }
    },
};

/// What `seccomp` is to do, flags, a filter.
pub(crate) static SECCOMP: Special = Special {
    copies: &[(2, When::Exit, What::Bytes(Length::Fixed(16)))],
    tell: |printer, index| {
        let operation = printer.argument32(index);
        let flags = u64::from(printer.argument32(index + 1));
        let address = printer.argument(index + 2);
        printer.one_of(operation.into(), &[&names::SECCOMP_OPS]);
        printer.put(", ");
        if operation == 1 {
            printer.flags(flags, &[&names::SECCOMP_FILTER_FLAGS]);
            printer.put(", ");
            printer.structure(address, printer.input(address), &structures::PROGRAM);
        } else {
            printer.hex(flags);
            printer.put(", ");
            printer.address(address);
        }
    },
};
