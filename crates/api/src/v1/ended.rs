//! Processes that ended: in the last minutes, or before an instant of the past.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_history::{EventKind, Events, History, late};
use procyon_model::frame::EndedProcess;
use procyon_model::{ProcessRow, catalogue};
use procyon_units::Wall;
use procyon_wire::List;

use super::{At, json};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::instant::Instant;
use crate::limits::MAX_EVENTS;
use crate::query::{self, Param, Query};
use crate::rows::{self, Columns, Extra, RowJson};
use crate::turns::Length;
use crate::{past, tell};

pub(super) const PARAMS: &[Param] =
    &[query::text("from", "From this instant on; `-1m` when absent, with `at` a minute before it."), query::AT];

/// How far back it is looked when nobody says.
const USUAL: Duration = Duration::from_mins(1);

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let now = app.clock.wall();
    let host = Arc::clone(app.host(&host)?);
    let sight = caller.sight();
    let moment = app.moment(&host, &query, sight).await?;
    let (past, until, gap) = (moment.past, if moment.past { moment.frame.wall } else { now }, moment.gap);
    // Its frame is not needed any more, and its turn neither.
    drop(moment);
    let from = match query.instant("from")? {
        Some(from) => from.resolve(now),
        None => Instant::Before(USUAL).resolve(until),
    };
    let tell = move |ended: Vec<Arc<EndedProcess>>| {
        let columns = rows::all(catalogue::PROCESS, sight);
        let rows = ended.iter().map(|process| row(process, sight, &columns)).collect();
        json(&List { gap, ..List::whole(until.unix_ms(), rows) })
    };
    if past || app.reaches_back(&host, from).await? {
        return app.ask(&host, (sight, Length::Long), move |history| tell(buried(history, from, until)?)).await;
    }
    app.blocking(move |_| tell(host.series.ended(from))).await
}

/// Processes that ended between two instants, both included, as history tells; the newest where there are too many.
fn buried(history: &dyn History, from: Wall, until: Wall) -> Result<Vec<Arc<EndedProcess>>, Failure> {
    // Some are told a little later.
    let late = i64::try_from(late::PATIENCE.as_nanos()).unwrap_or(i64::MAX);
    let to = Wall(until.0.saturating_add(late));
    let deaths = Events { from, to, kinds: vec![EventKind::Death], limit: MAX_EVENTS };
    let deaths = history.events(&deaths).map_err(|error| past::failure(&error))?;
    let ended = deaths.into_iter().filter_map(|death| death.process);
    Ok(ended.filter(|process| process.at >= from && process.at <= until).collect())
}

/// A process that ended, as a row.
pub(super) fn row<'a>(
    process: &'a EndedProcess,
    sight: Sight,
    columns: &'a Columns<ProcessRow>,
) -> RowJson<'a, ProcessRow> {
    let ending = tell::ending_for(process, sight);
    let extras = vec![
        ("key", Extra::Text(process.row.key.to_string())),
        ("at", Extra::Number(process.at.unix_ms())),
        ("exit", Extra::json(&ending.exit)),
        ("sender", Extra::json(&ending.sender)),
        ("oom", Extra::json(&ending.oom)),
        ("core", Extra::json(&ending.core)),
        ("final", Extra::json(&ending.is_final)),
    ];
    RowJson { extras, columns, row: &process.row }
}
