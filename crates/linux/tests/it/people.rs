//! Users, groups and log-ins.

use std::path::PathBuf;

use procyon_linux::root::Root;
use procyon_linux::users::accounts::Accounts;
use procyon_linux::users::{activity, sessions};
use procyon_units::Wall;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/linux").join(name)
}

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("procyon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn people_are_those_between_the_system_and_nobody() {
    let mut accounts = Accounts::default();
    assert!(accounts.refresh(&Root::at(&fixture("server-3.10"))));
    let names: Vec<&str> = accounts.people().map(|account| &*account.name).collect();
    assert_eq!(names, ["ada", "bob", "eve"]);
    let roots: Vec<&str> = accounts.with_root_rights().map(|account| &*account.name).collect();
    assert_eq!(roots, ["root", "ada"]);
    assert_eq!(accounts.name(1001).map(|name| &**name), Some("bob"));
    assert_eq!(accounts.group_name(10), Some("wheel"));
}

#[test]
fn accounts_are_read_again_only_when_a_file_changes() {
    let dir = Scratch::new("accounts");
    dir.write("etc/passwd", b"root:x:0:0::/:/bin/sh\n");
    let (root, mut accounts) = (Root::at(&dir.0), Accounts::default());
    assert!(accounts.refresh(&root));
    assert!(!accounts.refresh(&root));
    dir.write("etc/passwd", b"root:x:0:0::/:/bin/sh\nnew:x:1000:1000::/:/bin/sh\n");
    assert!(accounts.refresh(&root));
    assert_eq!(accounts.name(1000).map(|name| &**name), Some("new"));
}

#[test]
fn live_names_are_those_of_getent() {
    let mut accounts = Accounts::default();
    accounts.refresh(&Root::live());
    assert_eq!(accounts.name(0).map(|name| &**name), Some("root"));
}

/// A record of a log-in as the C library writes it on this machine.
fn record(pid: u32, line: &str, user: &str, host: &str, time: u32) -> Vec<u8> {
    let (size, seconds) = if cfg!(target_arch = "aarch64") { (400, 344) } else { (384, 340) };
    let mut bytes = vec![0; size];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &7_u16.to_ne_bytes());
    put(4, &pid.to_ne_bytes());
    put(8, line.as_bytes());
    put(44, user.as_bytes());
    put(76, host.as_bytes());
    put(seconds, &time.to_ne_bytes());
    bytes
}

#[test]
fn records_of_ended_processes_are_no_sessions() {
    let dir = Scratch::new("utmp");
    dir.write("proc/4084/stat", b"");
    dir.write("dev/pts/0", b"");
    let utmp =
        [record(4084, "pts/0", "ada", "192.0.2.7", 1_700_000_000), record(99_999, "pts/1", "bob", "", 1_700_000_100)];
    dir.write("run/utmp", &utmp.concat());
    let sessions = sessions::read(&Root::at(&dir.0), &mut Vec::new());
    let users: Vec<_> = sessions.iter().map(|one| (&*one.user, &*one.tty, &*one.from, one.pid)).collect();
    assert_eq!(users, [("ada", "pts/0", "192.0.2.7", 4084)]);
    let typed = sessions[0].typed.expect("the terminal has an access time");
    assert_eq!(sessions[0].idle(Wall(typed.0 + 5_000_000_000)), Some(std::time::Duration::from_secs(5)));
}

#[test]
fn sessions_of_logind_are_found_without_utmp() {
    let sessions = sessions::read(&Root::at(&fixture("workstation-6.8")), &mut Vec::new());
    let users: Vec<_> = sessions.iter().map(|one| (&*one.user, &*one.tty, one.login.unix_ms())).collect();
    // The greeter is nobody; bob's leader has ended.
    assert_eq!(users, [("ada", "tty2", 1_718_000_100_000)]);
}

#[test]
fn the_most_recently_active_come_first() {
    let dir = Scratch::new("activity");
    dir.write(
        "etc/passwd",
        b"root:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\ncy:x:1002:1002::/:/bin/sh\n",
    );
    let wtmp = [
        record(1, "pts/0", "ada", "", 1_600_000_000),
        record(2, "pts/1", "bob", "", 1_600_000_500),
        record(3, "x", "gone", "", 1_600_000_900),
    ];
    dir.write("var/log/wtmp", &wtmp.concat());
    let mut lastlog = vec![0_u8; 292 * 1003];
    lastlog[292 * 1002..292 * 1002 + 4].copy_from_slice(&1_600_000_200_u32.to_ne_bytes());
    dir.write("var/log/lastlog", &lastlog);
    let (root, mut accounts) = (Root::at(&dir.0), Accounts::default());
    accounts.refresh(&root);
    let recent = activity::recent(&root, &accounts, &[]);
    let names: Vec<&str> = recent.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["bob", "cy", "ada"]);
}
