//! The typed tree over one row. Nothing is allocated, but for the search buffers that a regular expression keeps.

use std::borrow::Cow;
use std::cmp::Ordering;

use procyon_model::Value;

use crate::number::Number;
use crate::schema::{FieldIx, Row};
use crate::syntax::{Calculation, Comparison};
use crate::tree::{Amount, Test, TextSet, Words};

impl Test {
    /// `None` is unknown.
    pub(crate) fn eval<R: Row + ?Sized>(&self, row: &R) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Field(field) => match row.value(*field) {
                Value::Bool(value) => Some(value),
                _ => None,
            },
            Self::Has(field) => Some(match row.value(*field) {
                Value::Unknown => false,
                Value::Float(value) => !value.is_nan(),
                _ => true,
            }),
            Self::Not(test) => test.eval(row).map(|value| !value),
            Self::All(tests) => fold(tests, row, false),
            Self::Any(tests) => fold(tests, row, true),
            Self::Numbers(comparison, left, right) => Some(comparison.holds(left.eval(row)?.order(right.eval(row)?))),
            Self::Texts(comparison, left, right) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                Some(match comparison {
                    Comparison::Equal => left.equals(&right),
                    Comparison::NotEqual => !left.equals(&right),
                    _ => comparison.holds(left.order(&right)),
                })
            }
            Self::Same(left, right) => Some(left.eval(row)? == right.eval(row)?),
            Self::NumberIn(value, items) => {
                let value = value.eval(row)?;
                any_known(items.iter().map(|item| item.eval(row).map(|item| item.order(value).is_eq())))
            }
            Self::TextIn(value, items) => {
                let value = value.eval(row)?;
                match items {
                    TextSet::Constants(items) => {
                        Some(items.binary_search_by(|item| value.order_against(item).reverse()).is_ok())
                    }
                    TextSet::Mixed(items) => {
                        any_known(items.iter().map(|item| item.eval(row).map(|item| item.equals(&value))))
                    }
                }
            }
            Self::Contains(text, part) => Some(text.eval(row)?.contains(&part.eval(row)?)),
            Self::StartsWith(text, part) => Some(text.eval(row)?.starts_with(&part.eval(row)?)),
            Self::EndsWith(text, part) => Some(text.eval(row)?.ends_with(&part.eval(row)?)),
            Self::Matches(text, regex) => Some(regex.is_match(&text.eval(row)?.folded())),
            Self::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                if condition.eval(row)? { yes.eval(row) } else { no.eval(row) }
            }
        }
    }
}

/// `&&` (`decisive` = false) and `||` (true): one decisive part settles it, whatever is unknown beside it.
fn fold<R: Row + ?Sized>(tests: &[Test], row: &R, decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for test in tests {
        match test.eval(row) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

/// Whether one is true; unknown where none is but one is not known.
fn any_known(items: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(false);
    for item in items {
        match item {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

impl Amount {
    fn eval<R: Row + ?Sized>(&self, row: &R) -> Option<Number> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Field(field) => match row.value(*field) {
                Value::Uint(value) => Some(Number::Uint(value)),
                Value::Int(value) => Some(Number::Int(value)),
                Value::Float(value) if !value.is_nan() => Some(Number::Float(value)),
                _ => None,
            },
            Self::Negate(amount) => Some(amount.eval(row)?.negate()),
            Self::Calculate(calculation, parts) => {
                let [left, right] = &**parts;
                calculation.of(left.eval(row)?, right.eval(row)?)
            }
            Self::Size(text) => Some(Number::Uint(text.eval(row)?.characters())),
            Self::Choose(parts) => {
                let (condition, yes, no) = &**parts;
                if condition.eval(row)? { yes.eval(row) } else { no.eval(row) }
            }
        }
    }
}

impl Calculation {
    /// Unknown where the result is no number.
    pub(crate) fn of(self, left: Number, right: Number) -> Option<Number> {
        match self {
            Self::Add => left.add(right),
            Self::Subtract => left.subtract(right),
            Self::Multiply => left.multiply(right),
            Self::Divide => left.divide(right),
            Self::Remainder => left.remainder(right),
        }
    }
}

/// A text while it is compared: `lower()` is a flag, so that nothing needs to be copied.
struct Text<'a> {
    bytes: Cow<'a, [u8]>,
    lower: bool,
}

impl Words {
    fn eval<'a, R: Row + ?Sized>(&'a self, row: &'a R) -> Option<Text<'a>> {
        match self {
            Self::Constant(bytes) => Some(Text { bytes: Cow::Borrowed(bytes), lower: false }),
            Self::Field(field) => text_field(row, *field),
            Self::Lower(words) => words.eval(row).map(|text| Text { lower: true, ..text }),
            Self::Choose(parts) => {
                let (condition, yes, no) = &**parts;
                if condition.eval(row)? { yes.eval(row) } else { no.eval(row) }
            }
        }
    }
}

fn text_field<R: Row + ?Sized>(row: &R, field: FieldIx) -> Option<Text<'_>> {
    match row.value(field) {
        Value::Text(bytes) => Some(Text { bytes, lower: false }),
        _ => None,
    }
}

impl Text<'_> {
    fn byte(&self, byte: u8) -> u8 {
        if self.lower { byte.to_ascii_lowercase() } else { byte }
    }

    fn iter(&self) -> impl Iterator<Item = u8> {
        self.bytes.iter().map(|byte| self.byte(*byte))
    }

    fn same(&self, part: &[u8], other: &Text<'_>, other_part: &[u8]) -> bool {
        if self.lower || other.lower {
            part.len() == other_part.len() && part.iter().zip(other_part).all(|(a, b)| self.byte(*a) == other.byte(*b))
        } else {
            part == other_part
        }
    }

    fn equals(&self, other: &Text<'_>) -> bool {
        self.same(&self.bytes, other, &other.bytes)
    }

    fn order(&self, other: &Text<'_>) -> Ordering {
        self.iter().cmp(other.iter())
    }

    fn order_against(&self, bytes: &[u8]) -> Ordering {
        if self.lower { self.iter().cmp(bytes.iter().copied()) } else { self.bytes.as_ref().cmp(bytes) }
    }

    fn starts_with(&self, part: &Text<'_>) -> bool {
        self.bytes.get(..part.bytes.len()).is_some_and(|head| self.same(head, part, &part.bytes))
    }

    fn ends_with(&self, part: &Text<'_>) -> bool {
        let start = self.bytes.len().checked_sub(part.bytes.len());
        let tail = start.and_then(|start| self.bytes.get(start..));
        tail.is_some_and(|tail| self.same(tail, part, &part.bytes))
    }

    fn contains(&self, part: &Text<'_>) -> bool {
        let Some(first) = part.bytes.first().map(|byte| part.byte(*byte)) else {
            return true;
        };
        self.bytes.windows(part.bytes.len()).any(|window| {
            window.first().is_some_and(|byte| self.byte(*byte) == first) && self.same(window, part, &part.bytes)
        })
    }

    /// Characters, counted by the bytes that do not continue one.
    fn characters(&self) -> u64 {
        self.bytes.iter().map(|byte| u64::from(byte & 0xC0 != 0x80)).sum()
    }

    /// For a regular expression, which wants the bytes as they are: copied only if `lower()` changes them.
    fn folded(&self) -> Cow<'_, [u8]> {
        if self.lower && self.bytes.iter().any(u8::is_ascii_uppercase) {
            Cow::Owned(self.bytes.to_ascii_lowercase())
        } else {
            Cow::Borrowed(&self.bytes)
        }
    }
}
