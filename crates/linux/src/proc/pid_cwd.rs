//! `/proc/PID/cwd`: the working directory. Privilege: same user with the process dumpable, or `CAP_SYS_PTRACE`. Absent
//! for kernel threads (theirs is `/`) only where the kernel hides it, and for zombies.

use super::{PidDir, Seen};

/// Reads where the link leads; ` (deleted)` stands behind a directory that was removed.
pub fn read(process: &PidDir) -> Seen<Vec<u8>> {
    process.read_link(c"cwd")
}
