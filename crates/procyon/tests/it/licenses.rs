//! Whoever has the binary has the notices that go with it.

use crate::bench::Bench;

#[test]
fn the_binary_carries_its_licence_and_the_notices_of_others() {
    let said = Bench::new().run(&["licenses"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for words in
        ["Apache License", "TERMS AND CONDITIONS", "rustls-webpki", "svelte (page)", "Permission is hereby granted"]
    {
        assert!(said.out.contains(words), "{words}");
    }
}
