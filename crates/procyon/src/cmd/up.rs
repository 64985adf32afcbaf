//! `procyon up`: watches this machine and serves what it sees.

mod holder;
mod metrics;
mod recorded;
mod reload;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use procyon_api::access::tokens::{Role, Tokens};
use procyon_api::{ClientCertificates, Config as ApiConfig, Context, HostContext, Server, TlsFiles};
use procyon_control::{Audit, Control};
use procyon_diag::{Fault, Kind, Tone};
use procyon_model::feed::Feed;
use procyon_series::{Limits, Series};
use procyon_settings::{Flag, Loaded, Setting};
use procyon_units::{Clock as _, Mono, SystemClock};

use crate::cli::{Common, VERSION};
use crate::cmd::token;
use crate::options::{ClientRole, Settings, Source};
use crate::output::Output;
use crate::past::Keeping;
use crate::{collecting, log, places, privilege, probe};

/// Watches this machine and serves what it sees: web page, API, local socket
///
/// On the first start it prints a link that signs a browser in as operator; `procyon token` makes more. Ctrl-C or SIGTERM
/// ends it, SIGHUP reads the options again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  procyon up\n  procyon up --listen 127.0.0.1:9400 --data ./state\n  procyon up --set collect.interval=5s --log-format json\n  procyon up --file incident.snapshot            look at a piece of the past of any machine"
)]
pub(crate) struct Up {
    /// Address and port of the web page and the API [default: 127.0.0.1:9300]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Takes every control away: nothing can be changed through procyon
    #[arg(long)]
    read_only: bool,
    /// Allows an address other than loopback without HTTPS
    #[arg(long)]
    insecure: bool,
    /// Certificate chain (PEM) for HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<std::path::PathBuf>,
    /// Private key (PEM) for HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<std::path::PathBuf>,
    /// Authorities (PEM) whose client certificates sign in, over HTTPS
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<std::path::PathBuf>,
    /// Keeps nothing of the past
    #[arg(long)]
    no_history: bool,
    /// Local socket [default: /run/procyon/procyon.sock for root, else $XDG_RUNTIME_DIR/procyon/procyon.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<std::path::PathBuf>,
    /// Where the process table comes from [default: auto]
    #[arg(long, value_name = "SOURCE", value_enum)]
    source: Option<Source>,
    /// Shows a file that `procyon snapshot` made, instead of watching this machine: page and API, read only
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_history", "source", "socket"])]
    file: Option<std::path::PathBuf>,
    /// File to log to, rotated by size [default: standard error]
    #[arg(long, value_name = "FILE")]
    log_file: Option<std::path::PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    use procyon_settings::Raw;
    SocketAddr::parse(&Raw::Text(text.to_owned()))
        .map_err(|problem| format!("{problem}; expected {}", SocketAddr::SHAPE))
}

impl Up {
    fn flags(&self) -> Vec<Flag> {
        let path = |path, name, value: &Option<std::path::PathBuf>| {
            value.as_ref().map(|value| Flag { path, name, value: value.show() })
        };
        let yes = |path, name, value: bool| value.then(|| Flag { path, name, value: "true".to_owned() });
        let flags = [
            self.listen.map(|value| Flag { path: "listen", name: "--listen", value: value.show() }),
            yes("read_only", "--read-only", self.read_only),
            yes("api.insecure", "--insecure", self.insecure),
            path("api.tls_cert", "--tls-cert", &self.tls_cert),
            path("api.tls_key", "--tls-key", &self.tls_key),
            path("api.tls_client_ca", "--tls-client-ca", &self.tls_client_ca),
            self.no_history.then(|| Flag { path: "history.enabled", name: "--no-history", value: "false".to_owned() }),
            path("socket", "--socket", &self.socket),
            self.source.map(|value| Flag { path: "collect.source", name: "--source", value: value.show() }),
            path("log.file", "--log-file", &self.log_file),
        ];
        flags.into_iter().flatten().collect()
    }

    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let loaded = common.load(self.flags())?;
        let log = log::start(&loaded.settings.log)?;
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "an option is not known");
        }
        // Taken before any thread starts, so that every thread leaves signals to us.
        let signals = reload::Signals::take().context("could not listen for signals")?;
        if let Some(file) = &self.file {
            return recorded::show(&loaded.settings, file, &signals);
        }
        let mut in_force = loaded;
        let mut running = Running::start(&in_force, None)?;
        running.announce(&in_force.settings)?;
        loop {
            match signals.next() {
                reload::Asked::End(signal) => {
                    tracing::info!(signal, "stopping");
                    break;
                }
                reload::Asked::Reload => {
                    if let Some(asked) = reload::reload(common, self.flags(), &log, &in_force) {
                        (running, in_force) = running.start_again(asked, in_force)?;
                    }
                }
            }
        }
        running.stop();
        Ok(ExitCode::SUCCESS)
    }
}

/// Everything that runs, in the order in which it stops.
struct Running {
    server: Server,
    collecting: procyon_collect::Handle,
    keeping: Keeping,
    series: Arc<Series>,
    first_token: Option<String>,
    machine: String,
    _lock: places::Lock,
}

impl Running {
    /// Starts everything. The last minutes of one that ran before are taken over.
    fn start(loaded: &Loaded<Settings>, before: Option<Arc<Series>>) -> Result<Self, Fault> {
        let settings = &loaded.settings;
        procyon_linux::own::raise_descriptor_limit();
        let folder = places::make_state_folder(settings)?;
        let mut lock = places::lock(&folder)?;
        let id = places::host_id(&folder)?;
        let tokens = Arc::new(Tokens::open(&folder).map_err(|error| token::fault(&error))?);
        let config = collecting::config(settings);
        let mut collector = collecting::start(&config, id)?;
        // The first frame at once: whoever asks from now on gets an answer.
        let first = collecting::tick(&mut collector)?;
        let machine = first.host.name.to_string();
        let boot = first.host.boot.short();

        let feed = Arc::new(Feed::new());
        let series = before.unwrap_or_else(|| Arc::new(Series::new(limits(settings))));
        let consumer =
            series.consumer().map_err(|error| Fault::new(Kind::Failed, "could not start a thread").because(error))?;
        feed.attach(consumer);
        let (keeping, history) = Keeping::start(settings, &folder, &feed);
        feed.publish(&first);
        let inspect = collecting::inspect(&config)?;
        let mut control = Control::new(Audit::in_directory(&folder), boot, Arc::new(SystemClock));
        if settings.read_only {
            control = control.read_only();
        }
        let socket = places::socket(settings, &folder);
        let root = probe::root(settings);
        let metrics = metrics::metrics(settings, &feed, &history)?;
        let context = Context {
            hosts: vec![HostContext { feed: Arc::clone(&feed), series: Arc::clone(&series), inspect, history }],
            control: Some(Arc::new(control)),
            tokens: Arc::clone(&tokens),
            clock: Arc::new(SystemClock),
            capabilities: remembered(move || privilege::capabilities(&root)),
            metrics,
            tracer: Some(super::trace::tracer()),
        };
        let server = serve(settings, Some(&socket), context)?;
        lock.serves_at(&token::base(settings, server.address().unwrap_or(settings.listen)))?;
        // Once it serves: a start that fails must not use up the link that is printed once.
        let first_token = first_token(&tokens)?;
        let collecting =
            collector.start(feed).map_err(|error| Fault::new(Kind::Failed, procyon_diag::message_of(&error)))?;
        tracing::info!(
            version = VERSION, host = %machine, state = %folder.display(), socket = %socket.display(), options = loaded.file.as_ref().map(|path| path.display().to_string()),
            listen = server.address().map(tracing::field::display), read_only = settings.read_only, "started"
        );
        Ok(Self { server, collecting, keeping, series, first_token, machine, _lock: lock })
    }

    /// Stops and starts with other options, or with those before when it cannot.
    fn start_again(
        self,
        mut asked: Loaded<Settings>,
        mut before: Loaded<Settings>,
    ) -> Result<(Self, Loaded<Settings>), Fault> {
        let series = Arc::clone(&self.series);
        let said = |loaded: &Loaded<Settings>| {
            loaded.effective.iter().find(|option| option.declared.path == "listen").map(|option| option.value.clone())
        };
        if let Some(address) = self.server.address() {
            // Where the options leave the port to the kernel, clients know the one that it chose.
            if said(&asked) == said(&before) {
                asked.settings.listen = address;
            }
            before.settings.listen = address;
        }
        self.stop();
        let kept = |settings| (limits(settings) == limits(&before.settings)).then(|| Arc::clone(&series));
        match Self::start(&asked, kept(&asked.settings)) {
            Ok(running) => {
                if running.first_token.is_some() {
                    // A reader that went away does not matter to the monitor.
                    running.announce(&asked.settings).unwrap_or_default();
                }
                Ok((running, asked))
            }
            Err(error) => {
                tracing::error!(
                    error = procyon_diag::message_of(&error),
                    "could not start with the new options; the old ones stay in force"
                );
                Ok((Self::start(&before, kept(&before.settings))?, before))
            }
        }
    }

    /// Says on standard output where to look.
    fn announce(&self, settings: &Settings) -> Result<()> {
        let mut out = Output::new();
        writeln!(out, "{}", out.palette.paint(Tone::Strong, format!("Procyon {VERSION} watches {}", self.machine)))?;
        let listen = self.server.address().unwrap_or(settings.listen);
        let base = token::base(settings, listen);
        if let Some(secret) = &self.first_token {
            writeln!(out, "\n  {base}/#token={secret}\n")?;
            writeln!(
                out,
                "Open it to sign in as operator. The link is shown this once; `{}` makes another.",
                token::command(settings)
            )?;
        } else {
            writeln!(out, "\n  {base}/\n")?;
            writeln!(out, "`{}` prints a link that signs you in.", token::command(settings))?;
        }
        if !listen.ip().is_loopback() && settings.api.tls_cert.is_none() {
            let warning = "without HTTPS everybody on the way can read the tokens and everything else";
            writeln!(out, "{} {warning}", out.palette.paint(Tone::Bad, "insecure:"))?;
        }
        if settings.read_only {
            writeln!(out, "Read-only: nothing on this machine can be changed through it.")?;
        }
        writeln!(out, "Ctrl-C stops it.")?;
        // A reader that went away does not matter to the monitor.
        if let Err(error) = out.flush() {
            tracing::debug!(%error, "nobody reads the announcement");
        }
        Ok(())
    }

    fn stop(self) {
        self.server.stop();
        drop(self.collecting);
        self.keeping.finish();
        tracing::info!("stopped");
    }
}

/// How much the charts of the last minutes may hold.
fn limits(settings: &Settings) -> Limits {
    let bytes = usize::try_from(settings.series.max_size.0).unwrap_or(usize::MAX);
    Limits { window: settings.series.window, bytes }
}

fn serve(settings: &Settings, socket: Option<&std::path::Path>, context: Context) -> Result<Server, Fault> {
    if let Some(folder) = socket.and_then(std::path::Path::parent) {
        places::make_socket_folder(folder)?;
    }
    let api = &settings.api;
    let tls = match (&api.tls_cert, &api.tls_key) {
        (Some(certificate), Some(key)) => {
            let clients = api.tls_client_ca.as_ref().map(|authority| ClientCertificates {
                authority: authority.clone(),
                role: match api.tls_client_role {
                    ClientRole::Viewer => Role::Viewer,
                    ClientRole::Operator => Role::Operator,
                },
                operators: api.tls_client_operators.clone(),
            });
            Some(TlsFiles { certificate: certificate.clone(), key: key.clone(), clients })
        }
        (None, None) if api.tls_client_ca.is_some() => {
            return Err(Fault::usage("client certificates need HTTPS")
                .hint("give `--tls-cert FILE` and `--tls-key FILE` as well"));
        }
        (None, None) => None,
        _ => {
            return Err(Fault::usage("HTTPS needs both a certificate and its key")
                .hint("give `--tls-cert FILE` and `--tls-key FILE`"));
        }
    };
    let config = ApiConfig {
        listen: Some(settings.listen),
        socket: socket.map(std::path::Path::to_owned),
        tls,
        insecure: api.insecure,
        read_only: settings.read_only,
        anonymous: api.anonymous,
        allowed_hosts: api.allowed_hosts.clone(),
    };
    Server::start(config, context).map_err(|error| holder::explain(error, settings))
}

/// The operator's token of the first start; none when there are tokens already.
fn first_token(tokens: &Tokens) -> Result<Option<String>, Fault> {
    if !tokens.is_empty().map_err(|error| token::fault(&error))? {
        return Ok(None);
    }
    let made = tokens.create("first", Role::Operator, &SystemClock).map_err(|error| token::fault(&error))?;
    Ok(Some(made.secret))
}

/// How long the outcome of the attempts is good for: capabilities of a running process hardly ever change.
const CAPABILITIES_AGE: Duration = Duration::from_mins(1);

/// Asks once in a while and answers from memory in between.
fn remembered<T: Clone + Send + 'static>(
    ask: impl Fn() -> T + Send + Sync + 'static,
) -> Box<dyn Fn() -> T + Send + Sync> {
    let last: Mutex<Option<(Mono, T)>> = Mutex::new(None);
    Box::new(move || {
        let now = SystemClock.mono();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, answer)) = &*last
            && now.since(*at) < CAPABILITIES_AGE
        {
            return answer.clone();
        }
        let answer = ask();
        *last = Some((now, answer.clone()));
        answer
    })
}
