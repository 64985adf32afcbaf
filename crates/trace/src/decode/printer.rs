//! Writes the pieces of a line: numbers, flags, addresses; and knows what of the thread's memory may be told.

use std::fmt;

use super::{Descriptors, Options};
use crate::call::Call;
use crate::capture::When;
use crate::names::{self, Names};

/// Errors that the kernel returns are numbers from -1 to this. Source: include/linux/err.h, `MAX_ERRNO`.
const LOWEST_ERROR: i64 = -4095;

/// One call on its way to text.
pub(crate) struct Printer<'a> {
    /// What is told.
    pub call: &'a Call,
    /// How it is told.
    pub options: &'a Options,
    /// What descriptors stand for.
    pub descriptors: &'a dyn Descriptors,
    /// At which end of the call descriptors are what they are told as.
    pub when: When,
    /// Where it is written.
    pub out: &'a mut String,
}

impl<'a> Printer<'a> {
    /// An argument's register.
    pub(crate) fn argument(&self, index: usize) -> u64 {
        self.call.arguments.get(index).copied().unwrap_or(0)
    }

    /// An argument that the kernel reads as an `unsigned int`.
    pub(crate) fn argument32(&self, index: usize) -> u32 {
        low(self.argument(index))
    }

    /// The error number of a call that failed.
    pub(crate) fn error(&self) -> Option<u64> {
        let result = self.call.returned?.result;
        (LOWEST_ERROR..0).contains(&result).then_some(result.unsigned_abs())
    }

    /// The result of a call that came back and did not fail.
    pub(crate) fn success(&self) -> Option<u64> {
        let result = self.call.returned?.result;
        (!(LOWEST_ERROR..0).contains(&result)).then(|| result.cast_unsigned())
    }

    /// Memory that the kernel reads: as it was before the call, or else after it.
    pub(crate) fn input(&self, address: u64) -> Option<&'a [u8]> {
        self.call.memory.at(When::Enter, address).or_else(|| self.call.memory.at(When::Exit, address))
    }

    /// Memory that the kernel has written: known only of a call that succeeded.
    pub(crate) fn output(&self, address: u64) -> Option<&'a [u8]> {
        self.success()?;
        self.call.memory.at(When::Exit, address)
    }

    /// Text as it is.
    pub(crate) fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Formatted text.
    pub(crate) fn format(&mut self, text: fmt::Arguments<'_>) {
        // Text in memory takes everything.
        fmt::write(self.out, text).ok();
    }

    /// A separator before every element but the first.
    pub(crate) fn next(&mut self, index: usize) {
        if index > 0 {
            self.put(", ");
        }
    }

    /// A number with its sign.
    pub(crate) fn signed(&mut self, value: i64) {
        self.format(format_args!("{value}"));
    }

    /// A number without a sign.
    pub(crate) fn unsigned(&mut self, value: u64) {
        self.format(format_args!("{value}"));
    }

    /// A number in base 16; zero has no `0x`, as in C.
    pub(crate) fn hex(&mut self, value: u64) {
        if value == 0 { self.put("0") } else { self.format(format_args!("{value:#x}")) }
    }

    /// A number in base 16 with zeros before it, as in C: `0x` counts as two digits, and zero has none.
    pub(crate) fn padded(&mut self, value: u64, width: usize) {
        if value == 0 {
            self.format(format_args!("{:0width$}", 0));
        } else {
            self.format(format_args!("{value:#0width$x}"));
        }
    }

    /// A number in base 8, three digits at least.
    pub(crate) fn octal(&mut self, value: u64) {
        if value == 0 { self.put("000") } else { self.format(format_args!("0{value:02o}")) }
    }

    /// An address.
    pub(crate) fn address(&mut self, value: u64) {
        if value == 0 { self.put("NULL") } else { self.format(format_args!("{value:#x}")) }
    }

    /// A user or group; -1 is nobody.
    pub(crate) fn id(&mut self, value: u32) {
        if value == u32::MAX { self.put("-1") } else { self.unsigned(value.into()) }
    }

    /// A remark.
    pub(crate) fn comment(&mut self, text: &str) {
        if !text.is_empty() {
            self.format(format_args!(" /* {text} */"));
        }
    }

    /// A descriptor, with what it stands for where that is known.
    pub(crate) fn descriptor(&mut self, value: u32) {
        let value = value.cast_signed();
        self.signed(value.into());
        if value >= 0 {
            self.described(value);
        }
    }

    /// A directory that a path starts at: a descriptor, or the one that the process is in.
    pub(crate) fn directory(&mut self, value: u32) {
        if value.cast_signed() == super::AT_FDCWD {
            self.put("AT_FDCWD");
            self.described(super::AT_FDCWD);
        } else {
            self.descriptor(value);
        }
    }

    fn described(&mut self, value: i32) {
        if self.options.descriptors
            && let Some(text) = self.descriptors.describe(self.call.process, value, self.when)
        {
            let kept = text.strip_suffix(" (deleted)");
            self.put("<");
            self.escaped(kept.unwrap_or(&text).as_bytes(), b"<>");
            self.put(if kept.is_some() { ">(deleted)" } else { ">" });
        }
    }

    /// A signal.
    pub(crate) fn signal(&mut self, value: u64) {
        match names::signal(value) {
            Some(name) => self.put(name),
            None if (names::SIGRTMIN..=names::SIGRTMAX).contains(&value) => {
                self.format(format_args!("SIGRT_{}", value - names::SIGRTMIN));
            }
            None => self.signed(i64::from(low(value).cast_signed())),
        }
    }

    /// The name of a value from the first list that has it.
    pub(crate) fn one_of(&mut self, value: u64, lists: &[&Names]) {
        self.one_of_or(value, lists, lists.first().map_or("", |list| list.unknown));
    }

    /// The same with other words beside a value that has no name.
    pub(crate) fn one_of_or(&mut self, value: u64, lists: &[&Names], unknown: &str) {
        if let Some(name) = lists.iter().find_map(|list| list.find(value)) {
            self.put(name);
        } else {
            self.hex(value);
            self.comment(unknown);
        }
    }

    /// Flags by name, those without one as a number. Whether anything was written: lists without a word for the unknown say
    /// nothing of zero.
    pub(crate) fn flags(&mut self, value: u64, lists: &[&Names]) -> bool {
        self.flags_or(value, lists, lists.first().map_or("", |list| list.unknown))
    }

    /// The same with other words beside a value of which nothing has a name.
    pub(crate) fn flags_or(&mut self, value: u64, lists: &[&Names], unknown: &str) -> bool {
        let mut rest = value;
        let mut told = 0;
        for (flag, name) in lists.iter().flat_map(|list| list.names) {
            if rest == 0 && told > 0 {
                break;
            }
            if rest == *flag || (*flag != 0 && rest & flag == *flag) {
                if told > 0 {
                    self.put("|");
                }
                self.put(name);
                told += 1;
                rest &= !flag;
            }
        }
        if told > 0 && rest != 0 {
            self.put("|");
            self.hex(rest);
        } else if told == 0 && rest != 0 {
            self.hex(rest);
            self.comment(unknown);
        } else if told == 0 && !unknown.is_empty() {
            self.put("0");
        } else {
            return told > 0;
        }
        true
    }

    /// How a file is opened.
    pub(crate) fn open_flags(&mut self, value: u64) {
        self.one_of(value & 3, &[&names::files::OPEN_ACCESS_MODES]);
        if value & !3 != 0 {
            self.put("|");
            self.flags_or(value & !3, &[&names::files::OPEN_MODE_FLAGS], "");
        }
    }

    /// Kind and rights of a file.
    pub(crate) fn mode(&mut self, mode: u64) {
        let kind = mode & 0o170_000;
        let Some(name) = names::files::MODETYPES.find(kind).or((kind == 0).then_some("")) else {
            return self.octal(mode);
        };
        self.put(name);
        if !name.is_empty() {
            self.put("|");
        }
        for (bit, name) in [(0o4000, "S_ISUID|"), (0o2000, "S_ISGID|"), (0o1000, "S_ISVTX|")] {
            if mode & bit != 0 {
                self.put(name);
            }
        }
        self.octal(mode & !0o177_000);
    }

    /// The number of a device.
    pub(crate) fn device(&mut self, device: u64) {
        let major = (device >> 8) & 0xfff | (device >> 32) & 0xffff_f000;
        let minor = device & 0xff | (device >> 12) & 0xffff_ff00;
        self.put("makedev(");
        self.hex(major);
        self.put(", ");
        self.hex(minor);
        self.put(")");
    }
}

/// The lower half of a register.
pub(crate) fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or(u32::MAX)
}

/// Little-endian numbers of a structure; `None` where it is too short.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_ne_bytes(*chunk))
}

/// The same of four bytes.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// The same of two bytes.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}
