//! Parameters of a request: each endpoint names the ones it takes, for reading and for the OpenAPI document.

use std::num::{IntErrorKind, ParseIntError};
use std::time::Duration;

use axum::http::Uri;
use procyon_diag::nearest;
use procyon_units::Wall;
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
    /// A whole number.
    Whole,
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

/// A parameter that is a whole number and may be negative.
pub(crate) const fn whole(name: &'static str, about: &'static str) -> Param {
    Param { name, holds: Holds::Whole, about }
}

/// The parameter that asks for the past.
pub(crate) const AT: Param = text(
    "at",
    "Instant of the past, as `-2h`, RFC 3339 or Unix ms; `live` when absent. The newest frame at or before it answers.",
);

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
        query.instant("at")?;
        Ok(query)
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
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                Err(Failure::bad_request(format!("`{name}` is at most {most}")))
            }
            Err(_) => Err(Failure::bad_request(format!("`{name}` is a whole number from 0 to {most}, not `{text}`"))),
        }
    }

    /// A whole number, which may be negative.
    pub(crate) fn whole(&self, name: &str, usual: i64) -> Result<i64, Failure> {
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else { return Ok(usual) };
        text.parse().map_err(|error: ParseIntError| {
            Failure::bad_request(match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => {
                    format!("`{name}` is from {} to {}", i64::MIN, i64::MAX)
                }
                _ => format!("`{name}` is a whole number, not `{text}`"),
            })
        })
    }

    /// A range of time: `from` and `to`, or so much before now, until now.
    pub(crate) fn range(&self, usual: Duration, now: Wall) -> Result<(Wall, Wall), Failure> {
        let from = self.instant("from")?.unwrap_or(Instant::Before(usual)).resolve(now);
        let to = self.instant("to")?.unwrap_or(Instant::Now).resolve(now);
        if from > to { Err(Failure::bad_request("`from` is later than `to`")) } else { Ok((from, to.end_of_ms())) }
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
