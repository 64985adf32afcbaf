//! Processes that ended in the last minute.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_model::frame::EndedProcess;
use procyon_model::{ProcessRow, catalogue};
use procyon_units::Wall;
use procyon_wire::List;

use super::process::sender_json;
use super::{At, exit_json, json};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::query::{self, Param, Query};
use crate::rows::{self, Columns, Extra, RowJson};

pub(super) const PARAMS: &[Param] =
    &[query::text("from", "From this instant on, as `-1m` (default, and the furthest that is remembered).")];

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let now = app.clock.wall();
    let from = query.instant("from")?.map_or(Wall::default(), |from| from.resolve(now));
    let host = Arc::clone(app.host(&host)?);
    app.blocking(move |_| {
        let sight = caller.sight();
        let columns = rows::all(catalogue::PROCESS, sight);
        let ended = host.series.ended(from);
        json(&List::whole(now.unix_ms(), ended.iter().map(|process| row(process, sight, &columns)).collect()))
    })
    .await
}

/// A process that ended, as a row.
pub(super) fn row<'a>(
    process: &'a EndedProcess,
    sight: Sight,
    columns: &'a Columns<ProcessRow>,
) -> RowJson<'a, ProcessRow> {
    let extras = vec![
        ("key", Extra::Text(process.row.key.to_string())),
        ("at", Extra::Number(process.at.unix_ms())),
        ("exit", Extra::Json(exit_json(process))),
        ("sender", Extra::Json(sender_json(process, sight))),
        ("oom", Extra::Bool(process.death.oom)),
        ("core", Extra::Bool(process.death.core_dumped)),
        ("final", Extra::Bool(process.death.is_final)),
    ];
    RowJson { extras, columns, row: &process.row }
}
