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

/// The table of this machine, by number.
static TABLE: LazyLock<Vec<Option<(&'static System, Box<[Capture]>)>>> = LazyLock::new(|| {
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

fn entry(number: u32) -> Option<&'static (&'static System, Box<[Capture]>)> {
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
