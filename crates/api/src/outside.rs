//! Entry points to the parsers of what clients send, for the fuzz targets and the test that shares their bodies. No interface.

use axum::http::Uri;
use procyon_model::catalogue::{CONNECTION, PROCESS};
use procyon_wire::SignIn;
use procyon_wire::live::ClientMessage;
use procyon_wire::process::SendSignal;

use crate::access::{Sight, certificate, origin, session};
use crate::live::Spec;
use crate::query::{self, Param, Query};
use crate::table::{self, Filter};

const SIGHTS: [Sight; 2] = [Sight::All, Sight::Public];
const PARAMS: &[Param] = &[query::text("q", ""), query::text("sort", ""), query::count("limit", ""), query::AT];

/// What stands behind `?` in an address, and each part of it as text of every kind.
pub fn query(text: &str) {
    if let Ok(uri) = format!("/api?{text}").parse::<Uri>()
        && let Ok(query) = Query::read(&uri, PARAMS)
    {
        let _count = query.count("limit", 1, 100);
        let _list = query.list("sort");
        let _instant = query.instant("q");
    }
    let _instant = crate::instant::parse(text);
    let _duration = crate::instant::duration(text);
    for sight in SIGHTS {
        let _filter = Filter::read(text, PROCESS, sight);
        let _filter = Filter::read(text, CONNECTION, sight);
        let _order = table::order(text, PROCESS, sight);
        let _columns = table::columns(&text.split(',').collect::<Vec<_>>(), &[], PROCESS, sight);
    }
}

/// A message over the live WebSocket, or the body of a request.
pub fn message(text: &str) {
    if let Ok(ClientMessage::Subscribe(asked)) = serde_json::from_str(text) {
        for sight in SIGHTS {
            let _spec = Spec::read(&asked, sight);
        }
    }
    let _sign_in = serde_json::from_str::<SignIn>(text);
    let _signal = serde_json::from_str::<SendSignal>(text);
    let _key = text.parse::<procyon_model::ProcessKey>();
    let _signal = text.parse::<procyon_control::Signal>();
}

/// Values of the headers `Host` and `Cookie`.
pub fn head(text: &str) {
    let _known = origin::Names::new(&[], None, true).know(text);
    let _cookie = session::of_header(text);
}

/// A client certificate, as TLS hands it on.
pub fn certificate(der: &[u8]) {
    let _holder = certificate::read(der);
}
