//! Every option of procyon with its default and meaning: what `procyon config show` lists.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use procyon_settings::{Raw, Setting, Share};
use procyon_units::Bytes;

procyon_settings::options! {
    /// The options of `procyon up`.
    pub(crate) struct Settings {
        /// Address and port of the web page and the API.
        listen: SocketAddr = "127.0.0.1:9300",
        /// Folder of the state: tokens, audit log, host id. Default: /var/lib/procyon for root, else $XDG_STATE_HOME/procyon.
        data: Option<PathBuf> = "",
        /// Local socket, where the user's id decides what they may do. Default: /run/procyon/procyon.sock for root, else $XDG_RUNTIME_DIR/procyon/procyon.sock; in the state folder when that one is named.
        socket: Option<PathBuf> = "",
        /// Takes every control away: nothing on this machine can be changed through procyon.
        read_only: bool = "false",
    }
    groups {
        /// Procyon's own log.
        log: LogOptions,
        /// Reading the machine.
        collect: CollectOptions,
        /// The web page and the API.
        api: ApiOptions,
        /// Secrets in command lines.
        mask: MaskOptions,
        /// Charts of the last minutes.
        series: SeriesOptions,
        /// The past, kept on disk.
        history: HistoryOptions,
        /// What processes are called.
        label: LabelOptions,
        /// Figures for Prometheus.
        metrics: MetricsOptions,
    }
}

procyon_settings::options! {
    /// Procyon's own log.
    pub(crate) struct LogOptions {
        /// Least important messages that are kept: error, warn, info, debug, trace.
        level: LogLevel = "info",
        /// text (a line for people) or json (a line for programs).
        format: LogFormat = "text",
        /// File to log to; standard error when empty.
        file: Option<PathBuf> = "",
        /// Size at which the file is set aside as FILE.1, FILE.2 and so on.
        max_size: Bytes = "20MiB",
        /// How many files are kept, the current one included.
        keep: u32 = "5",
    }
    groups {}
}

procyon_settings::options! {
    /// Reading the machine.
    pub(crate) struct CollectOptions {
        /// Where the process table comes from: ebpf (the kernel's own list, many times cheaper), procfs, or auto (ebpf where the kernel lets us).
        source: Source = "auto",
        /// Time between two readings of processes and the machine.
        interval: Duration = "1s",
        /// Time between two readings of the socket table.
        connections: Duration = "2s",
        /// Time between two readings of the file systems.
        filesystems: Duration = "15s",
        /// File systems that are left alone: a mount point with all below it, as /var/lib/docker; * stands for any one name.
        skip_mounts: Vec<String> = "",
        /// File systems smaller than this are left out.
        smallest_filesystem: Bytes = "0",
        /// Time between two readings of logged-in users and the system's name.
        users: Duration = "60s",
        /// Time between two questions to container engines.
        containers: Duration = "10s",
        /// Share of one core that reading proportional memory (PSS) may take; 0 turns it off.
        pss_budget: Share = "0.5%",
        /// Share of one core that open files, limits, wait channels and run-queue delays may take.
        slow_budget: Share = "0.4%",
        /// Share of one core that procyon may take over 30 s before it reads less often and says so.
        ceiling: Share = "10%",
        /// Where procfs is mounted.
        proc: PathBuf = "/proc",
        /// Where sysfs is mounted.
        sys: PathBuf = "/sys",
        /// Where the file system of the machine is mounted.
        root: PathBuf = "/",
    }
    groups {}
}

procyon_settings::options! {
    /// The web page and the API.
    pub(crate) struct ApiOptions {
        /// Names besides localhost and the host's own by which browsers may call this server.
        allowed_hosts: Vec<String> = "",
        /// Certificate chain (PEM) for HTTPS.
        tls_cert: Option<PathBuf> = "",
        /// Private key (PEM) for HTTPS.
        tls_key: Option<PathBuf> = "",
        /// Certificates (PEM) of authorities whose client certificates sign in, over HTTPS.
        tls_client_ca: Option<PathBuf> = "",
        /// What a client certificate allows: viewer or operator.
        tls_client_role: ClientRole = "viewer",
        /// Common names of client certificates whose holders are operators.
        tls_client_operators: Vec<String> = "",
        /// Allows an address other than loopback without HTTPS: tokens then travel readable by anybody on the way.
        insecure: bool = "false",
        /// Whether somebody on this machine without a token sees what every local user may see anyway.
        anonymous: bool = "true",
    }
    groups {}
}

procyon_settings::options! {
    /// Secrets in command lines.
    pub(crate) struct MaskOptions {
        /// Words besides the built-in ones (password, token, key …) whose values are masked.
        patterns: Vec<String> = "",
        /// Drops all arguments from command lines.
        strip_args: bool = "false",
    }
    groups {}
}

procyon_settings::options! {
    /// Charts of the last minutes, kept in memory.
    pub(crate) struct SeriesOptions {
        /// How far back they go.
        window: Duration = "15min",
        /// Memory that they may take; the oldest go first.
        max_size: Bytes = "12MiB",
    }
    groups {}
}

procyon_settings::options! {
    /// The past, kept on disk.
    pub(crate) struct HistoryOptions {
        /// Whether everything that is seen is kept, so that the past can be asked.
        enabled: bool = "true",
        /// Folder of the history. Default: `history` in the state folder.
        dir: Option<PathBuf> = "",
        /// How long it is kept.
        retention: Duration = "30d",
        /// Disk space that it may take; the oldest goes first. Default: 10GiB, or a tenth of the file system if that is less.
        max_size: Option<Bytes> = "",
        /// How often what was kept is made to survive a loss of power; the end of procyon alone loses nothing.
        sync_every: Duration = "1s",
        /// How much time a block of files holds. Shorter ones take more room and answer more slowly; they are for measurements.
        block: Duration = "1h",
        /// Keeps only processes that this expression chooses, as `cpu >= 0.01 || rss >= 100.MiB`; the rest is summed into one row, `other`.
        filter: Option<ProcessFilter> = "",
    }
    groups {}
}

procyon_settings::options! {
    /// What processes are called.
    pub(crate) struct LabelOptions {
        /// Template in place of the built-in rule (unit, container or script name, else the command's name, plus the lowest listening port).
        template: Option<String> = "",
    }
    groups {}
}

procyon_settings::options! {
    /// Figures for Prometheus, at /metrics.
    pub(crate) struct MetricsOptions {
        /// Whether /metrics answers, for viewers.
        enabled: bool = "true",
        /// Flags as `procyon exporter` takes them, as --no-collector.zfs or --collector.process.config.path=/etc/groups.yml; groups of processes are on unless taken back.
        flags: Vec<String> = "",
    }
    groups {}
}

/// A filter over processes.
#[derive(Debug, Clone)]
pub(crate) struct ProcessFilter {
    text: String,
    query: std::sync::Arc<procyon_expr::Query>,
}

impl PartialEq for ProcessFilter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl ProcessFilter {
    /// Whether a process is chosen.
    pub(crate) fn matches(&self, row: &procyon_model::ProcessRow) -> bool {
        self.query.matches(&procyon_expr::Figures(procyon_model::catalogue::PROCESS).row(row))
    }
}

impl Setting for ProcessFilter {
    const SHAPE: &'static str = "a filter such as cpu >= 0.01 || rss >= 100.MiB";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = String::parse(raw)?;
        let figures = procyon_expr::Figures(procyon_model::catalogue::PROCESS);
        let query = procyon_expr::Query::parse(&text, &figures, procyon_expr::PROCESS_WORDS);
        query
            .map(|query| Self { text: text.clone(), query: query.into() })
            .map_err(|error| format!("`{text}`: {error}"))
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

macro_rules! choice {
    ($(#[doc = $doc:literal])* $name:ident, $shape:literal { $($variant:ident = $word:literal),* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
        pub(crate) enum $name {
            $($variant),*
        }

        impl Setting for $name {
            const SHAPE: &'static str = $shape;

            fn parse(raw: &Raw) -> Result<Self, String> {
                let text = String::parse(raw)?;
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)*
                    other => Err(match procyon_diag::nearest(other, [$($word),*]) {
                        Some(meant) => format!("`{text}` is none of them; did you mean {meant}?"),
                        None => format!("`{text}` is none of them"),
                    }),
                }
            }

            fn show(&self) -> String {
                match self { $(Self::$variant => $word),* }.to_owned()
            }
        }
    };
}

choice!(
    /// How important a message is.
    LogLevel, "one of error, warn, info, debug, trace" { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace" }
);

choice!(
    /// What a client certificate allows.
    ClientRole, "viewer or operator" { Viewer = "viewer", Operator = "operator" }
);

choice!(
    /// Form of the log.
    LogFormat, "text or json" { Text = "text", Json = "json" }
);

choice!(
    /// Where the process table comes from.
    Source, "auto, ebpf or procfs" { Auto = "auto", Ebpf = "ebpf", Procfs = "procfs" }
);

#[cfg(test)]
mod tests {
    use procyon_settings::{Options, Sources, load};

    use super::*;

    #[test]
    fn every_default_can_be_read_and_every_option_says_what_it_is_for() {
        let loaded = load::<Settings>(&Sources::default()).unwrap();
        assert_eq!(loaded.settings.listen.port(), 9300);
        let mut declared = Vec::new();
        Settings::declare("", &mut declared);
        for option in declared {
            (option.check)(&Raw::Text(option.default.to_owned()))
                .unwrap_or_else(|error| panic!("{}: {error}", option.path));
            assert!(option.help.ends_with('.'), "{}: {}", option.path, option.help);
        }
    }
}
