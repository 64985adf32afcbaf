//! What an expression is checked against and what it is evaluated over.

use std::fmt;

use procyon_model::Value;
use procyon_model::catalogue::{Figure, Unit};

/// Which field of a schema: its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIx(pub u16);

/// What kind of values a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Yes or no.
    Bool,
    /// A number and what it measures.
    Number(Measure),
    /// Bytes, by rule UTF-8.
    Text,
}

/// What a number measures, so that `rss >= 5.min` is a mistake and not a filter that never matches.
/// `Plain` goes with everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// A count, a ratio, an identifier.
    Plain,
    /// Bytes or bytes a second.
    Bytes,
    /// Seconds.
    Seconds,
    /// Processors in use.
    Cores,
    /// Milliseconds since 1970.
    Instant,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "a plain number",
            Self::Bytes => "in bytes",
            Self::Seconds => "in seconds",
            Self::Cores => "in cores",
            Self::Instant => "a point in time",
        })
    }
}

impl From<Unit> for Type {
    fn from(unit: Unit) -> Self {
        Self::Number(match unit {
            Unit::Text => return Self::Text,
            Unit::Bool => return Self::Bool,
            Unit::Bytes | Unit::BytesPerSecond => Measure::Bytes,
            Unit::Seconds => Measure::Seconds,
            Unit::Cores => Measure::Cores,
            Unit::UnixMs => Measure::Instant,
            _ => Measure::Plain,
        })
    }
}

/// The fields that an expression may name.
pub trait Schema {
    /// The field with this name.
    fn field(&self, name: &str) -> Option<(FieldIx, Type)>;

    /// All names, for suggestions.
    fn names(&self) -> Vec<&str>;
}

/// One row of values.
pub trait Row {
    /// The value of a field. [`Value::Unknown`] where there is none, also for a field that the row does not have.
    fn value(&self, field: FieldIx) -> Value<'_>;
}

/// A table of the catalogue as a schema: every figure is a field, named by its id.
#[derive(Debug)]
pub struct Figures<R: 'static>(pub &'static [Figure<R>]);

impl<R> Clone for Figures<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Figures<R> {}

impl<R> Figures<R> {
    /// `row` as seen through this table.
    pub const fn row<'r>(&self, row: &'r R) -> FigureRow<'r, R> {
        FigureRow { figures: self.0, row }
    }
}

impl<R> Schema for Figures<R> {
    fn field(&self, name: &str) -> Option<(FieldIx, Type)> {
        let position = self.0.iter().position(|figure| figure.meta.id == name)?;
        let figure = self.0.get(position)?;
        Some((FieldIx(u16::try_from(position).ok()?), figure.meta.unit.into()))
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|figure| figure.meta.id).collect()
    }
}

/// A row of a table of the catalogue.
#[derive(Debug)]
pub struct FigureRow<'r, R: 'static> {
    figures: &'static [Figure<R>],
    row: &'r R,
}

impl<R> Row for FigureRow<'_, R> {
    fn value(&self, field: FieldIx) -> Value<'_> {
        self.figures.get(usize::from(field.0)).map_or(Value::Unknown, |figure| (figure.value)(self.row))
    }
}
