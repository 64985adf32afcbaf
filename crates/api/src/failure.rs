//! Every error that a client sees: a problem document.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use procyon_wire::{Problem, ProblemKind};

/// A problem on its way to the client.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: Box<Problem>,
    wait: Option<Duration>,
}

impl Failure {
    /// A problem that may be gone after a while.
    pub(crate) fn wait(problem: Problem, wait: Duration) -> Self {
        Self { problem: Box::new(problem), wait: Some(wait) }
    }

    /// A problem of this kind.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Problem::new(kind, detail).into()
    }

    /// The request is wrong.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::BadRequest, detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// Not built yet.
    pub(crate) fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotImplemented, detail)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), wait: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"procyon\""));
        }
        // The compatibility API says the same in an envelope of its own.
        response.extensions_mut().insert(Told(self.problem));
        response
    }
}

/// The problem that an answer tells of.
#[derive(Debug, Clone)]
pub(crate) struct Told(pub(crate) Box<Problem>);
