//! Messages of the live WebSocket.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum ClientMessage {
    /// Asks for rows; replaces what was asked for before.
    Subscribe(Subscribe),
    /// The screen is hidden: one frame in 10 s is enough.
    Pause {},
    /// The screen is visible again.
    Resume {},
}

/// Which rows and columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Subscribe {
    /// Filter; empty for every process.
    pub q: String,
    /// Column, `-` first for descending; empty for `-cpu`.
    pub sort: String,
    /// How many rows; 0 for all.
    #[serde(deserialize_with = "count")]
    pub limit: usize,
    /// Columns; empty for the usual ones.
    pub columns: Vec<String>,
    /// The heaviest processes, whatever the filter says.
    pub top: Option<Top>,
    /// `tree`: ancestors of matching rows are sent as well.
    pub view: Option<String>,
}

/// The heaviest processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Top {
    /// By which column.
    pub by: String,
    /// How many.
    #[serde(deserialize_with = "count")]
    pub n: usize,
}

/// Reads a count; what is wrong is said in words for people.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    struct Count;

    impl Visitor<'_> for Count {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from 0 to {}", u32::MAX)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
            let number = u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
            usize::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number.into()), &self))
        }
    }

    deserializer.deserialize_u64(Count)
}
