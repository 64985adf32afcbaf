//! Who asks: exchanges a token for a cookie.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use procyon_wire::{Problem, ProblemKind, Role, Session, SignIn};

use super::{json, read_json};
use crate::access::caller::{right_token, wrong_token};
use crate::access::session;
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
    let cookie = session::begin(&app.tokens, &token, app.clock.wall())
        .map_err(|error| Failure::new(ProblemKind::Internal, procyon_diag::message_of(&error)))?;
    let mut response = json(&Session { role: token.role, name: token.name, read_only: app.read_only })?;
    set_cookie(&app, &mut response, &cookie, SESSION_LIFE.as_secs())?;
    Ok(response)
}

pub(super) async fn end(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| session::of_header(value.to_str().ok()?));
    let cookies: Vec<String> = cookies.map(str::to_owned).collect();
    app.blocking(move |app| {
        cookies.iter().try_for_each(|cookie| session::end(&app.tokens, cookie, app.clock.wall())).map_err(|error| {
            let why = procyon_diag::message_of(&error);
            Problem::new(ProblemKind::Internal, format!("the session goes on, because {why}"))
                .hint("make room or fix the permissions of the state directory, or take the token back")
                .into()
        })
    })
    .await?;
    // Whoever still holds a live stream by this session looks now, not at its next turn.
    app.sessions_ended.send_modify(|count| *count = count.wrapping_add(1));
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
