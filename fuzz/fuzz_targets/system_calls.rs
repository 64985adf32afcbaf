#![no_main]

#[path = "../bodies/system_calls.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
