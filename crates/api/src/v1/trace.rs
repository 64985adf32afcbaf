//! WebSocket: system calls of a process.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{OriginalUri, State};
use axum::response::Response;

use super::{At, key_of};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::query::Query;
use crate::trace::socket::Dialect;
use crate::trace::{Asked, PARAMS, Refusal, Wish, open};

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let host = Arc::clone(app.host(&host)?);
    let (key, query) = (key_of(&key)?, Query::read(&uri, PARAMS)?);
    let refusal = Refusal::read(&query)?;
    let asked = Asked { host, key, wish: Wish::read(key, &query), dialect: Dialect::Messages, refusal };
    open(&app, caller, upgrade, asked).await
}
