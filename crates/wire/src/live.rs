//! Messages of the live WebSocket.

use serde::{Deserialize, Serialize};
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
    pub n: usize,
}
