//! Arguments of calls on processes and threads that depend on each other.

use super::layout::Form;
use super::printer::{Printer, low, u32_at, u64_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::processes as names;
use crate::table::Special;

const CLONE_PIDFD: u64 = 0x1000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;

/// The whole of `clone`: its first two arguments are told the other way round.
pub(crate) static CLONE: Special = Special {
    copies: &[(2, When::Exit, What::Bytes(Length::Fixed(4)))],
    tell: |printer, _| {
        let [flags, stack, parent, child, tls] = printer.call.arguments.first_chunk().copied().unwrap_or_default();
        let (flags, signal) = (flags & !0xff, flags & 0xff);
        printer.put("child_stack=");
        printer.address(stack);
        printer.put(", flags=");
        if flags != 0 {
            printer.flags(flags, &[&names::CLONE_FLAGS]);
        }
        if signal != 0 || flags == 0 {
            printer.put(if flags == 0 { "" } else { "|" });
            printer.signal(signal);
        }
        if flags & (CLONE_PARENT_SETTID | CLONE_PIDFD) != 0 {
            let form = if flags & CLONE_PARENT_SETTID == 0 { Form::Descriptor } else { Form::D32 };
            printer.put(", parent_tid=");
            printer.boxed(parent, printer.output(parent), &form);
        }
        if flags & CLONE_SETTLS != 0 {
            printer.put(", tls=");
            printer.address(tls);
        }
        if flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) != 0 {
            printer.put(", child_tidptr=");
            printer.address(child);
        }
    },
};

/// `struct clone_args` and its size.
pub(crate) static CLONE3: Special = Special {
    copies: &[(0, When::Enter, What::Bytes(Length::Fixed(88))), (0, When::Exit, What::Bytes(Length::Fixed(88)))],
    tell: |printer, index| {
        let [address, size] = [0, 1].map(|offset| printer.argument(index + offset));
        match printer.input(address) {
            Some(bytes) if address != 0 && size >= 64 && bytes.len() >= 64 => clone_arguments(printer, bytes, size),
            _ => printer.address(address),
        }
        printer.put(", ");
        printer.unsigned(size);
    },
};

fn clone_arguments(printer: &mut Printer<'_>, bytes: &[u8], size: u64) {
    let word = |at| u64_at(bytes, at).unwrap_or(0);
    let flags = word(0);
    printer.put("{flags=");
    printer.flags(flags, &[&names::CLONE_FLAGS, &names::CLONE3_FLAGS]);
    if flags & CLONE_PIDFD != 0 {
        printer.field("pidfd", &Form::Address, bytes, 8);
    }
    if flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) != 0 {
        printer.field("child_tid", &Form::Address, bytes, 16);
    }
    if flags & CLONE_PARENT_SETTID != 0 {
        printer.field("parent_tid", &Form::Address, bytes, 24);
    }
    if word(32) < 0x7fff_ffff {
        printer.field("exit_signal", &Form::Signal, bytes, 32);
    } else {
        printer.field("exit_signal", &Form::U64, bytes, 32);
    }
    printer.field("stack", &Form::Address, bytes, 40);
    printer.field("stack_size", &Form::X64, bytes, 48);
    if flags & CLONE_SETTLS != 0 {
        printer.field("tls", &Form::Address, bytes, 56);
    }
    if size >= 80 && (word(64) != 0 || word(72) != 0) {
        printer.field("set_tid", &Form::Address, bytes, 64);
        printer.field("set_tid_size", &Form::U64, bytes, 72);
    }
    if size >= 88 && (word(80) != 0 || flags & CLONE_INTO_CGROUP != 0) {
        printer.field("cgroup", &Form::U64, bytes, 80);
    }
    printer.put("}");
    // The kernel writes there what it returns; nobody has to look.
    if flags & CLONE_PARENT_SETTID != 0
        && let Some(thread) = printer.success()
    {
        printer.format(format_args!(" => {{parent_tid=[{thread}]}}"));
    }
}

/// What a child became, told when there is one.
pub(crate) static STATUS: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(4)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let known = printer.output(address).filter(|_| printer.success() != Some(0));
        match known.and_then(|bytes| u32_at(bytes, 0)) {
            Some(value) if address != 0 => {
                printer.put("[");
                status(printer, value);
                printer.put("]");
            }
            _ => printer.address(address),
        }
    },
};

fn status(printer: &mut Printer<'_>, status: u32) {
    let (signal, code) = (status & 0x7f, status >> 8 & 0xff);
    let rest = if status == 0xffff {
        printer.put("{WIFCONTINUED(s)}");
        0
    } else if status & 0xff == 0x7f {
        printer.put("{WIFSTOPPED(s) && WSTOPSIG(s) == ");
        printer.signal((code & 0x7f).into());
        printer.put(if code & 0x80 == 0 { "}" } else { " | 0x80}" });
        status & 0xffff_0000
    } else if signal == 0x7f {
        return printer.hex(status.into());
    } else if signal != 0 {
        printer.put("{WIFSIGNALED(s) && WTERMSIG(s) == ");
        printer.signal(signal.into());
        printer.put(if status & 0x80 == 0 { "}" } else { " && WCOREDUMP(s)}" });
        status & !0xff
    } else {
        printer.format(format_args!("{{WIFEXITED(s) && WEXITSTATUS(s) == {code}}}"));
        status & !0xff7f
    };
    if rest >> 16 != 0 {
        printer.put("|");
        printer.one_of((rest >> 16).into(), &[&names::PTRACE_EVENTS]);
        printer.put("<<16");
    }
    if rest & 0xffff != 0 {
        printer.put("|");
        printer.hex((rest & 0xffff).into());
    }
}

/// Usage of a child, told when there is one.
pub(crate) static CHILD_USAGE: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(32)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        let known = printer.output(address).filter(|_| printer.success() != Some(0));
        printer.structure(address, known, &structures::RUSAGE);
    },
};

/// Whom `waitid` waits for: a kind and a number.
pub(crate) static WHOM: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let kind = printer.argument32(index);
        let number = printer.argument32(index + 1);
        printer.one_of(kind.into(), &[&names::WAITID_TYPES]);
        printer.put(", ");
        if kind == 3 { printer.descriptor(number) } else { printer.signed(number.cast_signed().into()) }
    },
};

/// Number of variables in an environment.
pub(crate) fn environment(printer: &mut Printer<'_>, address: u64) {
    printer.address(address);
    let Some(known) = printer.input(address).filter(|_| address != 0) else { return };
    let (words, _) = known.as_chunks::<8>();
    let count = words.iter().take_while(|word| **word != [0; 8]).count();
    if count < words.len() {
        printer.format(format_args!(" /* {count} var{} */", if count == 1 { "" } else { "s" }));
    } else {
        printer.format(format_args!(" /* {count} vars or more */"));
    }
}

/// Texts that end with a null pointer.
pub(crate) fn texts(printer: &mut Printer<'_>, address: u64) {
    let Some(known) = printer.input(address).filter(|known| address != 0 && known.len() >= 8) else {
        return printer.address(address);
    };
    let (words, _) = known.as_chunks::<8>();
    printer.put("[");
    let mut ended = false;
    for (index, word) in words.iter().enumerate() {
        let text = u64::from_ne_bytes(*word);
        ended = text == 0;
        if ended {
            break;
        }
        printer.next(index);
        if index >= printer.options.limit {
            printer.put("...");
            ended = true;
            break;
        }
        printer.text(text);
    }
    if !ended {
        printer.put(", ...");
    }
    printer.put("]");
}

/// The personality that is set; all ones only ask for it.
pub(crate) fn personality(printer: &mut Printer<'_>, bytes: &[u8]) {
    match u32_at(bytes, 0).unwrap_or(0) {
        u32::MAX => printer.put("0xffffffff"),
        value => kind_and_flags(printer, value.into()),
    }
}

/// What `personality` returned.
pub(crate) fn personality_result(printer: &mut Printer<'_>, result: u64) {
    printer.hex(result);
    printer.put(" (");
    kind_and_flags(printer, result);
    printer.put(")");
}

/// A personality: a kind in the lower bits, flags above.
fn kind_and_flags(printer: &mut Printer<'_>, value: u64) {
    printer.one_of(value & 0xff, &[&names::PERSONALITY_TYPES]);
    if value & !0xff != 0 {
        printer.put("|");
        printer.flags(value & !0xff, &[&names::PERSONALITY_FLAGS]);
    }
}

/// A keyring by name or number.
pub(crate) fn keyring(printer: &mut Printer<'_>, bytes: &[u8]) {
    let number = i64::from(u32_at(bytes, 0).unwrap_or(0).cast_signed());
    match names::KEY_SPEC.find(number.cast_unsigned()) {
        Some(name) => printer.put(name),
        None => printer.signed(number),
    }
}

/// What the system log is told to do, where its text goes.
pub(crate) static LOG: Special = Special {
    copies: &[(1, When::Exit, What::Content(Length::Result(1)))],
    tell: |printer, index| {
        let action = printer.argument32(index);
        let [address, length] = [1, 2].map(|offset| printer.argument(index + offset));
        let name = names::SYSLOG_ACTION_TYPE.find(action.into()).unwrap_or(names::SYSLOG_ACTION_TYPE.unknown);
        printer.signed(action.cast_signed().into());
        printer.comment(name);
        match name.strip_prefix("SYSLOG_ACTION_") {
            Some("CLOSE" | "OPEN" | "CLEAR" | "CONSOLE_OFF" | "CONSOLE_ON" | "SIZE_UNREAD" | "SIZE_BUFFER") => return,
            Some("READ" | "READ_ALL" | "READ_CLEAR") if let Some(result) = printer.success() => {
                printer.put(", ");
                printer.content(address, result, printer.output(address));
            }
            _ => {
                printer.put(", ");
                printer.address(address);
            }
        }
        printer.format(format_args!(", {}", low(length).cast_signed()));
    },
};

/// What `ptrace` is to do: what it needs are numbers.
pub(crate) static PTRACE: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let request = printer.argument(index);
        let [process, address, data] = [1, 2, 3].map(|offset| printer.argument(index + offset));
        printer.one_of(request, &[&names::PTRACE_CMDS]);
        let name = names::PTRACE_CMDS.find(request);
        if name == Some("PTRACE_TRACEME") {
            return;
        }
        printer.format(format_args!(", {}", low(process).cast_signed()));
        match name {
            Some("PTRACE_ATTACH" | "PTRACE_INTERRUPT" | "PTRACE_KILL" | "PTRACE_LISTEN") => {}
            Some("PTRACE_CONT" | "PTRACE_DETACH" | "PTRACE_SYSCALL" | "PTRACE_SINGLESTEP") => {
                printer.put(", ");
                printer.address(address);
                printer.put(", ");
                printer.signal(data);
            }
            _ => {
                printer.put(", ");
                printer.address(address);
                printer.put(", ");
                printer.address(data);
            }
        }
    },
};
