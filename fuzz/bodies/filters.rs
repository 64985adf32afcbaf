//! Filters: whatever text comes, the answer is a filter or an error whose position lies inside the text.

use procyon_expr::{FieldIx, Figures, Filter, PROCESS_WORDS, Query, Row, Schema, Type};
use procyon_model::Value;
use procyon_model::catalogue::PROCESS;

/// A row with a value of the right kind in every field but each fourth, which is unknown.
struct Sample;

impl Row for Sample {
    fn value(&self, field: FieldIx) -> Value<'_> {
        let kind = PROCESS.get(usize::from(field.0)).and_then(|figure| Figures(PROCESS).field(figure.meta.id));
        match kind {
            _ if field.0 % 4 == 3 => Value::Unknown,
            Some((_, Type::Bool)) => Value::Bool(true),
            Some((_, Type::Number(_))) if field.0.is_multiple_of(2) => Value::Uint(u64::MAX),
            Some((_, Type::Number(_))) => Value::Float(0.5),
            Some((_, Type::Text)) => Value::Text(b"mysqld \xff".as_slice().into()),
            None => Value::Unknown,
        }
    }
}

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let figures = Figures(PROCESS);
    for result in [
        Filter::compile(text, &figures).map(|filter| filter.matches(&Sample)),
        Query::parse(text, &figures, PROCESS_WORDS).map(|query| query.matches(&Sample)),
    ] {
        if let Err(error) = result {
            assert!(text.get(error.span.clone()).is_some(), "{:?} is outside of {text:?}", error.span);
            assert!(error.line >= 1 && error.column >= 1, "{error:?}");
        }
    }
}
