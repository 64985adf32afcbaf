//! Everything at one tick.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_model::catalogue;
use procyon_wire::Host;
use procyon_wire::history::Gap;
use serde::Serialize;

use super::figures::FiguresJson;
use super::{At, json, past_host, wire_host};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::query::{self, Param, Query};
use crate::rows::{self, Extra, RowJson};

pub(super) const PARAMS: &[Param] = &[query::AT];

#[derive(Serialize)]
struct FrameJson<'a> {
    at: i64,
    seq: u64,
    host: Host,
    figures: FiguresJson<'a>,
    processes: Vec<RowJson<'a, procyon_model::ProcessRow>>,
    ended: Vec<RowJson<'a, procyon_model::ProcessRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Gap>,
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let host = Arc::clone(app.host(&host)?);
    let moment = app.moment(&host, &query, caller.sight()).await?;
    let sight = caller.sight();
    app.blocking(move |app| {
        let (frame, columns) = (&moment.frame, rows::all(catalogue::PROCESS, sight));
        let row = |row: &'_ procyon_model::ProcessRow| vec![("key", Extra::Text(row.key.to_string()))];
        json(&FrameJson {
            at: frame.wall.unix_ms(),
            seq: frame.seq,
            host: if moment.past { past_host(frame) } else { wire_host(frame, &*app.clock) },
            figures: FiguresJson { frame, sight, only: None, gap: None },
            processes: frame.processes.iter().map(|r| RowJson { extras: row(r), columns: &columns, row: r }).collect(),
            ended: frame.ended.iter().map(|process| super::ended::row(process, sight, &columns)).collect(),
            gap: moment.gap,
        })
    })
    .await
}
