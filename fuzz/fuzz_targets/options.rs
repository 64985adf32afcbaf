#![no_main]

#[path = "../bodies/options.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = std::env::temp_dir().join(format!("procyon-fuzz-{}.toml", std::process::id()));
    body::run(bytes, &at);
});
