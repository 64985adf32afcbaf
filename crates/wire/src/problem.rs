//! Errors: RFC 9457 problem documents.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of problem it is: decides the `type` and the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// A filter that is no expression, or names what does not exist.
    BadFilter,
    /// A request that cannot be understood.
    BadRequest,
    /// No token, or one that is not known.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// The target may not be acted on, whoever asks.
    Refused,
    /// There is no such thing.
    NotFound,
    /// This address cannot be asked this way.
    MethodNotAllowed,
    /// The process ended, or its pid belongs to another process now.
    Conflict,
    /// Nothing is kept of the past, so that it cannot be asked.
    HistoryOff,
    /// More than is taken.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// Too many wrong tokens.
    TooManyAttempts,
    /// Not built yet.
    NotImplemented,
    /// No answer now; later perhaps.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl ProblemKind {
    /// The URN that names it.
    pub const fn urn(self) -> &'static str {
        match self {
            Self::BadFilter => "urn:procyon:bad-filter",
            Self::BadRequest => "urn:procyon:bad-request",
            Self::Unauthorized => "urn:procyon:unauthorized",
            Self::Forbidden => "urn:procyon:forbidden",
            Self::Refused => "urn:procyon:refused",
            Self::NotFound => "urn:procyon:not-found",
            Self::MethodNotAllowed => "urn:procyon:method-not-allowed",
            Self::Conflict => "urn:procyon:conflict",
            Self::HistoryOff => "urn:procyon:history-off",
            Self::TooLarge => "urn:procyon:too-large",
            Self::TooSlow => "urn:procyon:too-slow",
            Self::TooManyAttempts => "urn:procyon:too-many-attempts",
            Self::NotImplemented => "urn:procyon:not-implemented",
            Self::Unavailable => "urn:procyon:unavailable",
            Self::Internal => "urn:procyon:internal",
        }
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadFilter | Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::Refused => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::Conflict | Self::HistoryOff => 409,
            Self::TooLarge => 413,
            Self::TooManyAttempts => 429,
            Self::Internal => 500,
            Self::NotImplemented => 501,
            Self::Unavailable => 503,
        }
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadFilter => "the filter is not valid",
            Self::BadRequest => "the request is not valid",
            Self::Unauthorized => "a token is needed",
            Self::Forbidden => "not permitted",
            Self::Refused => "this process is not to be touched",
            Self::NotFound => "there is no such thing",
            Self::MethodNotAllowed => "this method is not offered here",
            Self::Conflict => "the process is gone",
            Self::HistoryOff => "history is off",
            Self::TooLarge => "the request is too large",
            Self::TooSlow => "the request took too long to arrive",
            Self::TooManyAttempts => "too many wrong tokens",
            Self::NotImplemented => "not available yet",
            Self::Unavailable => "not available now",
            Self::Internal => "a fault of the server",
        }
    }
}

/// A place in a text, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// What went wrong, for people and for programs (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// URN that names the sort of problem, as `urn:procyon:bad-filter`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the sort of problem is called.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Where in the filter: first byte and the byte after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<[usize; 2]>,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem of this sort with these words about this time.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.urn().to_owned(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            hint: None,
            position: None,
            span: None,
            suggestion: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what was probably meant, if anything comes near.
    #[must_use]
    pub fn suggestion(mut self, meant: Option<&str>) -> Self {
        if let Some(meant) = meant {
            self.hint.get_or_insert_with(|| format!("did you mean `{meant}`?"));
            self.suggestion = Some(meant.to_owned());
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}
