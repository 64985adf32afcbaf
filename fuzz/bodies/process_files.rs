//! Files of processes: whatever bytes come, no parser panics.

use procyon_linux::proc::{
    pid_cgroup, pid_cmdline, pid_exe, pid_fd, pid_fdinfo, pid_io, pid_limits, pid_ns, pid_oom, pid_schedstat,
    pid_smaps_rollup, pid_stat, pid_status, pid_wchan,
};
use procyon_linux::taskstats;

pub fn run(bytes: &[u8]) {
    pid_stat::parse(bytes);
    pid_status::parse(bytes);
    pid_io::parse(bytes);
    pid_cgroup::parse(bytes).map(|cgroup| cgroup.main_path().len());
    pid_cmdline::parse(bytes).arguments().count();
    pid_exe::parse(bytes.to_vec());
    pid_fd::classify(bytes, Some(0));
    pid_fdinfo::parse(bytes);
    pid_limits::parse(bytes).map(|limits| limits.iter().filter_map(pid_limits::Limit::short_name).count());
    pid_ns::parse(bytes);
    pid_oom::parse(bytes);
    pid_schedstat::parse(bytes);
    pid_smaps_rollup::parse(bytes);
    pid_wchan::parse(bytes);
    taskstats::parse(bytes);
}
