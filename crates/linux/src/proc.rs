//! Files about one process: `/proc/PID/*`, each in a module named after the kernel's file.
//!
//! [`crate::walk`] reads the three files of every tick (`stat`, `status`, `io`) for all processes. The others are for a
//! slow lane or for screens: open a [`PidDir`], compare [`PidDir::start_time`] with the process that is meant, then ask
//! the modules below. Everything that is read through one `PidDir` belongs to one process, however often its pid is
//! used again.
//!
//! Files that can block for as long as the process is stuck, because they touch its memory under `mmap_lock`:
//! `cmdline` and `smaps_rollup`. `io` waits for an `execve` of the process to pass its point of no return. The others
//! take no lock that a stuck process holds; targets of open files are never looked at, only their names.

mod directory;
pub mod pid_cgroup;
pub mod pid_cmdline;
pub mod pid_cwd;
pub mod pid_exe;
pub mod pid_fd;
pub mod pid_fdinfo;
pub mod pid_io;
pub mod pid_limits;
pub mod pid_ns;
pub mod pid_oom;
pub mod pid_schedstat;
pub mod pid_smaps_rollup;
pub mod pid_stat;
pub mod pid_status;
pub mod pid_task;
pub mod pid_wchan;
mod scan;

pub(crate) use directory::each_number;
pub use directory::{Lost, OpenError, PidDir, ProcDir, Seen};
