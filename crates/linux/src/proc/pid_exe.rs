//! `/proc/PID/exe`: the program file. Privilege: same user with the process dumpable, or `CAP_SYS_PTRACE`. Absent for
//! kernel threads and zombies.

use super::{PidDir, Seen};

/// The program that a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exe {
    /// Its path, as seen by the process when it was started.
    pub path: Vec<u8>,
    /// Whether the file was removed or replaced since.
    pub deleted: bool,
}

/// Reads where the link leads.
pub fn read(process: &PidDir) -> Seen<Exe> {
    Ok(process.read_link(c"exe")?.map(parse))
}

/// Takes the kernel's mark of a deleted file off.
pub fn parse(target: Vec<u8>) -> Exe {
    match target.strip_suffix(b" (deleted)") {
        Some(path) => Exe { path: path.to_vec(), deleted: true },
        None => Exe { path: target, deleted: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_program_is_told() {
        assert_eq!(parse(b"/usr/bin/x (deleted)".to_vec()), Exe { path: b"/usr/bin/x".to_vec(), deleted: true });
        assert_eq!(parse(b"/usr/bin/x".to_vec()), Exe { path: b"/usr/bin/x".to_vec(), deleted: false });
    }
}
