//! Parsers take whatever bytes come: random ones, and captured files with bytes changed, cut and doubled.

use std::path::PathBuf;

use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/kernel_files.rs"]
mod kernel_files;

use kernel_files::run as parse_everything;

/// All captured files and some of the live machine.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut dirs = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/linux")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else {
                seeds.push(std::fs::read(entry.path()).unwrap());
            }
        }
    }
    for live in ["net/tcp", "net/udp6", "self/mountinfo", "self/status", "cpuinfo"] {
        seeds.extend(std::fs::read(PathBuf::from("/proc").join(live)));
    }
    assert!(seeds.len() > 50);
    seeds
}

proptest! {
    #[test]
    fn on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        parse_everything(&bytes);
    }

    #[test]
    fn on_text_of_the_right_kind(text in "[0-9a-fA-F:/\\\\ \t\n.,=\\-\\[\\]a-zé]{0,300}") {
        parse_everything(text.as_bytes());
    }

    #[test]
    fn on_captured_files_with_damage(
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
}
