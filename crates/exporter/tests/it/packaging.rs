//! What comes with the exporter for systemd.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The unit files, sorted.
fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut units: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "service")).collect();
    units.sort();
    assert!(!units.is_empty());
    units
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_files() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped: systemd-analyze is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let verify = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let found = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        // Units of this machine may have faults of their own.
        (found.status.success(), said.lines().filter(|line| line.contains(name)).map(str::to_owned).collect::<Vec<_>>())
    };
    for unit in units() {
        let name = unit.file_name().unwrap().to_str().unwrap();
        // Procyon need not be installed here.
        let text = std::fs::read_to_string(&unit).unwrap().replace("/usr/bin/procyon", "/bin/true");
        assert_eq!(verify(name, &text), (true, Vec::new()), "{name}");
        let (_, faults) = verify(name, &text.replace("Restart=on-failure", "Restart=perhaps"));
        assert_eq!(faults.len(), 1, "a fault is not found in {name}: {faults:?}");
    }
}

#[test]
fn units_let_through_what_the_exporters_call() {
    for unit in units() {
        let text = std::fs::read_to_string(&unit).unwrap();
        let lines =
            |start: &str| text.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect::<Vec<_>>();
        // `--web.listen-address=vsock://`
        assert!(lines("RestrictAddressFamilies=").iter().all(|line| line.contains("AF_VSOCK")), "{}", unit.display());
        // `timex` calls adjtimex(2), which ProtectClock= filters.
        let runs_timex = text.contains("/usr/bin/procyon exporter");
        assert!(!runs_timex || lines("ProtectClock=").is_empty(), "{}", unit.display());
    }
}
