//! One figure of one row, as every consumer sees it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::Duration;

use procyon_units::{Bytes, Celsius, Cores, CpuTime, PerSecond, Ratio, Reading, Wall};

/// A value in the base unit that the catalogue names for its figure. `Unknown` is never zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Not known: not readable, not supported, not read yet, or without meaning for this row.
    Unknown,
    /// Yes or no.
    Bool(bool),
    /// A count, bytes, milliseconds since 1970.
    Uint(u64),
    /// A count that may be negative (nice values).
    Int(i64),
    /// A measured quantity: cores, seconds, per second, ratio.
    Float(f64),
    /// Kernel text: bytes until a face shows it.
    Text(Cow<'a, [u8]>),
}

impl<'a> Value<'a> {
    /// Text that the row holds.
    pub const fn text(bytes: &'a [u8]) -> Self {
        Self::Text(Cow::Borrowed(bytes))
    }

    /// Text that the row holds; empty text is unknown.
    pub const fn text_or_unknown(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() { Self::Unknown } else { Self::text(bytes) }
    }

    /// The number, if this is one.
    #[expect(clippy::cast_precision_loss, reason = "for order and arithmetic 53 bits are enough")]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Uint(value) => Some(*value as f64),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Unknown | Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// Total order for sorting: unknown before everything, numbers by value, text by bytes without regard to ASCII case.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => {
                let lower = |bytes: &[u8]| bytes.to_ascii_lowercase();
                if a == b { Ordering::Equal } else { lower(a).cmp(&lower(b)) }
            }
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Bool(_) => 1,
            Self::Uint(_) | Self::Int(_) | Self::Float(_) => 2,
            Self::Text(_) => 3,
        }
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Uint(u64::from(value))
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Bytes> for Value<'_> {
    fn from(value: Bytes) -> Self {
        Self::Uint(value.0)
    }
}

impl From<CpuTime> for Value<'_> {
    fn from(value: CpuTime) -> Self {
        Self::Float(value.seconds())
    }
}

impl From<Duration> for Value<'_> {
    fn from(value: Duration) -> Self {
        Self::Float(value.as_secs_f64())
    }
}

impl From<Wall> for Value<'_> {
    fn from(value: Wall) -> Self {
        Self::Int(value.unix_ms())
    }
}

macro_rules! from_measured {
    ($($name:ident),*) => {
        $(impl From<$name> for Value<'_> {
            fn from(value: $name) -> Self {
                Self::Float(value.0)
            }
        })*
    };
}

from_measured!(Cores, PerSecond, Ratio, Celsius);

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

impl<'a, T: Copy + Into<Value<'a>>> From<&Reading<T>> for Value<'a> {
    fn from(value: &Reading<T>) -> Self {
        value.get().copied().into()
    }
}
