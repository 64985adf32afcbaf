//! Whatever clients send is understood or refused; the body is that of a fuzz target.

use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/requests.rs"]
mod requests;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        requests::run(&bytes);
    }

    #[test]
    fn any_mix_of_telling_parts_is_answered(parts in prop::collection::vec(prop::sample::select(vec![
        "q=", "sort=-", "limit=", "at=", "&", "?", "=", "%", "%00", "%ff", "+", "-15m", "2026-01-01T", "Z", "9".repeat(30).leak(), "{", "}", "\"", ":",
        "\"type\"", "\"subscribe\"", "\"q\"", "\"columns\"", "\"top\"", "\"by\"", "\"n\"", "[", "]", ",", "-1", "cpu", "null", "procyon_session=", ";",
        "[::1]", "localhost", "é", "\u{0}", "\\",
    ]), 0..30)) {
        requests::run(parts.concat().as_bytes());
    }

    #[test]
    fn damaged_messages_are_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let whole = r#"{"type":"subscribe","q":"cpu > 1 && name == \"a\"","sort":"-cpu","limit":5,"columns":["pid","cpu"],"top":{"by":"cpu","n":3},"view":"tree"}"#;
        let mut bytes = whole.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(whole.len()) + 1);
        requests::run(&bytes);
    }
}
