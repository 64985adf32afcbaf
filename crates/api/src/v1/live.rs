//! WebSocket: rows as they change.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use super::At;
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::live::socket;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At(host): At<String>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let host = Arc::clone(app.host(&host)?);
    let upgrade = wanted(upgrade)?;
    let shared = Arc::clone(&app);
    let caller_of_seat = caller.clone();
    socket::upgrade(&app, &caller_of_seat, upgrade, move |socket, seat| {
        socket::live(socket, seat, shared, host, caller)
    })
}

/// The upgrade, or why it is none.
pub(crate) fn wanted(
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, Failure> {
    upgrade.map_err(|error| Failure::bad_request(format!("this is a WebSocket: {error}")))
}
