//! Sends a signal to a process.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use procyon_control::{Control, ControlError, Gone, Signal};
use procyon_model::ProcessKey;
use procyon_wire::process::{SendSignal, SignalSent};
use procyon_wire::{Problem, ProblemKind, Role};

use super::{At, json, key_of, read_json};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Failure> {
    let control = match allowed(&app, &caller, "to send signals") {
        Ok(control) => control,
        Err(refused) => {
            let signal = read_json::<SendSignal>(request).await.ok().and_then(|body| body.signal.parse().ok());
            if let Ok(key) = key_of(&key) {
                write_down(&app, &caller, key, signal).await;
            }
            return Err(refused);
        }
    };
    let host = Arc::clone(app.host(&host)?);
    let key = key_of(&key)?;
    let body: SendSignal = read_json(request).await?;
    let signal: Signal = body.signal.parse().map_err(|error: procyon_control::NotASignal| {
        Failure::from(Problem::new(ProblemKind::BadRequest, error.to_string()).suggestion(error.meant))
    })?;
    app.blocking(move |_| {
        host.frame()?;
        send(&control, &caller, &key, signal)?;
        json(&SignalSent { result: "sent".to_owned(), signal: signal.name().into_owned(), key: key.to_string() })
    })
    .await
}

/// The means to change something, for those who may.
pub(crate) fn allowed(app: &App, caller: &Caller, what: &str) -> Result<Arc<Control>, Failure> {
    if app.read_only {
        return Err(Failure::new(ProblemKind::Forbidden, "this procyon is read-only"));
    }
    caller.needs(Role::Operator, what)?;
    app.control.clone().ok_or_else(|| Failure::not_implemented("this procyon cannot send signals"))
}

/// Writes down that this caller tried what it may not.
pub(crate) async fn write_down(app: &Arc<App>, caller: &Caller, key: ProcessKey, signal: Option<Signal>) {
    let Some(control) = app.control.clone() else { return };
    let actor = caller.actor();
    let written = app.blocking(move |_| {
        control.note_refusal(&actor, &key, signal);
        Ok(())
    });
    if let Err(failure) = written.await {
        tracing::warn!(error = %failure.problem, "a refusal was not written down");
    }
}

/// Sends it; what went wrong becomes an answer.
pub(crate) fn send(control: &Control, caller: &Caller, key: &ProcessKey, signal: Signal) -> Result<(), Failure> {
    let Err(error) = control.signal(&caller.actor(), key, signal) else { return Ok(()) };
    let kind = match &error {
        ControlError::Role { .. } | ControlError::ReadOnly => ProblemKind::Forbidden,
        ControlError::Refused(_) => ProblemKind::Refused,
        ControlError::Gone(Gone::Ended { .. }) => ProblemKind::NotFound,
        ControlError::Gone(Gone::Replaced { .. }) => ProblemKind::Conflict,
        ControlError::Kernel { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            ProblemKind::Forbidden
        }
        ControlError::Audit(_) | ControlError::Kernel { .. } => ProblemKind::Internal,
    };
    let problem = Problem::new(kind, procyon_diag::message_of(&error));
    Err(if error.hint().is_empty() { problem.into() } else { problem.hint(error.hint()).into() })
}
