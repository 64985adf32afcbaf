//! What every request passes before anybody answers it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use procyon_wire::{Problem, ProblemKind};

use crate::access::caller::Proof;
use crate::access::{Caller, Peer, origin};
use crate::app::App;
use crate::failure::{Failure, Told};
use crate::server::{Certified, Connection};
use crate::{limits, monitor, web};

/// Lets a request through, or answers it with what is wrong; protects every answer.
pub(crate) async fn pass(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let compatible = request.uri().path().starts_with("/monitor");
    let connection = request.extensions().get::<Connection>().cloned().unwrap_or_default();
    let response = match admit(&app, &request, &connection) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            match tokio::time::timeout(limits::REQUEST_DEADLINE, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Failure::new(
                    ProblemKind::Unavailable,
                    format!("no answer within {} s", limits::REQUEST_DEADLINE.as_secs()),
                )
                .into_response(),
            }
        }
        Err(failure) => failure.into_response(),
    };
    if matches!(response.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        connection.part();
    }
    let mut response = match response.extensions().get::<Told>() {
        Some(Told(problem)) if compatible => monitor::envelope_of(problem),
        _ => response,
    };
    web::protect(response.headers_mut());
    response
}

fn admit(app: &App, request: &Request, connection: &Connection) -> Result<Caller, Failure> {
    let headers = request.headers();
    let host = origin::host_of(headers, request.uri());
    // A request over the local socket names no host that matters.
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Local { uid: u32::MAX });
    if matches!(peer, Peer::Tcp(_)) && !host.is_some_and(|host| app.names.know(host)) {
        let problem = Problem::new(
            ProblemKind::Forbidden,
            format!("`{}` is not a name of this server", host.unwrap_or_default()),
        );
        return Err(problem.hint("if it is, start procyon with `--set api.allowed_hosts=NAME`").into());
    }
    let path = request.uri().path();
    let api = path.starts_with("/api") || path.starts_with("/monitor") || path == "/metrics";
    let changes = changes(request.method(), path);
    if (changes || wants_socket(headers)) && !origin::is_ours(headers, host) {
        return Err(Failure::new(ProblemKind::Forbidden, "this request comes from a page of another site"));
    }
    let certified = request.extensions().get::<Certified>().and_then(|certified| certified.0.as_ref());
    let caller = Caller::identify(app, peer, certified, headers, connection)?;
    // Cookies and certificates go along with requests that a page of another port on this machine makes by an image or a link.
    if changes
        && request.method() != Method::POST
        && path.starts_with("/monitor/")
        && matches!(caller.proof, Proof::Session | Proof::Certificate)
        && !origin::is_vouched(headers)
    {
        return Err(Failure::new(
            ProblemKind::Forbidden,
            "with a session or a certificate this takes POST; or show a token",
        ));
    }
    let signs_in = path == "/api/v1/session" && request.method() == Method::POST;
    if api && caller.role.is_none() && !signs_in {
        let problem = Problem::new(
            ProblemKind::Unauthorized,
            if app.anonymous {
                "without a token, only clients on this machine are answered"
            } else {
                "without a token, nobody is answered"
            },
        );
        return Err(problem.hint("make one with `procyon token new` on that machine, and sign in with it").into());
    }
    if let Some(length) =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
    {
        if length > limits::MAX_BODY {
            return Err(too_large());
        }
    }
    Ok(caller)
}

/// Whether a request changes something.
fn changes(method: &Method, path: &str) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || path.starts_with("/monitor/process/kill/")
}

fn wants_socket(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// The body is too large.
pub(crate) fn too_large() -> Failure {
    Failure::new(ProblemKind::TooLarge, format!("a request's body has at most {} bytes", limits::MAX_BODY))
}
