//! The system calls: number, name, arguments, result, classes.
//!
//! What is true of a call everywhere (its arguments) stands by name in one list, by subject; the numbers of an architecture are
//! a table of their own. Another architecture is another table of numbers.

mod files;
mod kind;
mod machine;
mod memory;
mod network;
mod processes;
mod signals;
mod time;
mod x86_64;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use kind::{Kind, Special};

use crate::capture::Capture;
use crate::decode::Answer;

/// Numbers of calls are below this.
pub const NUMBERS: usize = 512;

/// One system call.
#[derive(Debug)]
pub(crate) struct System {
    /// Its name, as the kernel's headers have it.
    pub name: &'static str,
    /// The classes it belongs to, a bit each.
    pub classes: u32,
    /// What its arguments are; as many as it has.
    pub arguments: &'static [Kind],
    /// What it returns.
    pub answer: Answer,
}

/// Makes a line of the table.
const fn call(name: &'static str, classes: u32, arguments: &'static [Kind], answer: Answer) -> System {
    System { name, classes, arguments, answer }
}

// The classes that strace knows, by the names of its `-e`.
pub(crate) const FILE: u32 = 1;
pub(crate) const DESC: u32 = 1 << 1;
pub(crate) const PROCESS: u32 = 1 << 2;
pub(crate) const NETWORK: u32 = 1 << 3;
pub(crate) const MEMORY: u32 = 1 << 4;
pub(crate) const SIGNAL: u32 = 1 << 5;
pub(crate) const IPC: u32 = 1 << 6;
pub(crate) const CREDS: u32 = 1 << 7;
pub(crate) const CLOCK: u32 = 1 << 8;
pub(crate) const STAT: u32 = 1 << 9;
pub(crate) const LSTAT: u32 = 1 << 10;
pub(crate) const FSTAT: u32 = 1 << 11;
pub(crate) const STAT_LIKE: u32 = 1 << 12;
pub(crate) const STATFS: u32 = 1 << 13;
pub(crate) const FSTATFS: u32 = 1 << 14;
pub(crate) const STATFS_LIKE: u32 = 1 << 15;
/// Calls that take nothing and only tell something.
pub(crate) const PURE: u32 = 1 << 16;

/// Name and bit of every class.
pub(crate) static CLASSES: [(&str, u32); 18] = [
    ("file", FILE),
    ("desc", DESC),
    ("process", PROCESS),
    ("network", NETWORK),
    ("net", NETWORK),
    ("memory", MEMORY),
    ("signal", SIGNAL),
    ("ipc", IPC),
    ("creds", CREDS),
    ("clock", CLOCK),
    ("stat", STAT),
    ("lstat", LSTAT),
    ("fstat", FSTAT),
    ("%stat", STAT_LIKE),
    ("statfs", STATFS),
    ("fstatfs", FSTATFS),
    ("%statfs", STATFS_LIKE),
    ("pure", PURE),
];

/// Everything that is known, by subject.
static SUBJECTS: [&[System]; 7] =
    [files::CALLS, machine::CALLS, memory::CALLS, network::CALLS, processes::CALLS, signals::CALLS, time::CALLS];

/// A call, and what is copied for it.
type Entry = (&'static System, Box<[Capture]>);

/// The table of this machine, by number.
static TABLE: LazyLock<Vec<Option<Entry>>> = LazyLock::new(|| {
    let by_name: HashMap<&str, &'static System> =
        SUBJECTS.iter().flat_map(|calls| calls.iter()).map(|system| (system.name, system)).collect();
    let mut table: Vec<_> = (0..NUMBERS).map(|_| None).collect();
    for (number, name) in x86_64::NUMBERS {
        if let (Some(slot), Some(system)) = (table.get_mut(usize::from(*number)), by_name.get(name)) {
            let captures = (0_u8..).zip(system.arguments).flat_map(|(index, kind)| kind.captures(index)).collect();
            *slot = Some((*system, captures));
        }
    }
    table
});

/// The call of a number.
pub(crate) fn system(number: u32) -> Option<&'static System> {
    entry(number).map(|(system, _)| *system)
}

fn entry(number: u32) -> Option<&'static Entry> {
    TABLE.get(usize::try_from(number).ok()?)?.as_ref()
}

/// What an engine copies of the thread's memory for a call of this number; nothing for one that is not known.
pub fn captures(number: u32) -> &'static [Capture] {
    entry(number).map_or(&[], |(_, captures)| captures)
}

/// The name of a call; `None` for a number that is not known, which is told as `syscall_0x1b3`.
pub fn name(number: u32) -> Option<&'static str> {
    system(number).map(|system| system.name)
}

/// The number of a call.
pub fn number(name: &str) -> Option<u32> {
    all().find(|(_, system)| system.name == name).map(|(number, _)| number)
}

/// Every call with its number.
pub(crate) fn all() -> impl Iterator<Item = (u32, &'static System)> {
    (0..).zip(TABLE.iter()).filter_map(|(number, entry)| Some((number, entry.as_ref()?.0)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_number_has_a_call_and_every_call_a_number() {
        let numbers: BTreeMap<&str, u16> = x86_64::NUMBERS.iter().map(|(number, name)| (*name, *number)).collect();
        assert_eq!(numbers.len(), x86_64::NUMBERS.len());
        let calls: Vec<&str> = SUBJECTS.iter().flat_map(|calls| calls.iter()).map(|system| system.name).collect();
        assert_eq!(calls.len(), numbers.len());
        for name in calls {
            assert_eq!(number(name), numbers.get(name).map(|number| u32::from(*number)), "{name}");
        }
        assert_eq!(name(257), Some("openat"));
        assert_eq!(name(400), None);
        assert_eq!(name(u32::MAX), None);
        assert_eq!(captures(u32::MAX), []);
    }

    #[test]
    fn numbers_are_those_of_the_kernels_headers() {
        let Ok(text) = std::fs::read_to_string("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") else { return };
        let mut seen = 0;
        for line in text.lines().filter_map(|line| line.strip_prefix("#define __NR_")) {
            let Some((known, value)) = line.split_once(' ') else { continue };
            assert_eq!(name(value.trim().parse().unwrap()), Some(known));
            seen += 1;
        }
        assert!(seen > 300);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests start programs")]
    fn calls_have_as_many_arguments_as_strace_tells() {
        // Raw, strace tells every argument as a number.
        let command = ["-f", "-e", "raw=all", "sh", "-c", "ls / | cat; (exit 3); kill -0 $$"];
        let Ok(output) = std::process::Command::new("strace").args(command).output() else { return };
        let text = String::from_utf8_lossy(&output.stderr);
        let mut seen = 0;
        for line in text.lines().map(|line| line.split_once("] ").map_or(line, |(_, line)| line)) {
            let Some((told, rest)) = line.split_once('(') else { continue };
            let Some((arguments, _)) = rest.split_once(')') else { continue };
            let Some(system) = number(told).and_then(system) else { continue };
            let count = if arguments.is_empty() { 0 } else { arguments.split(", ").count() };
            assert_eq!(system.arguments.len(), count, "{line}");
            seen += 1;
        }
        assert!(seen > 100 || !output.status.success(), "{seen} calls of {text}");
    }
}
