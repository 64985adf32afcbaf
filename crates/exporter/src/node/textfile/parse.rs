//! The text format 0.0.4 as others write it, read strictly: one mistake and the whole file is left out.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::metric::{Kind, Label, Labels, Part, Sample};

/// A family as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    pub(super) name: String,
    pub(super) help: Option<String>,
    pub(super) kind: Kind,
    pub(super) samples: Vec<Sample>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(super) struct Mistake {
    line: usize,
    problem: &'static str,
}

/// The most samples of one file.
const MOST_SAMPLES: usize = 200_000;

struct Families {
    all: Vec<Parsed>,
    index: HashMap<String, usize>,
}

impl Families {
    fn get(&mut self, name: &str) -> Option<&mut Parsed> {
        let at = *self.index.entry(name.to_owned()).or_insert_with(|| {
            self.all.push(Parsed { name: name.to_owned(), help: None, kind: Kind::Untyped, samples: Vec::new() });
            self.all.len() - 1
        });
        self.all.get_mut(at)
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        self.index.get(name).and_then(|at| self.all.get(*at)).map(|family| family.kind)
    }

    /// The family that a sample belongs to, and which part of it it is.
    fn place<'a>(&self, name: &'a str) -> (&'a str, Part) {
        let fits = |suffix: &str, kinds: &[Kind]| {
            let base = name.strip_suffix(suffix)?;
            self.kind(base).filter(|kind| kinds.contains(kind)).map(|_| base)
        };
        if let Some(base) = fits("_bucket", &[Kind::Histogram]) {
            return (base, Part::Bucket);
        }
        let both = [Kind::Histogram, Kind::Summary];
        if let Some(base) = fits("_sum", &both) {
            return (base, Part::Sum);
        }
        fits("_count", &both).map_or((name, Part::Value), |base| (base, Part::Count))
    }
}

/// Reads a file.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Parsed>, Mistake> {
    let text = std::str::from_utf8(text).map_err(|_| Mistake { line: 0, problem: "is not UTF-8" })?;
    // A file that is still being written would be taken with half a number.
    if text.rsplit('\n').next().is_some_and(|last| !last.trim_matches([' ', '\t']).is_empty()) {
        return Err(Mistake { line: 0, problem: "the last line has no end" });
    }
    let mut families = Families { all: Vec::new(), index: HashMap::new() };
    let mut typed = HashSet::new();
    let mut count = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        let fault = |problem| Mistake { line, problem };
        let content = content.trim_matches([' ', '\t', '\r']);
        if let Some(comment) = content.strip_prefix('#') {
            self::comment(comment, &mut families, &mut typed).map_err(fault)?;
        } else if !content.is_empty() {
            count += 1;
            if count > MOST_SAMPLES {
                return Err(fault("more samples than are taken from one file"));
            }
            let (name, labels, value) = self::sample(content).map_err(fault)?;
            let (base, part) = families.place(name);
            if let Some(family) = families.get(base) {
                family.samples.push(Sample { part, labels, value });
            }
        }
    }
    families.all.retain(|family| !family.samples.is_empty());
    for family in &families.all {
        check(family)?;
    }
    Ok(families.all)
}

/// No sample twice.
fn check(family: &Parsed) -> Result<(), Mistake> {
    let mut seen = HashSet::new();
    for sample in &family.samples {
        if !seen.insert((sample.part.suffix(), &sample.labels)) {
            return Err(Mistake { line: 0, problem: "the same sample stands there twice" });
        }
    }
    Ok(())
}

fn comment(comment: &str, families: &mut Families, typed: &mut HashSet<String>) -> Result<(), &'static str> {
    let mut words = comment.trim_start_matches([' ', '\t']).splitn(3, [' ', '\t']);
    let (keyword, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim());
    let rest = words.next().unwrap_or_default();
    match keyword {
        "HELP" => {
            if !is_name(name) {
                return Err("HELP without a name");
            }
            let Some(family) = families.get(name) else { return Ok(()) };
            if family.help.is_some() {
                return Err("a second HELP for one name");
            }
            family.help = Some(unescape_help(rest.trim_start_matches([' ', '\t'])));
        }
        "TYPE" => {
            if !is_name(name) {
                return Err("TYPE without a name");
            }
            let kind = match &*rest.trim().to_ascii_lowercase() {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                "untyped" => Kind::Untyped,
                "histogram" => Kind::Histogram,
                "summary" => Kind::Summary,
                _ => return Err("an unknown TYPE"),
            };
            if !typed.insert(name.to_owned()) {
                return Err("a second TYPE for one name");
            }
            let Some(family) = families.get(name) else { return Ok(()) };
            if !family.samples.is_empty() {
                return Err("TYPE after the first sample");
            }
            family.kind = kind;
        }
        _ => {}
    }
    Ok(())
}

fn unescape_help(text: &str) -> String {
    text.replace("\\\\", "\u{0}").replace("\\n", "\n").replace('\u{0}', "\\")
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '_' | ':'))
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':'))
}

type Taken<'a> = (&'a str, Labels, f64);

fn sample(line: &str) -> Result<Taken<'_>, &'static str> {
    let end = line.find(['{', ' ', '\t']).ok_or("a name without a value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return Err("no name of a metric");
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (mut labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => self::labels(rest)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = words.next().ok_or("no value")?;
    let value = go_float(value).ok_or("a value that is no number")?;
    if words.next().is_some() {
        return Err("a timestamp, which is not supported");
    }
    labels.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    if labels.windows(2).any(|pair| matches!(pair, [one, other] if one.0 == other.0)) {
        return Err("a label twice");
    }
    Ok((name, labels.into_iter().collect(), value))
}

/// Numbers as Go takes them, `Inf` and `NaN` in any case.
fn go_float(word: &str) -> Option<f64> {
    word.parse().ok()
}

type Labelled<'a> = (Vec<Label>, &'a str);

fn labels(mut rest: &str) -> Result<Labelled<'_>, &'static str> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once('=').ok_or("a label without a value")?;
        let name = name.trim();
        if !is_name(name) || name.contains(':') {
            return Err("no name of a label");
        }
        let after = after.trim_start_matches([' ', '\t']).strip_prefix('"').ok_or("a label's value without quotes")?;
        let (value, after) = quoted(after)?;
        labels.push((Cow::Owned(name.to_owned()), value.into()));
        rest = after.trim_start_matches([' ', '\t']);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("neither a comma nor a brace after a label"),
        }
    }
}

fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                _ => return Err("an unknown escape in a label's value"),
            },
            letter => value.push(letter),
        }
    }
    Err("a label's value that does not end")
}

/// Gives every sample every label of its family, empty where it had none.
pub(super) fn fill_labels(samples: &mut [Sample]) {
    let is_own = |part: Part, name: &str| matches!((part, name), (Part::Bucket, "le") | (Part::Value, "quantile"));
    let mut names: BTreeSet<Cow<'static, str>> = BTreeSet::new();
    for sample in samples.iter() {
        names.extend(sample.labels.iter().map(|label| label.0.clone()).filter(|name| !is_own(sample.part, name)));
    }
    for sample in samples {
        let missing: Vec<_> =
            names.iter().filter(|name| !sample.labels.iter().any(|label| label.0 == **name)).cloned().collect();
        if missing.is_empty() {
            continue;
        }
        let missing = missing.into_iter().map(|name| (name, Arc::from("")));
        sample.labels = sample.labels.iter().cloned().chain(missing).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_read() {
        let text = "# HELP a_total What \\\\ it\\nis.\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\",b = \"1\",} 1e3\n\n  c NaN  \n";
        let all = parse(text.as_bytes()).unwrap();
        let first = all.first().unwrap();
        assert_eq!((first.help.as_deref(), first.kind), (Some("What \\ it\nis."), Kind::Counter));
        let sample = first.samples.first().unwrap();
        let labels: Vec<_> = sample.labels.iter().map(|label| (&*label.0, &*label.1)).collect();
        assert_eq!((labels, sample.value), (vec![("b", "1"), ("x", "q\"\\\n")], 1000.0));
        assert!(all.get(1).unwrap().samples.first().unwrap().value.is_nan());
    }

    #[test]
    fn parts_of_histograms_and_summaries_are_put_together() {
        let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
            # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\nother_sum 4\n";
        let all = parse(text.as_bytes()).unwrap();
        let parts: Vec<_> = all
            .iter()
            .map(|family| (&*family.name, family.samples.iter().map(|sample| sample.part).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            parts,
            [
                ("h", vec![Part::Bucket, Part::Bucket, Part::Sum, Part::Count]),
                ("s", vec![Part::Value, Part::Sum, Part::Count]),
                ("other_sum", vec![Part::Value]),
            ]
        );
    }

    #[test]
    fn one_mistake_leaves_out_the_file() {
        for text in [
            "a 1 1234567890",
            "a",
            "a x",
            "1a 1",
            "a{b} 1",
            "a{b=\"1\" 1",
            "a{b=\"1} 1",
            "a{b=\"\\x\"} 1",
            "a{b=\"1\",b=\"2\"} 1",
            "a 1\na 2",
            "# TYPE a counter\n# TYPE a counter\na 1",
            "# TYPE a strange\na 1",
            "a 1\n# TYPE a counter",
            "# HELP a x\n# HELP a y\na 1",
        ] {
            assert!(parse(format!("{text}\n").as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"a{b=\"\xff\"} 1\n").is_err());
    }

    #[test]
    fn a_last_line_has_an_end_and_types_are_spelled_as_anybody_likes() {
        for (text, is_taken) in [
            ("", true),
            ("a 1\n", true),
            ("a 1\n \t", true),
            ("a 1", false),
            ("a 1\nb 1", false),
            ("a 1\n# EOF", false),
            ("# TYPE a Counter\na 1\n", true),
            ("# TYPE a GAUGE\na 1\n", true),
        ] {
            assert_eq!(parse(text.as_bytes()).is_ok(), is_taken, "{text:?}");
        }
        let all = parse(b"# TYPE a Counter\na 1\n").unwrap();
        assert_eq!(all.first().map(|family| family.kind), Some(Kind::Counter));
    }

    #[test]
    fn missing_labels_are_filled() {
        let mut all = parse(b"a{x=\"1\"} 1\na{y=\"2\"} 2\n").unwrap();
        let samples = &mut all.first_mut().unwrap().samples;
        fill_labels(samples);
        let labels: Vec<Vec<_>> =
            samples.iter().map(|sample| sample.labels.iter().map(|label| (&*label.0, &*label.1)).collect()).collect();
        assert_eq!(labels, [[("x", "1"), ("y", "")], [("x", ""), ("y", "2")]]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _result = parse(&text);
        }

        #[test]
        fn nothing_that_looks_right_panics(text in "(# (HELP|TYPE) )?[a{}=\",\\\\n 1\n]{0,80}") {
            let _result = parse(text.as_bytes());
        }
    }
}
