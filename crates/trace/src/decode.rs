//! A call as a line of text, the way strace 6.1 tells it.
//!
//! A pure function of the call and what came with it. What was not copied is told as an address, so that a line never claims
//! what was not seen.

mod argument;
pub(crate) mod files;
pub(crate) mod futex;
pub(crate) mod ioctl;
mod layout;
pub(crate) mod memory;
mod messages;
pub(crate) mod network;
pub(crate) mod prctl;
mod printer;
pub(crate) mod processes;
mod result;
pub(crate) mod rights;
pub(crate) mod schedule;
pub(crate) mod signals;
mod structures;
mod text;
pub(crate) mod time;
pub(crate) mod waits;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::call::Call;
use crate::capture::When;
use crate::table::{self, Kind};

pub(crate) use layout::{Form, Layout};
pub(crate) use printer::Printer;
pub(crate) use result::Answer;

/// What the table of system calls is written with.
pub(crate) mod words {
    pub(crate) use super::structures::*;
    pub(crate) use super::{
        files, futex, ioctl, memory, network, prctl, processes, rights, schedule, signals, time, waits,
    };
}

/// The directory that a process is in, where a descriptor is expected.
pub const AT_FDCWD: i32 = -100;

/// How a line is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many bytes of content and how many elements of an array are told (`-s`).
    pub limit: usize,
    /// Whether descriptors are told with what they stand for (`-y`).
    pub descriptors: bool,
    /// The column in which results start; what is longer pushes them on.
    pub column: usize,
    /// Where local time is, seconds east of UTC: times of files are told as dates too.
    pub utc_offset: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self { limit: 32, descriptors: false, column: 40, utc_offset: 0 }
    }
}

/// What descriptors stand for.
pub trait Descriptors {
    /// The file, socket or pipe behind a descriptor of a process, or the directory that it is in for [`AT_FDCWD`]: before the
    /// call that is told, or after it.
    fn describe(&self, process: u32, descriptor: i32, when: When) -> Option<Cow<'_, str>>;
}

/// Nothing is known of descriptors.
impl Descriptors for () {
    fn describe(&self, _: u32, _: i32, _: When) -> Option<Cow<'_, str>> {
        None
    }
}

/// Where the parts of a line are in the text that it was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name of the call.
    pub name: Range<usize>,
    /// What is between the brackets.
    pub arguments: Range<usize>,
    /// What follows the equals sign; `?` where nothing came back.
    pub result: Range<usize>,
    /// The name of the error, like `ENOENT`; empty for an error number without one.
    pub error: Option<&'static str>,
}

/// Appends a call as a line without its end: `openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`.
///
/// A call that is still in the kernel has `<unfinished ...>` in place of a result, unless it never comes back.
pub fn line(call: &Call, options: &Options, descriptors: &dyn Descriptors, out: &mut String) -> Line {
    let start = out.len();
    let system = table::system(call.number);
    let begin = out.rfind('\n').map_or(0, |end| end + 1);
    let mut printer = Printer { call, options, descriptors, when: When::Enter, out };
    match system {
        Some(system) => printer.put(system.name),
        None => printer.format(format_args!("syscall_{:#x}", call.number)),
    }
    let name = start..printer.out.len();
    printer.put("(");
    let arguments = printer.out.len();
    match system {
        Some(system) => {
            let told = system.arguments.iter().enumerate().filter(|(_, kind)| !matches!(kind, Kind::With));
            for (number, (index, kind)) in told.enumerate() {
                printer.next(number);
                printer.tell(kind, index);
            }
        }
        None => {
            for (index, value) in call.arguments.iter().enumerate() {
                printer.next(index);
                printer.hex(*value);
            }
        }
    }
    let arguments = arguments..printer.out.len();
    let answer = system.map_or(Answer::Number, |system| system.answer);
    if call.returned.is_none() && !matches!(answer, Answer::Never) {
        printer.put(" <unfinished ...>");
        let end = printer.out.len();
        return Line { name, arguments, result: end..end, error: None };
    }
    printer.put(") ");
    let told = printer.out.get(begin..).map_or(0, |line| line.chars().count());
    let column = options.column.max(told);
    for _ in told..column {
        printer.put(" ");
    }
    printer.put("= ");
    let result = printer.out.len();
    printer.when = When::Exit;
    let error = printer.result(answer);
    Line { name, arguments, result: result..out.len(), error }
}

/// Appends where a signal came from: what the kernel tells in a `siginfo_t`, of which the first 48 bytes are needed.
pub fn signal_details(details: &[u8], out: &mut String) {
    let (call, options) = (Call::default(), Options::default());
    let mut printer = Printer { call: &call, options: &options, descriptors: &(), when: When::Enter, out };
    signals::info(&mut printer, details);
}
