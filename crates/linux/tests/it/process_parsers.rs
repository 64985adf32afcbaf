//! Parsers of per-process files take whatever bytes come, and never take a number that may be cut for a whole one.

use procyon_linux::proc::{pid_stat, pid_status};
use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/process_files.rs"]
mod process_files;

use process_files::run as parse_everything;

/// What this kernel says of this test.
fn seeds() -> Vec<Vec<u8>> {
    let names =
        ["stat", "status", "io", "cgroup", "cmdline", "fdinfo/0", "limits", "schedstat", "smaps_rollup", "wchan"];
    let seeds: Vec<_> = names.iter().filter_map(|name| std::fs::read(format!("/proc/self/{name}")).ok()).collect();
    assert!(seeds.len() >= 8);
    seeds
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        parse_everything(&bytes);
    }

    #[test]
    fn text_of_the_right_kind_does_not_panic(text in "[0-9a-zA-Z:/ \t\n.,=()\\-\\[\\]é]{0,300}") {
        parse_everything(text.as_bytes());
    }

    #[test]
    fn damaged_files_do_not_panic(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let seeds = seeds();
        let mut bytes = which.get(&seeds).clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        parse_everything(&bytes);
    }

    #[test]
    fn any_name_of_a_process_is_kept(comm in proptest::collection::vec(1_u8.., 0..=64), ppid in any::<u32>(), start in any::<u64>()) {
        let numbers = format!(") S {ppid} 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 {start} 10 20 0 0\n");
        let text = [b"77 (", &comm[..], numbers.as_bytes()].concat();
        let stat = pid_stat::parse(&text).unwrap();
        prop_assert_eq!((stat.pid, stat.comm, stat.ppid, stat.start.0), (77, &comm[..], ppid, start));
    }
}

/// Linux 2.6.32 has no `VmPin`, no `NSpid`, fewer fields in `stat`.
#[test]
fn old_kernels_lack_lines_and_nothing_breaks() {
    let status = b"Name:\tinit\nState:\tS (sleeping)\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n\
        FDSize:\t64\nGroups:\t\nVmPeak:\t   19404 kB\nVmSize:\t   19232 kB\nVmLck:\t       0 kB\nVmHWM:\t    1568 kB\nVmRSS:\t    1204 kB\n\
        VmData:\t     200 kB\nVmStk:\t      88 kB\nVmExe:\t     140 kB\nVmLib:\t    2348 kB\nVmPTE:\t      56 kB\nVmSwap:\t      52 kB\nThreads:\t1\n";
    let status = pid_status::parse(status).unwrap();
    let memory = status.memory.unwrap();
    assert_eq!((memory.resident.kib(), memory.swap.kib(), memory.pinned.kib()), (1204, 52, 0));
    assert_eq!((status.inner_pid, status.voluntary), (None, None));

    let stat = b"1 (init) S 0 1 1 0 -1 4202752 6210 1064000 24 1372 6 230 21004 5270 20 0 1 0 2 19693568 301 18446744073709551615 1 1 0 0 0 0 0 4096 536962595 18446744073709551615 0 0 0 0 0 0 12\n";
    let stat = pid_stat::parse(stat).unwrap();
    assert_eq!((stat.start.0, stat.resident.0, stat.processor, stat.policy), (2, 301, 0, 0));
}
