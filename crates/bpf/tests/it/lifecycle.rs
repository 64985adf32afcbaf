//! Ends of processes in the running kernel.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use procyon_bpf::lifecycle::{Event, Lifecycle, WaitStatus};
use procyon_bpf::{Kernel, LoadError};
use procyon_testkit::eventually;

#[test]
fn a_program_is_seen_from_its_arguments_to_its_totals() {
    let mut lifecycle = match Kernel::open(Path::new("/sys")).and_then(|kernel| Lifecycle::load(&kernel)) {
        Ok(lifecycle) => lifecycle,
        Err(error @ LoadError::Unsupported { .. }) => panic!("{error}"),
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let mut child = Command::new("sh").args(["-c", "exit 3", "canary"]).spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let mut seen: HashMap<&str, WaitStatus> = HashMap::new();
    eventually("it is seen to run, to end and to be let go", Duration::from_mins(2), || {
        lifecycle.drain(|event| match event {
            Event::Executed(executed) if executed.id.pid == pid => {
                assert!(executed.file.ends_with(b"/sh"), "{executed:?}");
                assert!(executed.arguments == b"sh\0-c\0exit 3\0canary\0" && !executed.truncated, "{executed:?}");
                seen.insert("executed", WaitStatus(0));
            }
            Event::Exited(exited) if exited.id.pid == pid => {
                assert_eq!((exited.ppid, exited.name, exited.sender), (std::process::id(), &b"sh"[..], None));
                seen.insert("exited", exited.status);
            }
            Event::Freed(freed) if freed.id.pid == pid => {
                assert!(freed.counts.runtime.0 > 0, "{freed:?}");
                seen.insert("freed", freed.status);
            }
            _ => {}
        });
        (seen.len() == 3).then_some(())
    });
    assert_eq!((seen["exited"].code(), seen["freed"].code()), (3, 3));
    assert_eq!(lifecycle.lost(), 0);
}
