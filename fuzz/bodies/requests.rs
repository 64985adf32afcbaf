//! What clients send: whatever comes, it is understood or refused.

use procyon_api::outside;

pub fn run(bytes: &[u8]) {
    outside::certificate(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        outside::query(text);
        outside::message(text);
        outside::head(text);
    }
}
