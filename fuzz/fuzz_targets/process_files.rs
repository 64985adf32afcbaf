#![no_main]

#[path = "../bodies/process_files.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
