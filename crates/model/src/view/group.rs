//! Processes put together by what they have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalogue::{Aggregate, Figure};
use crate::process::ProcessRow;
use crate::value::Value;

/// Processes that share the value of one figure.
#[derive(Debug)]
pub struct Group<'a> {
    /// The value that they share; empty text where they have none.
    pub value: Box<[u8]>,
    /// The processes, in the order of the frame.
    pub members: Vec<&'a ProcessRow>,
}

impl<'a> Group<'a> {
    /// A figure of the whole group, put together as the catalogue says. Unknown members are left out of sums;
    /// a sum over unknown members alone is unknown.
    pub fn value_of(&self, figure: &Figure<ProcessRow>) -> Value<'a> {
        let mut values = self.members.iter().map(|row| (figure.value)(row)).filter(|v| !matches!(v, Value::Unknown));
        let Some(first) = values.next() else { return Value::Unknown };
        match figure.meta.aggregate {
            Aggregate::Sum => values.fold(first, |a, b| sum(&a, &b)),
            Aggregate::Max => values.fold(first, |a, b| if a.order(&b).is_lt() { b } else { a }),
            Aggregate::Min => values.fold(first, |a, b| if a.order(&b).is_gt() { b } else { a }),
            Aggregate::Same if values.all(|value| value == first) => first,
            Aggregate::Same => Value::Unknown,
        }
    }
}

fn sum(a: &Value<'_>, b: &Value<'_>) -> Value<'static> {
    match (a, b) {
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.saturating_add(*b)),
        (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(*b)),
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) => Value::Float(a + b),
            _ => Value::Unknown,
        },
    }
}

/// Groups processes by a figure, groups in the order of their value.
pub fn group<'a>(rows: &[&'a ProcessRow], by: &Figure<ProcessRow>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<Cow<'a, [u8]>, Vec<&'a ProcessRow>> = BTreeMap::new();
    for row in rows {
        let shared = match (by.value)(row) {
            Value::Text(text) => text,
            Value::Unknown => Cow::Borrowed(&b""[..]),
            Value::Bool(value) => Cow::Owned(value.to_string().into_bytes()),
            Value::Uint(value) => Cow::Owned(value.to_string().into_bytes()),
            Value::Int(value) => Cow::Owned(value.to_string().into_bytes()),
            Value::Float(value) => Cow::Owned(value.to_string().into_bytes()),
        };
        groups.entry(shared).or_default().push(row);
    }
    groups.into_iter().map(|(value, members)| Group { value: value.into(), members }).collect()
}
