//! Whatever comes in, the answer is a filter or an error whose position lies inside the text.

use procyon_expr::{Filter, PROCESS_WORDS, Query};
use proptest::prelude::*;

use crate::sample::{Fields, Sample};

#[path = "../../../../fuzz/bodies/filters.rs"]
mod filters;

const VALID: &[&str] = &[
    "cpu >= 2.0 || rss >= 10.GiB || read + 1 >= 10.MiB",
    "name in [\"nginx\", 'haproxy'] && !cmd.contains(\"worker\") // note",
    "has(pss) && pss / rss < 50.percent ? age > 5.min : cmd.lower().matches(r\"java.*\\.jar\")",
    "user == \"日志\\n\\x41\\u00e9\" && pid % 2 == 0x1F && -nice <= .5e-3 && b\"\\xff\" != name",
    "((((cpu > 1))) && kthread == true) || size(name) > process.threads",
];

fn answer(text: &str) -> Result<(), TestCaseError> {
    filters::run(text.as_bytes());
    let row = Sample::new("name=mysqld cpu=1.5 rss=7 nice=-3 kthread=true pid=9");
    for result in [
        Filter::compile(text, &Fields).map(|filter| filter.matches(&row)),
        Query::parse(text, &Fields, PROCESS_WORDS).map(|query| query.matches(&row)),
    ] {
        if let Err(error) = result {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?} in {text:?}", error.span);
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(error.message.contains("column"), "{}", error.message);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        answer(&text)?;
    }

    #[test]
    fn any_mix_of_tokens_is_answered(tokens in prop::collection::vec(prop::sample::select(vec![
        "cpu", "name", "kthread", "pss", "10", "1.5", ".GiB", ".min", "\"a\"", "'b'", "r'\\d'", "&&", "||", "!", "-", "==", "<",
        ">=", "in", "[", "]", "(", ")", ",", ".", "?", ":", "has(", ".contains(", ".lower()", ".matches(", "size(", "true", "null",
        "+", "/", "%", " ", "//", "\n", "é", "{", "and", "not", "0x", "1e", "u", "\\",
    ]), 0..40), blanks in any::<bool>()) {
        answer(&tokens.join(if blanks { " " } else { "" }))?;
    }

    #[test]
    fn damaged_expressions_are_answered(
        which in 0..VALID.len(), at in any::<prop::sample::Index>(), length in 0usize..6, with in "\\PC{0,3}",
    ) {
        let source = VALID[which];
        let start = source.floor_char_boundary(at.index(source.len()));
        let end = source.floor_char_boundary((start + length).min(source.len())).max(start);
        let mut damaged = source.to_owned();
        damaged.replace_range(start..end, &with);
        answer(&damaged)?;
        answer(&source[..start])?;
    }

    #[test]
    fn negation_turns_every_known_verdict(which in 0..VALID.len(), cpu in 0.0..4.0f64, rss in any::<u32>()) {
        let row = Sample::new(&format!("name=nginx cmd=worker user=a pid=7 cpu={cpu:.3} rss={rss} read=0 age=1.5 nice=0 kthread=true"));
        let source = VALID[which].split("//").next().unwrap();
        let plain = Filter::compile(source, &Fields).unwrap().evaluate(&row);
        let negated = Filter::compile(&format!("!({source})"), &Fields).unwrap().evaluate(&row);
        prop_assert_eq!(plain.map(|verdict| !verdict), negated);
    }
}

#[test]
fn the_valid_ones_are_valid() {
    for source in VALID {
        if let Err(error) = Filter::compile(source, &Fields) {
            panic!("{source}: {error}");
        }
    }
}
