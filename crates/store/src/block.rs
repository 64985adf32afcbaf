//! A block: a folder of Parquet files that holds what one or more logs told. `SEQ-SEQ-FROM-TO` is its name: the first and the
//! last segment in it, the instants of its first and last frame in Unix ms.

pub(crate) mod build;
pub(crate) mod chunk;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod manifest;
pub(crate) mod merge;
pub(crate) mod open;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod write;

use std::fmt;
use std::str::FromStr;

/// Ending of the name of a folder that is not whole.
pub(crate) const UNFINISHED: &str = ".tmp";

/// The name of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    /// Number of the first segment in it.
    pub(crate) first: u64,
    /// Number of the last segment in it.
    pub(crate) last: u64,
    /// Instant of its first frame, Unix ms.
    pub(crate) from_ms: i64,
    /// Instant of its last frame, Unix ms.
    pub(crate) to_ms: i64,
}

impl Name {
    /// Whether everything in the other one is in this one too.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        self != other && self.first <= other.first && self.last >= other.last
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}-{:016}-{}-{}", self.first, self.last, self.from_ms, self.to_ms)
    }
}

/// A name that is no name of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoName;

impl FromStr for Name {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let mut parts = text.splitn(4, '-');
        let mut next = || parts.next().ok_or(NoName);
        let (first, last, from, to) = (next()?, next()?, next()?, next()?);
        let number = |text: &str| text.parse().map_err(|_| NoName);
        let instant = |text: &str| text.parse().map_err(|_| NoName);
        Ok(Self { first: number(first)?, last: number(last)?, from_ms: instant(from)?, to_ms: instant(to)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_are_none() {
        let name = Name { first: 3, last: 7, from_ms: 1_700_000_000_000, to_ms: 1_700_000_360_000 };
        assert_eq!(name.to_string().parse(), Ok(name));
        for text in ["", "1-2-3", "1-2-3-4.tmp", "a-b-c-d", "0000000000000001-0000000000000001-5-x"] {
            assert_eq!(text.parse::<Name>(), Err(NoName), "{text}");
        }
    }
}
