//! Masking of command lines: whatever bytes come, arguments do not become more, and what is masked twice stays the same.

use procyon_model::mask::Masker;

pub fn run(bytes: &[u8]) {
    let masker = Masker::new::<&str>(&["x-secret"], false).expect("a plain word is a pattern");
    let mask = |argv: &[u8]| {
        let mut out = Vec::new();
        if masker.mask(argv, &mut out) { out } else { argv.to_vec() }
    };
    let once = mask(bytes);
    let arguments = |bytes: &[u8]| bytes.split(|byte| *byte == 0).count();
    assert!(arguments(&once) <= arguments(bytes), "{bytes:?} became {once:?}");
}
