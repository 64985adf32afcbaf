//! Attempts tell what this process may do: as root everything, as nobody what is left.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use procyon_linux::privilege::attempt::{Attempt, Feature};
use procyon_linux::privilege::facts;
use procyon_linux::privilege::held::{self, Capability};
use procyon_linux::root::Root;
use procyon_units::Reading;

const NOBODY: u32 = 65_534;

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn root_reads_the_processes_of_others() {
    let other = Stopped(Command::new("sleep").arg("1000").uid(NOBODY).gid(NOBODY).spawn().unwrap());
    let root = Root::live();
    for feature in [Feature::ForeignIo, Feature::ForeignDescriptors, Feature::ForeignMemory, Feature::ForeignNamespace]
    {
        assert_eq!(feature.attempt(&root), Attempt::Granted, "{feature:?}");
    }
    for feature in
        [Feature::Pidfd, Feature::SockDiag, Feature::EnterNamespace, Feature::BpfIterator, Feature::BpfTracing]
    {
        assert_eq!(feature.attempt(&root), Attempt::Granted, "{feature:?}");
    }
    drop(other);
}

#[test]
fn every_attempt_ends_with_an_answer() {
    for feature in Feature::ALL {
        let outcome = feature.attempt(&Root::live());
        assert_eq!(outcome.message().is_some(), matches!(outcome, Attempt::Refused { .. }));
    }
}

/// Runs this test program again as `nobody`, so that the attempts are made without any capability.
#[test]
fn without_capabilities_attempts_are_refused_and_say_what_is_needed() {
    const VARIABLE: &str = "PROCYON_TEST_AS_NOBODY";
    if std::env::var_os(VARIABLE).is_some() {
        attempts_of_nobody();
        return;
    }
    // The build directory may be closed to nobody.
    let copy = std::env::temp_dir().join(format!("procyon-privileges-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let name = "privileges::without_capabilities_attempts_are_refused_and_say_what_is_needed";
    let mut command = Command::new(&copy);
    command.args(["--exact", name, "--nocapture"]).env(VARIABLE, "1").uid(NOBODY).gid(NOBODY).current_dir("/");
    let output = command.output().unwrap();
    std::fs::remove_file(&copy).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn attempts_of_nobody() {
    let root = Root::live();
    let Reading::Known(capabilities) = held::read(&root, &mut Vec::new()) else { panic!("status is there") };
    assert!(Capability::ALL.into_iter().all(|capability| !capabilities.has(capability)));
    let needs = |feature: Feature| match feature.attempt(&root) {
        Attempt::Refused { needs, .. } => needs,
        outcome => panic!("{feature:?}: {outcome:?}"),
    };
    for feature in [Feature::ForeignIo, Feature::ForeignDescriptors, Feature::ForeignMemory, Feature::ForeignNamespace]
    {
        assert_eq!(needs(feature), Some(Capability::SysPtrace), "{feature:?}");
    }
    assert_eq!(needs(Feature::EnterNamespace), Some(Capability::SysAdmin));
    assert_eq!(needs(Feature::BpfTracing), Some(Capability::Perfmon));
    assert_eq!(Feature::SockDiag.attempt(&root), Attempt::Granted);
    assert_eq!(Feature::Pidfd.attempt(&root), Attempt::Granted);
}

#[test]
fn the_kernel_tells_its_settings() {
    let facts = facts::read(&Root::live(), &mut Vec::new());
    assert!(facts.kernel.get().is_some_and(|kernel| kernel.is_at_least(3, 10)));
    assert_eq!(facts.btf, std::path::Path::new("/sys/kernel/btf/vmlinux").exists());
    assert_eq!(facts.hidepid, Reading::Known(0));
    assert!(held::limits().open_files.soft.is_none_or(|files| files > 0));
}
