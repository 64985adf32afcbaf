//! Values over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::history::Gap;

/// Values over a range, all on one grid of instants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesAnswer {
    /// When it was asked, Unix ms.
    pub at: i64,
    /// Distance of two instants.
    pub step_ms: u64,
    /// The instants, Unix ms.
    pub times: Vec<i64>,
    /// A series for the host or for each process.
    pub series: Vec<Line>,
    /// Where nothing is known; values of instants inside are null.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// The values of one host or process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Address of the process; null for the host.
    pub key: Option<String>,
    /// What people call it.
    pub label: String,
    /// Column to values, one an instant; null where there is none.
    pub values: BTreeMap<String, Vec<Option<f64>>>,
}

/// The heaviest processes of a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopAnswer {
    /// When it was asked, Unix ms.
    pub at: i64,
    /// The heaviest first.
    pub items: Vec<TopItem>,
    /// All the others together.
    pub other: Other,
    /// Seconds that the frames of the range cover.
    #[serde(default)]
    pub covered_s: f64,
}

/// One of the heaviest: a process, or a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopItem {
    /// Address of the process; of a group that of the one that used the most.
    pub key: String,
    /// What people call it.
    pub label: String,
    /// Its name.
    pub name: String,
    /// Mean over the time that the frames of the range cover, in the base unit; the time in which it did not live counts as zero.
    pub value: f64,
    /// The word that the group has in common; of a single process its label.
    #[serde(default)]
    pub group: String,
    /// How many processes.
    #[serde(default)]
    pub processes: usize,
    /// Its user; null where that is not known, or not to be seen.
    #[serde(default)]
    pub user: Option<String>,
    /// Its command line; null where that is not known, or not to be seen.
    #[serde(default)]
    pub cmd: Option<String>,
    /// First frame of the range that held it, Unix ms.
    #[serde(default)]
    pub first: Option<i64>,
    /// Last frame of the range that held it, Unix ms.
    #[serde(default)]
    pub last: Option<i64>,
}

/// The rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Other {
    /// How many processes.
    pub count: usize,
    /// Sum of their means.
    pub value: f64,
}
