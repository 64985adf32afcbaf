//! `/metrics`: what Prometheus reads, by whoever makes it. It tells of every process, so it takes a viewer.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use procyon_wire::{Problem, ProblemKind};

use crate::access::{Caller, Sight};
use crate::app::App;
use crate::failure::Failure;

/// Answers scrapes.
pub trait Metrics: Send + Sync {
    /// The answer to a request with this query and these headers. May block.
    fn answer(&self, query: &str, header: &dyn Fn(&str) -> String) -> Scraped;
}

/// An answer to a scrape.
#[derive(Debug)]
pub struct Scraped {
    /// Status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Content encoding, where there is one.
    pub encoding: Option<&'static str>,
    /// The metrics, or why there are none.
    pub body: Bytes,
}

/// `GET /metrics`.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(metrics) = app.metrics.clone() else {
        return Err(Failure::not_found("there are no metrics here: `metrics.enabled` is off"));
    };
    if caller.sight() != Sight::All {
        let problem = Problem::new(ProblemKind::Unauthorized, "metrics tell of every process: they take a token");
        return Err(problem.hint("make one with `procyon token new`, for `authorization` in Prometheus").into());
    }
    let query = uri.query().unwrap_or_default().to_owned();
    let work = move |_: &App| {
        let header = |name: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.collect::<Vec<_>>().join(",")
        };
        Ok(metrics.answer(&query, &header))
    };
    let scraped = app.blocking(work).await?;
    let mut response = scraped.body.into_response();
    *response.status_mut() = StatusCode::from_u16(scraped.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(scraped.content_type));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(encoding) = scraped.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(response)
}
