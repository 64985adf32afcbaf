//! The web UI, built from `web/` and carried in the program.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::failure::Failure;

struct File {
    path: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// Nothing from elsewhere, nothing inline, no frames, no plug-ins.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";

/// What stands at `/` where the UI was not built.
const UNBUILT: &str = "<!doctype html><meta charset=utf-8><title>Procyon</title>\
<h1>Procyon runs; its web UI was not built</h1><p>Build it with <code>make build</code> (or <code>npm ci &amp;&amp; npm run build</code> \
in <code>web/</code>, then <code>cargo build</code>). The API is at <a href=/api/v1/openapi.json>/api/v1</a>.";

/// Answers every address that no API has.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return crate::method_not_allowed(&method, &uri).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if path.is_empty() && uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("command="))) {
        return Failure::not_implemented("services by `?command=` come with the supervisor").into_response();
    }
    match FILES.iter().find(|file| file.path == path) {
        Some(file) => send(file, &headers),
        None if path.starts_with("assets/") => {
            Failure::not_found(format!("there is no file `/{path}`; reload the page")).into_response()
        }
        // Views have addresses of their own, which the page itself understands.
        None => match FILES.iter().find(|file| file.path == "index.html") {
            Some(index) => send(index, &headers),
            None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], UNBUILT).into_response(),
        },
    }
}

fn send(file: &File, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let packed = file.gzip.filter(|_| accepts.split(',').any(|one| one.trim().starts_with("gzip")));
    let mut response = Response::new(Body::from(Bytes::from_static(packed.unwrap_or(file.bytes))));
    *response.status_mut() = StatusCode::OK;
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(file.path)));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Names of assets change with their content.
    let keep = if file.path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Headers of every answer.
pub(crate) fn protect(headers: &mut HeaderMap) {
    let mut set = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    set(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
}
