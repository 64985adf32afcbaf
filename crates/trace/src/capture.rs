//! What an engine copies of a thread's memory, said for each system call.

pub use procyon_bpf::syscalls::{Length, What};

/// Which end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Before the kernel has done anything: what it will overwrite or unmap (`execve`, `select`). A page that was never touched is not there yet.
    Enter,
    /// When it is done, so that its pages are there. Another thread may have changed it meanwhile.
    Exit,
}

/// One thing to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// The argument that holds the address, 0 to 5.
    pub argument: u8,
    /// At which end of the call.
    pub when: When,
    /// What lies there.
    pub what: What,
}
