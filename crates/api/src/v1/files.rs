//! Open files of a process.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use procyon_model::inspect::OpenFile;
use procyon_wire::process as wire;
use procyon_wire::{List, Role};

use super::process::{inspect_failure, missing};
use super::{At, json, key_of};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::rows::readable;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    At((host, key)): At<(String, String)>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Failure> {
    caller.needs(Role::Viewer, "to see open files")?;
    let host = Arc::clone(app.host(&host)?);
    let key = key_of(&key)?;
    app.blocking(move |app| {
        let frame = host.frame()?;
        if frame.process_by_pid(key.pid).is_some_and(|other| other.key != key) {
            return Err(missing(&frame, &key));
        }
        let files = host.inspect.files(&key).map_err(|error| inspect_failure(&error))?;
        let one = |file: OpenFile| wire::OpenFile {
            fd: file.fd,
            kind: file.kind.to_owned(),
            target: readable(&file.target),
            position: file.position,
            flags: file.flags.map(|flags| format!("0{flags:o}")),
            inode: file.inode,
        };
        json(&List::whole(app.clock.wall().unix_ms(), files.into_iter().map(one).collect()))
    })
    .await
}
