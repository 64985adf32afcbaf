//! The process table of the running kernel.

use std::path::Path;

use procyon_bpf::processes::ProcessTable;
use procyon_bpf::{Kernel, LoadError};
use procyon_testkit::Workload;

/// The table, where this machine lets us have it.
fn table() -> Option<ProcessTable> {
    let loaded = Kernel::open(Path::new("/sys")).and_then(|kernel| ProcessTable::load(&kernel));
    match loaded {
        Ok(table) => Some(table),
        // A program that is not accepted is a mistake of ours; a refusal and a kernel without types are the machine's choice.
        Err(error @ LoadError::Unsupported { .. }) => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
            None
        }
    }
}

#[test]
fn threads_are_summed_by_process_and_the_table_is_in_order() {
    let Some(mut table) = table() else { return };
    let workload = Workload::start(&["threads", "57"]);
    let processes = table.read().unwrap();
    assert!(processes.is_sorted_by(|a, b| a.process.pid < b.process.pid));
    let found = processes.iter().find(|process| process.process.pid == workload.pid()).unwrap();
    assert_eq!((found.process.threads, found.records), (58, 58));
    assert_eq!(found.process.name(), b"procyon-workloa");
    assert!(!found.is_torn() && !found.process.kernel_thread);
    let kernel_thread = processes.iter().find(|process| process.process.pid == 2).unwrap();
    assert!(kernel_thread.process.kernel_thread && kernel_thread.process.memory.is_none());
    assert_eq!(kernel_thread.process.name(), b"kthreadd");
    let bytes = table.read_bare().unwrap();
    assert!(bytes > 0);
}
