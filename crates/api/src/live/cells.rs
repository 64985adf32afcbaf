//! What counts as a change: numbers are rounded to what a screen can show, and ages never change.

use std::hash::{Hash, Hasher};

use procyon_model::Value;
use procyon_model::catalogue::{Meta, Unit};

/// A number rounded so that noise is no change. Right to 0.0001 cores, a byte a second, a hundredth of a second.
pub(super) fn rounded<'a>(meta: &Meta, value: Value<'a>) -> Value<'a> {
    let Value::Float(number) = value else { return value };
    let steps = match meta.unit {
        Unit::Cores | Unit::Ratio => 10_000.0,
        Unit::BytesPerSecond | Unit::BitsPerSecond | Unit::Hertz => 1.0,
        Unit::PerSecond | Unit::Celsius => 10.0,
        _ => 100.0,
    };
    Value::Float((number * steps).round() / steps)
}

/// A text cut to what a row shows, with an ellipsis; whole characters only where it is text at all.
pub(super) fn cut(bytes: &[u8], most: usize) -> Option<String> {
    let head = bytes.get(..most).filter(|_| bytes.len() > most)?;
    let text = String::from_utf8_lossy(head);
    // The last character may have been cut in two.
    Some(format!("{}…", text.trim_end_matches(char::REPLACEMENT_CHARACTER)))
}

/// Whether clients work it out by themselves, so that it never counts as a change.
fn flows(meta: &Meta) -> bool {
    meta.unit == Unit::Seconds && (meta.id == "age" || meta.id == "pss_age")
}

/// What is remembered of a value to see whether it changed: the number itself, or a hash of text.
pub(super) fn print_of(meta: &Meta, value: &Value<'_>) -> u64 {
    if flows(meta) {
        return 0;
    }
    match value {
        Value::Unknown => u64::MAX,
        Value::Bool(value) => u64::from(*value),
        Value::Uint(value) => *value,
        Value::Int(value) => value.cast_unsigned(),
        Value::Float(value) => value.to_bits(),
        Value::Text(bytes) => {
            let mut hasher = std::hash::DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use procyon_model::catalogue;

    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("abcdé".as_bytes(), 6), None);
        assert_eq!(cut("abcdéf".as_bytes(), 5).as_deref(), Some("abcd…"));
        assert_eq!(cut("abcdef".as_bytes(), 5).as_deref(), Some("abcde…"));
    }

    #[test]
    fn noise_and_age_are_no_change() {
        let print = |id: &str, value: Value<'_>| {
            let meta = &catalogue::process(id).unwrap().meta;
            print_of(meta, &rounded(meta, value))
        };
        assert_eq!(print("cpu", Value::Float(0.18001)), print("cpu", Value::Float(0.18004)));
        assert_ne!(print("cpu", Value::Float(0.18)), print("cpu", Value::Float(0.1802)));
        assert_eq!(print("age", Value::Float(1.0)), print("age", Value::Float(2.0)));
        assert_ne!(print("rss", Value::Unknown), print("rss", Value::Uint(0)));
        assert_ne!(print("cmd", Value::text(b"a")), print("cmd", Value::text(b"b")));
    }
}
