//! System calls in the running kernel, to the last one.

use std::path::Path;
use std::time::Duration;

use procyon_bpf::syscalls::{Capture, Filter, Happening, Mode, Syscalls, What};
use procyon_bpf::{Kernel, LoadError};
use procyon_testkit::{Workload, eventually};

/// By the table of x86-64.
const GETPPID: u32 = 110;
const OPENAT: u32 = 257;

fn watch(mode: Mode) -> Option<Syscalls> {
    match Kernel::open(Path::new("/sys")).and_then(|kernel| Syscalls::load(&kernel, mode)) {
        Ok(syscalls) => Some(syscalls),
        Err(error @ LoadError::Unsupported { .. }) => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn only(numbers: &[u32]) -> Filter {
    let mut filter =
        Filter { numbers: [0; 8], others: false, failed: false, least: Duration::ZERO, content: 32, children: false };
    for number in numbers {
        let word = filter.numbers.get_mut(usize::try_from(number / 64).unwrap());
        *word.unwrap() |= 1 << (number % 64);
    }
    filter
}

fn counted(syscalls: &Syscalls, number: u32) -> u64 {
    let tallies = syscalls.tallies().unwrap();
    tallies.iter().find(|(of, _)| *of == number).map_or(0, |(_, tally)| tally.calls)
}

#[test]
fn told_and_lost_calls_add_up_to_those_made() {
    let Some(mut syscalls) = watch(Mode::Telling) else { return };
    let mut target = Workload::start(&["calls"]);
    syscalls.filter(&only(&[GETPPID])).unwrap();
    let followed = syscalls.follow(&[target.pid()]).unwrap();
    assert_eq!((followed.len(), followed[0].process), (1, target.pid()));
    // More than the ring holds, from several threads at once, with nobody looking.
    target.ask("threads 4 100000");
    let mut told = 0;
    while syscalls.drain(10_000, |event| told += u64::from(matches!(event.what, Happening::Returned(..)))) > 0 {}
    let lost = syscalls.lost();
    assert!(lost.calls > 0, "the ring holds too much for this test");
    assert_eq!((told + lost.calls, counted(&syscalls, GETPPID), lost.threads), (400_000, 400_000, 0));
}

/// What finds no room when a call begins makes nothing of it but less memory: the call itself is told or lost, once.
#[test]
fn beginnings_that_find_no_room_are_not_lost_calls() {
    let Some(mut syscalls) = watch(Mode::Telling) else { return };
    let mut target = Workload::start(&["calls"]);
    syscalls.filter(&only(&[GETPPID])).unwrap();
    // The call has no arguments: whatever is in the register is not an address, or is one.
    syscalls.capture(GETPPID, &[Capture { argument: 0, what: What::Text }], &[]).unwrap();
    syscalls.follow(&[target.pid()]).unwrap();
    target.ask("threads 4 50000");
    let (mut begun, mut told) = (0, 0);
    while syscalls.drain(10_000, |event| match event.what {
        Happening::Entered(_) => begun += 1,
        Happening::Returned(..) => told += 1,
        _ => {}
    }) > 0
    {}
    let lost = syscalls.lost();
    assert!(lost.calls > 0 && begun < 200_000, "the ring holds too much for this test");
    assert_eq!((told + lost.calls, counted(&syscalls, GETPPID)), (200_000, 200_000));
    // Four threads began and ended.
    assert!(lost.events <= 8, "{lost:?}");
}

#[test]
fn a_path_comes_with_the_call_and_failures_can_be_chosen() {
    let Some(mut syscalls) = watch(Mode::Telling) else { return };
    let mut target = Workload::start(&["calls"]);
    syscalls.filter(&Filter { failed: true, ..only(&[OPENAT]) }).unwrap();
    syscalls.capture(OPENAT, &[], &[Capture { argument: 1, what: What::Text }]).unwrap();
    syscalls.follow(&[target.pid()]).unwrap();
    target.ask("open 5 /nonexistent/canary");
    target.ask("open 5 /dev/null");
    let mut paths = Vec::new();
    eventually("five failed calls are told", Duration::from_secs(10), || {
        syscalls.drain(1000, |event| {
            if let Happening::Returned(call, result) = event.what {
                assert_eq!((result, call.number, call.foreign), (-2, OPENAT, false));
                paths.extend(call.pieces().map(|(_, bytes)| bytes.to_vec()));
            }
        });
        (paths.len() >= 5).then_some(())
    });
    assert_eq!(paths, vec![b"/nonexistent/canary\0".to_vec(); 5]);
    assert_eq!(counted(&syscalls, OPENAT), 5);
}

#[test]
fn counting_misses_nothing_and_tells_nothing() {
    let Some(mut syscalls) = watch(Mode::Counting) else { return };
    let mut target = Workload::start(&["calls"]);
    syscalls.filter(&only(&[GETPPID])).unwrap();
    syscalls.follow(&[target.pid()]).unwrap();
    target.ask("threads 4 50000");
    assert_eq!(counted(&syscalls, GETPPID), 200_000);
    assert_eq!(syscalls.drain(10, |event| panic!("{event:?}")), 0);
    // The main thread lives; the others have ended.
    eventually("threads end", Duration::from_secs(10), || (syscalls.living() == 1).then_some(()));
}
