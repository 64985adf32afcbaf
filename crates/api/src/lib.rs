//! The HTTP face: `/api/v1`, the live WebSocket, `/monitor`, `/metrics`, the web UI.
//!
//! [`Server::start`] binds and serves on threads of its own. A request passes, in this order:
//! - [`server`](Server): connection, TLS, time limits, slow readers cut off;
//! - `gate`: host name, who asks ([`access`]), whose page asks, size and time limits, protecting headers;
//! - `v1` (typed answers, one file a resource), `live` (WebSocket), `monitor` (compatibility), `metrics`, `web` (the UI).
//!
//! `v1::endpoints` lists every address with what it takes and gives; the router and the OpenAPI document are made from
//! that list. Faces never call the collector: they read the newest frame of a feed.

pub mod access;
mod app;
mod failure;
mod gate;
mod instant;
pub mod limits;
mod live;
mod metrics;
mod monitor;
mod openapi;
#[doc(hidden)]
pub mod outside;
mod past;
mod query;
mod rows;
mod server;
mod table;
pub mod tell;
mod trace;
mod turns;
mod v1;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use procyon_wire::ProblemKind;

pub use access::certificate::ClientCertificates;
pub use app::{Context, HostContext, Kept};
pub use metrics::{Metrics, Scraped};
pub use server::{Config, Server, TlsFiles};

use app::App;
use failure::Failure;

/// All addresses.
fn router(app: Arc<App>) -> Router {
    let api = v1::router().fallback(no_such_address).method_not_allowed_fallback(wrong_method);
    let monitor = monitor::router().fallback(no_such_address).method_not_allowed_fallback(wrong_method);
    let router =
        Router::new().nest("/api/v1", api).nest("/monitor", monitor).route("/api", axum::routing::any(no_such_address));
    let router = router.route("/metrics", axum::routing::get(metrics::answer));
    let router = router.route("/api/{*rest}", axum::routing::any(no_such_address)).fallback(web::serve);
    router.layer(axum::middleware::from_fn_with_state(Arc::clone(&app), gate::pass)).with_state(app)
}

async fn no_such_address(uri: axum::extract::OriginalUri) -> Failure {
    Failure::not_found(format!("there is nothing at {}; `/api/v1/openapi.json` describes what there is", uri.path()))
}

async fn wrong_method(method: Method, uri: axum::extract::OriginalUri) -> Failure {
    method_not_allowed(&method, &uri)
}

fn method_not_allowed(method: &Method, uri: &Uri) -> Failure {
    Failure::new(ProblemKind::MethodNotAllowed, format!("{} does not answer {method}", uri.path()))
}
