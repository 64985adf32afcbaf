//! A small schema and rows of it, written as text: `name=mysqld cpu=0.5 rss=1048576`.

use procyon_expr::{FieldIx, Measure, Row, Schema, Type};
use procyon_model::Value;

const FIELDS: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("cmd", Type::Text),
    ("user", Type::Text),
    ("pid", Type::Number(Measure::Plain)),
    ("label", Type::Text),
    ("cpu", Type::Number(Measure::Cores)),
    ("rss", Type::Number(Measure::Bytes)),
    ("pss", Type::Number(Measure::Bytes)),
    ("read", Type::Number(Measure::Bytes)),
    ("age", Type::Number(Measure::Seconds)),
    ("nice", Type::Number(Measure::Plain)),
    ("kthread", Type::Bool),
    ("start", Type::Number(Measure::Instant)),
    ("process.threads", Type::Number(Measure::Plain)),
];

pub struct Fields;

impl Schema for Fields {
    fn field(&self, name: &str) -> Option<(FieldIx, Type)> {
        let position = FIELDS.iter().position(|(field, _)| *field == name)?;
        Some((FieldIx(u16::try_from(position).unwrap()), FIELDS[position].1))
    }

    fn names(&self) -> Vec<&str> {
        FIELDS.iter().map(|(name, _)| *name).collect()
    }
}

/// What is not named is unknown.
pub struct Sample(Vec<(u16, Value<'static>)>);

impl Sample {
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(Self::cell).collect())
    }

    pub fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.push((Fields.field(name).unwrap().0.0, Value::Text(bytes.to_vec().into())));
        self
    }

    fn cell(cell: &str) -> (u16, Value<'static>) {
        let (name, value) = cell.split_once('=').unwrap();
        let (field, kind) = Fields.field(name).unwrap();
        let value = match kind {
            Type::Bool => Value::Bool(value.parse().unwrap()),
            Type::Text => Value::Text(value.replace('_', " ").into_bytes().into()),
            Type::Number(_) if value.contains('.') => Value::Float(value.parse().unwrap()),
            Type::Number(_) if value.starts_with('-') => Value::Int(value.parse().unwrap()),
            Type::Number(_) => Value::Uint(value.parse().unwrap()),
        };
        (field.0, value)
    }
}

impl Row for Sample {
    fn value(&self, field: FieldIx) -> Value<'_> {
        self.0.iter().find(|(at, _)| *at == field.0).map_or(Value::Unknown, |(_, value)| value.clone())
    }
}
