//! Text 0.0.4 held against its rules.

use std::collections::{BTreeMap, BTreeSet};

use procyon_exporter::flags::Flags;
use procyon_exporter::{format, scrape, web};
use procyon_units::SystemClock;

/// Families and how many samples each has. Panics where the text breaks a rule.
pub(crate) fn read(text: &str) -> BTreeMap<String, usize> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
    let mut families: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let name = rest.split(' ').next().unwrap();
            assert!(families.insert(name.to_owned(), 0).is_none(), "{name} stands there twice");
            assert!(*name > *current, "{name} stands behind {current}");
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(rest.starts_with(&current), "{rest} stands below {current}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}: the value is no number");
            assert!(series.starts_with(&current), "{line} stands below {current}");
            assert!(seen.insert(series.to_owned()), "{series} stands there twice");
            *families.get_mut(&current).unwrap() += 1;
        }
    }
    families
}

/// Flags as a command line gives them.
pub(crate) fn flags(arguments: &[&str]) -> Flags {
    let mut flags = Flags::default();
    flags.declare(web::FLAGS);
    scrape::declare(&mut flags);
    flags.parse(arguments.iter().map(|argument| (*argument).to_owned())).unwrap();
    flags
}

/// One scrape of everything that these flags enable, as text. No two collectors serve the same sample.
pub(crate) fn scrape(arguments: &[&str]) -> String {
    let (text, mistakes) = scrape_anything(arguments);
    assert_eq!(mistakes, 0, "two collectors serve the same sample");
    text
}

/// One scrape, and how many samples did not fit: files that are spoiled may name a thing twice.
pub(crate) fn scrape_anything(arguments: &[&str]) -> (String, u64) {
    let collectors = scrape::Collectors::new(&flags(arguments), std::sync::Arc::new(SystemClock)).unwrap();
    let families = collectors.scrape(|_| true, None, |_| {});
    let mut text = String::new();
    format::write_text(&families, &mut text);
    (text, collectors.mistakes())
}

/// Switches that turn every collector on.
pub(crate) fn everything() -> Vec<String> {
    procyon_exporter::node::NODE.iter().map(|entry| format!("--collector.{}", entry.name)).collect()
}
