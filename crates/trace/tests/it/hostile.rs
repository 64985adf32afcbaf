//! Nothing that a traced program passes stops us.

use proptest::prelude::*;

#[path = "../../../../fuzz/bodies/system_calls.rs"]
mod body;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_call_has_a_line(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        body::run(&bytes);
    }

    #[test]
    fn any_filter_is_one_or_an_error(text in "[!%?a-z0-9_,= ]{0,40}") {
        body::run(text.as_bytes());
    }
}
