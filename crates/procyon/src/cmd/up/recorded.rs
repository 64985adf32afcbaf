//! `procyon up --file`: a piece of the past of some machine, in the page and by the API. Nothing is watched, and nothing can be changed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use procyon_api::access::tokens::{Role, Tokens};
use procyon_api::{Context, HostContext, Kept};
use procyon_diag::{Fault, Kind, Tone};
use procyon_history::{Extent, History};
use procyon_model::Frame;
use procyon_model::feed::Feed;
use procyon_model::inspect::Bygone;
use procyon_series::{Limits, Series};
use procyon_units::{Clock, Mono, SystemClock, Wall};

use super::{reload, serve};
use crate::asking::open_file;
use crate::cli::VERSION;
use crate::cmd::token;
use crate::options::Settings;
use crate::output::Output;
use crate::{past, places, when};

/// Serves the file until somebody asks to end.
pub(super) fn show(settings: &Settings, file: &Path, signals: &reload::Signals) -> Result<ExitCode> {
    let reader = open_file(file)?;
    let extent = reader.extent().map_err(|error| past::fault(&error))?;
    let extent = extent.ok_or_else(|| Fault::new(Kind::NotFound, format!("{} holds no frame", file.display())))?;
    let last = reader.at(extent.last).map_err(|error| past::fault(&error))?.frame;
    let clock = Arc::new(SinceThen { began: SystemClock.mono(), at: extent.last });
    let feed = Arc::new(Feed::new());
    feed.publish(&Arc::new(Frame { mono: clock.mono(), ..Frame::clone(&last) }));

    let folder = OwnFolder::make()?;
    let tokens = Arc::new(Tokens::open(&folder.0).map_err(|error| token::fault(&error))?);
    let made = tokens.create("file", Role::Viewer, &*clock).map_err(|error| token::fault(&error))?;
    let context = Context {
        hosts: vec![HostContext {
            feed,
            series: Arc::new(Series::new(Limits::default())),
            inspect: Arc::new(Bygone),
            history: Kept::On(Arc::new(reader)),
        }],
        control: None,
        tokens,
        clock,
        capabilities: Box::new(Vec::new),
        metrics: None,
        tracer: None,
    };
    let server = serve(settings, None, context)?;
    let base = token::base(settings, server.address().unwrap_or(settings.listen));
    announce(file, &last, &extent, &format!("{base}/h/local?at={}#token={}", extent.last.unix_ms(), made.secret))?;
    loop {
        match signals.next() {
            reload::Asked::End(signal) => {
                tracing::info!(signal, "stopping");
                break;
            }
            reload::Asked::Reload => tracing::info!("there is nothing to read again while a file is shown"),
        }
    }
    server.stop();
    Ok(ExitCode::SUCCESS)
}

fn announce(file: &Path, last: &Frame, extent: &Extent, link: &str) -> Result<()> {
    let mut out = Output::new();
    let title = format!("Procyon {VERSION} shows {}", file.display());
    writeln!(out, "{}", out.palette.paint(Tone::Strong, title))?;
    writeln!(out, "{} from {} to {}", last.host.name, when::stamp(extent.first), when::stamp(extent.last))?;
    writeln!(out, "\n  {link}\n")?;
    writeln!(out, "Open it to look around. Ctrl-C stops it.")?;
    if let Err(error) = out.flush() {
        tracing::debug!(%error, "nobody reads the announcement");
    }
    Ok(())
}

/// A clock that showed the last instant of the file when it was opened, so that `-15m` means the last minutes of the file.
#[derive(Debug)]
struct SinceThen {
    began: Mono,
    at: Wall,
}

impl Clock for SinceThen {
    fn wall(&self) -> Wall {
        let passed = self.mono().since(self.began).as_nanos();
        Wall(self.at.0.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)))
    }

    fn mono(&self) -> Mono {
        SystemClock.mono()
    }
}

/// A state folder that goes with us: the one of this machine belongs to the procyon that watches it.
struct OwnFolder(PathBuf);

impl OwnFolder {
    fn make() -> Result<Self, Fault> {
        let failed = |error| {
            Fault::new(Kind::Failed, "could not make a folder for what is kept while a file is shown").because(error)
        };
        let id = places::random_id().map_err(failed)?;
        let path = std::env::temp_dir().join(format!("procyon-{id}"));
        places::make_private(&path).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, folder = %self.0.display(), "could not remove the folder of what was kept meanwhile");
        }
    }
}
