//! Whatever people type as an address is one or is refused; the body is that of a fuzz target.

#[path = "../../../../fuzz/bodies/addresses.rs"]
mod addresses;

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_answered(text in "(https?://|ftp://)?[ -~é\\[\\]:/@?#]{0,40}") {
        addresses::run(text.as_bytes());
    }
}
