//! Sockets of every network namespace.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use procyon_model::catalogue::CONNECTION;
use procyon_model::inspect::InspectError;
use procyon_model::view::sort::Order;
use procyon_model::{Connection, ProcessKey};
use procyon_wire::{List, Role};

use super::process::{inspect_failure, missing_then};
use super::{At, json, key_of};
use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;
use crate::limits::{DEFAULT_ROWS, MAX_ROWS};
use crate::past::Moment;
use crate::query::{self, Param, Query};
use crate::rows::{self, RowJson};
use crate::table::{self, Filter};

const Q: Param = query::text("q", "Filter: an expression like `state == \"ESTAB\"`, or plain words.");
const SORT: Param = query::text("sort", "Column, `-` first for descending; `local_port` when absent.");
const LIMIT: Param = query::count("limit", "How many items; 100 when absent, 0 for all.");
const NEXT: Param = query::text("next", "The `next` of the answer before, to go on.");
const KEY: Param = query::text("key", "Only those of this process. Role: viewer.");

pub(super) const PARAMS: &[Param] = &[Q, SORT, LIMIT, NEXT, KEY, query::AT];
pub(super) const PROCESS_PARAMS: &[Param] = &[Q, SORT, LIMIT, NEXT, query::AT];

struct Question {
    filter: Filter<Connection>,
    order: Order<Connection>,
    limit: usize,
    skip: usize,
    owner: Option<ProcessKey>,
}

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = Query::read(&uri, PARAMS)?;
    let owner = query.text("key").filter(|key| !key.is_empty()).map(key_of).transpose()?;
    if owner.is_some() {
        caller.needs(Role::Viewer, "to see who holds a socket")?;
    }
    let host = Arc::clone(app.host(&host)?);
    let moment = app.moment(&host, &query, caller.sight()).await?;
    app.blocking(move |_| {
        // A filter may take longer to compile than async code may.
        let question = read(&query, caller.sight(), owner)?;
        list(&moment, &question, caller.sight())
    })
    .await
}

pub(super) async fn of_process(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    caller.needs(Role::Viewer, "to see the sockets of a process")?;
    let query = Query::read(&uri, PROCESS_PARAMS)?;
    let key = key_of(&key)?;
    let host = Arc::clone(app.host(&host)?);
    let moment = app.moment(&host, &query, caller.sight()).await?;
    let Some(row) = moment.frame.process(&key) else { return Err(missing_then(&moment, &key)) };
    // Its descriptors of now say nothing about then.
    let look = !row.kernel_thread && !moment.past;
    app.blocking(move |_| {
        let question = read(&query, caller.sight(), Some(key))?;
        // Without a look at its descriptors nobody knows which sockets are its own: that is not the same as none.
        if look
            && !moment.frame.connections.items.iter().any(|socket| owned_by(socket, key))
            && let Err(error @ InspectError::Forbidden { .. }) = host.inspect.files(&key)
        {
            return Err(inspect_failure(&error));
        }
        list(&moment, &question, caller.sight())
    })
    .await
}

fn owned_by(socket: &Connection, key: ProcessKey) -> bool {
    socket.owner.as_ref().is_some_and(|owner| owner.key == key)
}

fn read(query: &Query, sight: Sight, owner: Option<ProcessKey>) -> Result<Question, Failure> {
    let sort = query.text("sort").filter(|sort| !sort.is_empty()).unwrap_or("local_port");
    let skip = query.text("next").filter(|next| !next.is_empty()).map_or(Ok(0), |next| {
        next.parse().map_err(|_| Failure::bad_request("`next` is what the answer before gave as `next`"))
    })?;
    Ok(Question {
        filter: Filter::read(query.text("q").unwrap_or_default(), CONNECTION, sight)?,
        order: table::order(sort, CONNECTION, sight)?,
        limit: match query.count("limit", DEFAULT_ROWS, MAX_ROWS)? {
            0 => MAX_ROWS,
            limit => limit,
        },
        skip,
        owner,
    })
}

fn list(moment: &Moment, question: &Question, sight: Sight) -> Result<Response, Failure> {
    let frame = &*moment.frame;
    let columns = rows::all(CONNECTION, sight);
    let mine = |socket: &&Connection| {
        // Other namespaces cannot be entered without privilege, so their sockets are not for every local user to see.
        (sight == Sight::All || socket.own_namespace) && question.owner.is_none_or(|key| owned_by(socket, key))
    };
    let all: Vec<&Connection> = frame.connections.items.iter().filter(mine).collect();
    let total = all.len();
    let mut chosen: Vec<&Connection> = all.into_iter().filter(|socket| question.filter.matches(socket)).collect();
    chosen.sort_by(|a, b| question.order.compare(a, b).then_with(|| tie(a).cmp(&tie(b))));
    let matched = chosen.len();
    let items: Vec<_> = chosen
        .into_iter()
        .skip(question.skip)
        .take(question.limit)
        .map(|socket| RowJson::plain(&columns, socket))
        .collect();
    let so_far = question.skip.saturating_add(items.len());
    let next = (so_far < matched && !items.is_empty()).then(|| so_far.to_string());
    json(&List { at: frame.wall.unix_ms(), items, total, matched, next, gap: moment.gap })
}

/// Equal rows keep still.
fn tie(socket: &Connection) -> (std::net::SocketAddr, Option<std::net::SocketAddr>, u64, u64) {
    (socket.local, socket.remote, socket.namespace, socket.inode)
}
