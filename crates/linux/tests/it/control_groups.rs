//! Limits of control groups, version 1 and 2, captured and live.

use std::path::PathBuf;

use procyon_linux::containers::limits::{Limits, read_of};
use procyon_linux::containers::paths::Hierarchies;
use procyon_linux::root::Root;
use procyon_units::{Bytes, Cores, Reading};

fn limits(name: &str) -> Reading<Limits> {
    let root = Root::at(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/linux").join(name));
    let Reading::Known(hierarchies) = Hierarchies::read(&root, &mut Vec::new()) else { panic!("mounts are there") };
    read_of(&root, &hierarchies, 4084, &mut Vec::new())
}

#[test]
fn the_tightest_group_around_a_process_counts_in_version_1() {
    let expected = Limits { memory: Some(Bytes(4 << 30)), cpu: Some(Cores(2.5)) };
    assert_eq!(limits("server-3.10"), Reading::Known(expected));
}

#[test]
fn the_tightest_group_around_a_process_counts_in_version_2() {
    let expected = Limits { memory: Some(Bytes(512 << 20)), cpu: Some(Cores(1.5)) };
    assert_eq!(limits("workstation-6.8"), Reading::Known(expected));
}

/// A control group of the machine that goes away with the test.
struct Group(PathBuf);

impl Drop for Group {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.0).ok();
    }
}

#[test]
fn a_live_limit_is_read_back() {
    let root = Root::live();
    let Reading::Known(hierarchies) = Hierarchies::read(&root, &mut Vec::new()) else { panic!("mounts are there") };
    let name = format!("procyon-test-{}", std::process::id());
    let v1 = PathBuf::from("/sys/fs/cgroup/memory").join(&name);
    let v2 = PathBuf::from("/sys/fs/cgroup").join(&name);
    let (group, file) = if v1.parent().unwrap().is_dir() { (v1, "memory.limit_in_bytes") } else { (v2, "memory.max") };
    std::fs::create_dir(&group).expect("a control group can be made (needs root)");
    let group = Group(group);
    std::fs::write(group.0.join(file), "67108864").unwrap();
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    std::fs::write(group.0.join("cgroup.procs"), child.id().to_string()).unwrap();
    let limits = read_of(&root, &hierarchies, child.id(), &mut Vec::new());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(limits.map(|limits| limits.memory), Reading::Known(Some(Bytes(64 << 20))));
}
