//! The heaviest processes of a range.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_series::TopEntry;
use procyon_wire::series::{Other, TopAnswer, TopItem};

use super::series::process_column;
use super::{At, json};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::instant::Instant;
use crate::limits::MAX_TOP;
use crate::query::{self, Param, Query};
use crate::rows::{self, readable};

pub(super) const PARAMS: &[Param] = &[
    query::text("by", "By which column; `cpu` when absent."),
    query::count("n", "How many; 6 when absent."),
    query::text("from", "First instant; `-15m` when absent."),
    query::text("to", "Last instant; now when absent."),
];

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let column = process_column(query.text("by").filter(|by| !by.is_empty()).unwrap_or("cpu"), caller.sight())?;
    let n = query.count("n", 6, MAX_TOP)?;
    let now = app.clock.wall();
    let from = query.instant("from")?.unwrap_or(Instant::Before(Duration::from_mins(15))).resolve(now);
    let to = query.instant("to")?.unwrap_or(Instant::Now).resolve(now);
    let host = Arc::clone(app.host(&host)?);
    let sight = caller.sight();
    app.blocking(move |_| {
        let top = host.series.top(from, to, column, n);
        let item = |entry: &TopEntry| TopItem {
            key: entry.key.to_string(),
            label: readable(rows::label(sight, &entry.label, &entry.title)),
            name: readable(&entry.name),
            value: entry.mean,
        };
        json(&TopAnswer {
            at: now.unix_ms(),
            items: top.entries.iter().map(item).collect(),
            other: Other { count: top.other_count, value: top.other_value },
        })
    })
    .await
}
