//! In which way system calls are watched, for the audit log.

use serde::Serialize;

/// What watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Programs in the kernel, which stop nobody.
    Ebpf,
    /// `ptrace(2)`, which stops every thread at each call.
    Ptrace,
}

/// In which way system calls are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct How {
    /// What watches.
    pub engine: Engine,
    /// Whether processes that are made by the process are watched too.
    pub follow: bool,
}
