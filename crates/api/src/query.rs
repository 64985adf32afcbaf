//! Parameters of a request: each endpoint names the ones it takes, for reading and for the OpenAPI document.

use axum::http::Uri;
use procyon_diag::nearest;
use procyon_wire::{Problem, ProblemKind};

use crate::failure::Failure;
use crate::instant::{self, Instant};

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Text.
    Text,
    /// A whole number that is not negative.
    Count,
}

/// A parameter that an endpoint takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    /// Name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) holds: Holds,
    /// What it does.
    pub(crate) about: &'static str,
}

/// A text parameter.
pub(crate) const fn text(name: &'static str, about: &'static str) -> Param {
    Param { name, holds: Holds::Text, about }
}

/// A counting parameter.
pub(crate) const fn count(name: &'static str, about: &'static str) -> Param {
    Param { name, holds: Holds::Count, about }
}

/// The parameter that asks for the past.
pub(crate) const AT: Param = text("at", "Instant: `live` (default). Past instants are answered when history is built.");

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads the parameters; one that is not in `known`, or stands twice, is an error.
    pub(crate) fn read(uri: &Uri, known: &[Param]) -> Result<Self, Failure> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !known.iter().any(|param| param.name == name) {
                return Err(unknown(&name, known));
            }
            if pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(Failure::bad_request(format!("the parameter `{name}` stands twice")));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        let query = Self { pairs };
        match query.text("at") {
            None | Some("" | "live" | "now") => Ok(query),
            Some(at) => {
                instant::parse(at)?;
                let problem = Problem::new(
                    ProblemKind::NotImplemented,
                    "past instants are not kept yet; only the live one can be asked",
                );
                Err(problem.hint("leave `at` out; charts of the last 15 minutes come from `series`").into())
            }
        }
    }

    /// A text parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A counting parameter, at most `most`.
    pub(crate) fn count(&self, name: &str, usual: usize, most: usize) -> Result<usize, Failure> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        match text.parse() {
            Ok(value) if value <= most => Ok(value),
            Ok(_) => Err(Failure::bad_request(format!("`{name}` is at most {most}"))),
            Err(_) => Err(Failure::bad_request(format!("`{name}` is a whole number, not `{text}`"))),
        }
    }

    /// The items of a comma-separated parameter; empty when it is absent.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let items = self.text(name).unwrap_or_default().split(',');
        items.map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// An instant.
    pub(crate) fn instant(&self, name: &str) -> Result<Option<Instant>, Failure> {
        self.text(name).filter(|text| !text.is_empty()).map(instant::parse).transpose()
    }
}

fn unknown(name: &str, known: &[Param]) -> Failure {
    let names: Vec<&str> = known.iter().map(|param| param.name).collect();
    let takes =
        if names.is_empty() { "this takes none".to_owned() } else { format!("this takes {}", names.join(", ")) };
    let problem = Problem::new(ProblemKind::BadRequest, format!("there is no parameter `{name}`; {takes}"));
    problem.suggestion(nearest(name, names)).into()
}
