//! Who asks: exchanges a token for a cookie.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use procyon_wire::{ProblemKind, Role, Session, SignIn};

use super::{json, read_json};
use crate::access::caller::{right_token, wrong_token};
use crate::access::session::{self, Sessions};
use crate::access::{Caller, Peer};
use crate::app::App;
use crate::failure::Failure;
use crate::limits::SESSION_LIFE;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Failure> {
    json(&Session { role: caller.role(), name: caller.name, read_only: app.read_only })
}

pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Failure> {
    let body: SignIn = read_json(request).await?;
    let Some(token) = app.tokens.find(body.token.trim(), app.clock.wall()) else { return Err(wrong_token(&app, peer)) };
    right_token(&app, peer);
    let cookie = Sessions::begin(&app.tokens, &token, app.clock.wall());
    let mut response = json(&Session { role: token.role, name: token.name, read_only: app.read_only })?;
    set_cookie(&app, &mut response, &cookie, SESSION_LIFE.as_secs())?;
    Ok(response)
}

pub(super) async fn end(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| session::of_header(value.to_str().ok()?));
    for cookie in cookies {
        // Only what we signed is worth remembering.
        if app.sessions.find(&app.tokens, cookie, app.clock.wall()).is_some() {
            app.sessions.end(cookie);
        }
    }
    let mut response =
        json(&Session { role: Role::Anonymous, name: "anonymous".to_owned(), read_only: app.read_only })?;
    set_cookie(&app, &mut response, "", 0)?;
    Ok(response)
}

fn set_cookie(app: &App, response: &mut Response, value: &str, seconds: u64) -> Result<(), Failure> {
    let secure = if app.tls { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", session::COOKIE);
    let value = HeaderValue::from_str(&text)
        .map_err(|_| Failure::new(ProblemKind::Internal, "the cookie cannot be written"))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}
