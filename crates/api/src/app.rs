//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use procyon_control::Control;
use procyon_history::History;
use procyon_model::Frame;
use procyon_model::feed::Feed;
use procyon_model::inspect::Inspect;
use procyon_series::Series;
use procyon_trace::engine::ptrace::Program as Tracer;
use procyon_units::{Clock, Mono};
use procyon_wire::{Capability, ProblemKind};

use crate::access::attempts::Attempts;
use crate::access::origin::Names;
use crate::access::tokens::Tokens;
use crate::failure::Failure;
use crate::live::Hub;
use crate::metrics::Metrics;
use crate::trace::Traces;
use crate::turns::Turns;

/// Everything that the server serves, and those who help it.
pub struct Context {
    /// The machines.
    pub hosts: Vec<HostContext>,
    /// Changes things; none where this program may not.
    pub control: Option<Arc<Control>>,
    /// Who may do what.
    pub tokens: Arc<Tokens>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What this program may do on this machine. May block for a moment.
    pub capabilities: Box<dyn Fn() -> Vec<Capability> + Send + Sync>,
    /// What answers `/metrics`; none where it does not answer.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// How the program is started that traces system calls by ptrace; none where it is not to be had.
    pub tracer: Option<Tracer>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

/// One machine.
#[derive(Clone)]
pub struct HostContext {
    /// Its frames.
    pub feed: Arc<Feed>,
    /// Its last 15 minutes.
    pub series: Arc<Series>,
    /// Reads details of one process.
    pub inspect: Arc<dyn Inspect>,
    /// Its past.
    pub history: Kept,
}

/// What is kept of the past.
#[derive(Debug, Clone, Default)]
pub enum Kept {
    /// Everything, here.
    On(Arc<dyn History>),
    /// Nothing, because nobody wants it.
    #[default]
    Off,
    /// Nothing, because it could not be; and why.
    Failed(Arc<str>),
}

impl std::fmt::Debug for HostContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostContext").field("feed", &self.feed).finish_non_exhaustive()
    }
}

/// A machine as the server keeps it.
pub(crate) struct Host {
    pub(crate) feed: Arc<Feed>,
    pub(crate) series: Arc<Series>,
    pub(crate) inspect: Arc<dyn Inspect>,
    pub(crate) history: Kept,
    pub(crate) hub: Arc<Hub>,
    pub(crate) threads: crate::v1::threads::Before,
}

impl Host {
    /// The newest frame.
    pub(crate) fn frame(&self) -> Result<Arc<Frame>, Failure> {
        self.feed
            .latest()
            .ok_or_else(|| Failure::new(ProblemKind::Unavailable, "no frame has been made yet; it takes one interval"))
    }
}

/// What every request shares.
pub(crate) struct App {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) control: Option<Arc<Control>>,
    pub(crate) tokens: Arc<Tokens>,
    /// Changes when a session was ended by its user.
    pub(crate) sessions_ended: tokio::sync::watch::Sender<u64>,
    pub(crate) attempts: Attempts,
    pub(crate) names: Names,
    pub(crate) clock: Arc<dyn Clock>,
    /// Who may ask about the past now.
    pub(crate) turns: Turns,
    pub(crate) capabilities: Box<dyn Fn() -> Vec<Capability> + Send + Sync>,
    pub(crate) metrics: Option<Arc<dyn Metrics>>,
    pub(crate) traces: Traces,
    pub(crate) started: Mono,
    pub(crate) read_only: bool,
    /// Whether clients on this machine without a token are answered.
    pub(crate) anonymous: bool,
    /// Whether cookies are for TLS alone.
    pub(crate) tls: bool,
    pub(crate) counters: Arc<Counters>,
    /// Set when the server stops.
    pub(crate) stopping: tokio::sync::watch::Receiver<bool>,
}

/// What limits cut off, since start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections open now.
    pub(crate) connections: AtomicUsize,
    /// Of these, over TCP.
    pub(crate) tcp: AtomicUsize,
    /// Of these, over the local socket.
    pub(crate) local: AtomicUsize,
    /// Live WebSockets open now.
    pub(crate) live: AtomicUsize,
    /// Of these, over the local socket.
    pub(crate) live_local: AtomicUsize,
    /// Clients cut off because they did not read.
    pub(crate) cut_off: AtomicU64,
    /// Connections closed because there were too many.
    pub(crate) refused_connections: AtomicU64,
    /// Wrong tokens.
    pub(crate) wrong_tokens: AtomicU64,
}

impl App {
    /// The machine with this id, name or alias.
    pub(crate) fn host(&self, name: &str) -> Result<&Arc<Host>, Failure> {
        let known = |host: &&Arc<Host>| {
            host.feed.latest().is_some_and(|frame| {
                frame.host.name.eq_ignore_ascii_case(name) || frame.host.id.to_string().eq_ignore_ascii_case(name)
            })
        };
        let local = || self.hosts.first().filter(|_| name == "local");
        local().or_else(|| self.hosts.iter().find(known)).ok_or_else(|| {
            Failure::not_found(format!("there is no host `{name}`; `local` is the one that this procyon watches"))
        })
    }

    /// Runs what may take longer than async code may: on a thread of its own, few of which there are.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let app = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, "a request failed inside");
                Err(Failure::new(ProblemKind::Internal, "the request failed inside the server; its log says more"))
            }
        }
    }
}
