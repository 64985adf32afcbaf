//! Addresses that people type: whatever text comes, it is one or is refused.

pub fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        procyon_client::is_address(text);
    }
}
