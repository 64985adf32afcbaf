//! Figures of the machine and of what hangs on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_diag::nearest;
use procyon_model::{Frame, catalogue};
use procyon_units::Mono;
use procyon_wire::history::Gap;
use procyon_wire::{Problem, ProblemKind};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{At, json};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::query::{self, Param, Query};
use crate::rows::{self, RowJson, RowsJson};

pub(super) const PARAMS: &[Param] =
    &[query::text("only", "Parts to answer, comma-separated: cores, disks, …; all when absent."), query::AT];

/// What hangs on a machine.
const PARTS: &[&str] = &["cores", "disks", "interfaces", "filesystems", "sensors", "users", "containers"];

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let only: Vec<String> = query.list("only").into_iter().map(str::to_owned).collect();
    if let Some(wrong) = only.iter().find(|part| !PARTS.contains(&part.as_str())) {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            format!("there is no part `{wrong}`; there are {}", PARTS.join(", ")),
        );
        return Err(problem.suggestion(nearest(wrong, PARTS.iter().copied())).into());
    }
    let host = Arc::clone(app.host(&host)?);
    let moment = app.moment(&host, &query, caller.sight()).await?;
    let only = (!only.is_empty()).then_some(only);
    json(&FiguresJson { frame: &moment.frame, sight: caller.sight(), only: only.as_deref(), gap: moment.gap })
}

/// The answer, written straight from the frame.
pub(crate) struct FiguresJson<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) sight: Sight,
    /// Parts to answer; all when none.
    pub(crate) only: Option<&'a [String]>,
    /// The gap in which the instant lies that was asked for.
    pub(crate) gap: Option<Gap>,
}

impl Serialize for FiguresJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (frame, machine) = (self.frame, &self.frame.machine);
        let wants = |part: &str| self.only.is_none_or(|only| only.iter().any(|one| one == part));
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("at", &frame.wall.unix_ms())?;
        map.serialize_entry("figures", &RowJson::plain(&rows::all(catalogue::HOST, self.sight), frame))?;
        macro_rules! part {
            ($name:literal, $table:ident, $rows:expr) => {
                if wants($name) {
                    let columns = rows::all(catalogue::$table, self.sight);
                    map.serialize_entry($name, &RowsJson { columns, rows: $rows })?;
                }
            };
        }
        part!("cores", CORE, &machine.cores);
        part!("disks", DISK, &machine.disks);
        part!("interfaces", INTERFACE, &machine.interfaces);
        part!("filesystems", FILESYSTEM, &frame.filesystems.items);
        part!("sensors", SENSOR, &machine.sensors);
        part!("users", USER, &frame.users.items);
        part!("containers", CONTAINER, &frame.containers);
        map.serialize_entry("ages", &ages(frame))?;
        if let Some(gap) = &self.gap {
            map.serialize_entry("gap", gap)?;
        }
        map.end()
    }
}

fn ages(frame: &Frame) -> BTreeMap<&'static str, Option<f64>> {
    let age = |taken: Option<Mono>| taken.map(|taken| frame.mono.since(taken).as_secs_f64());
    BTreeMap::from([
        ("filesystems", age(frame.filesystems.taken)),
        ("users", age(frame.users.taken)),
        ("connections", age(frame.connections.taken)),
        ("sensors", age(frame.machine.sensors_taken)),
    ])
}
