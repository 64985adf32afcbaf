//! Hosts, their figures, and what every figure means.

use std::collections::BTreeMap;

use procyon_model::catalogue::Meta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::history::Gap;
use crate::row;

/// A machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// Host name.
    pub name: String,
    /// Other names that address it.
    pub aliases: Vec<String>,
    /// Distribution.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Machine type.
    pub arch: String,
    /// Processors online.
    pub cpus: u32,
    /// Processor model.
    pub cpu_model: String,
    /// This boot.
    pub boot_id: String,
    /// When it booted, Unix ms.
    pub boot_time: i64,
    /// `up`, or `late` when frames stopped coming.
    pub state: String,
    /// Instant of the newest frame, Unix ms.
    pub at: i64,
    /// Interval of frames now.
    pub interval_ms: u64,
    /// Version of the procyon that collects.
    pub version: String,
}

/// Figures of a machine and of what hangs on it. Parts that were not asked for are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// The instant, Unix ms.
    pub at: i64,
    /// The machine.
    pub figures: row::HostFigures,
    /// Cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Vec<row::Core>>,
    /// Disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disks: Option<Vec<row::Disk>>,
    /// Network interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Vec<row::Interface>>,
    /// File systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystems: Option<Vec<row::Filesystem>>,
    /// Temperature sensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensors: Option<Vec<row::Sensor>>,
    /// Logged-in users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<row::User>>,
    /// Containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<row::Container>>,
    /// Seconds since what is read at a slower pace was read; null before the first time.
    pub ages: BTreeMap<String, Option<f64>>,
    /// The gap in which the instant lies that was asked for; absent outside of gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// Everything that was true of a machine at one tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Frame {
    /// The instant, Unix ms.
    pub at: i64,
    /// Number of the frame, counted by its collector.
    pub seq: u64,
    /// The machine.
    pub host: Host,
    /// Its figures.
    pub figures: Figures,
    /// Every process with all columns.
    pub processes: Vec<row::Process>,
    /// Processes that ended since the frame before.
    pub ended: Vec<row::Ended>,
    /// The gap in which the instant lies that was asked for; absent outside of gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// Machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hosts {
    /// When it was asked, Unix ms.
    pub at: i64,
    /// The machines.
    pub items: Vec<Host>,
    /// How many there are.
    pub total: usize,
    /// Always null.
    pub next: Option<String>,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Text {
    /// English.
    pub en: String,
    /// 简体中文.
    pub zh: String,
}

impl From<procyon_model::catalogue::Text> for Text {
    fn from(text: procyon_model::catalogue::Text) -> Self {
        Self { en: text.en.to_owned(), zh: text.zh.to_owned() }
    }
}

/// What one figure means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// Permanent number.
    pub number: u16,
    /// Id in JSON, filters, columns and sort; unique in its scope.
    pub id: String,
    /// Long name with the unit as suffix.
    pub name: String,
    /// What it is a figure of.
    pub scope: String,
    /// Base unit.
    pub unit: String,
    /// gauge, counter or text.
    pub kind: String,
    /// Name for people.
    pub title: Text,
    /// Head of a table column.
    pub head: Text,
    /// Meaning.
    pub help: Text,
    /// Kernel file and field.
    pub source: String,
    /// What reading it needs.
    pub privilege: String,
    /// First kernel that has it.
    pub since: String,
    /// How often it is read.
    pub pace: String,
    /// Whether it is readable on loopback without a token.
    pub public: bool,
}

impl From<&Meta> for Figure {
    fn from(meta: &Meta) -> Self {
        Self {
            number: meta.number,
            id: meta.id.to_owned(),
            name: meta.name.to_owned(),
            scope: meta.scope.word().to_owned(),
            unit: meta.unit.word().to_owned(),
            kind: meta.kind.word().to_owned(),
            title: meta.title.into(),
            head: meta.head.into(),
            help: meta.help.into(),
            source: meta.source.to_owned(),
            privilege: meta.privilege.word().to_owned(),
            since: meta.since.to_owned(),
            pace: meta.pace.word().to_owned(),
            public: meta.public,
        }
    }
}

/// What every figure means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Catalogue {
    /// The figures, scope after scope.
    pub figures: Vec<Figure>,
}
