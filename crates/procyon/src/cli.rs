//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use procyon_diag::{Fault, Kind};
use procyon_settings::{Flag, Loaded, Sources, load};

use crate::cmd;
use crate::options::{LogFormat, LogLevel, Settings};
use crate::places;

/// Version, and the commit where the build knows it.
pub(crate) const VERSION: &str = env!("PROCYON_VERSION");

const AFTER_HELP: &str = "\
Examples:
  procyon up                               watch this machine at http://127.0.0.1:9300
  procyon ps --limit 10                    the busiest processes, once
  procyon ps --filter 'rss > 1.GiB' --sort -rss
  procyon ps --at 03:12                    as it was at 03:12
  procyon why --at 03:12                   what changed then
  procyon rank --by write --from -24h      who wrote the most since yesterday
  procyon trace 4084                       its system calls, live, without stopping it
  procyon signal TERM 4084                 ask a process to end
  procyon exporter                         serve Prometheus on :9100, in place of node_exporter
  procyon doctor                           what procyon can see here, and how to see more

Exit codes: 0 done · 1 failed, or a check found something · 2 called wrongly · 3 not permitted
            4 no such thing (any more) · 5 nothing answers";

/// Which process used up this machine, when, and what can I do about it now?
#[derive(Debug, Parser)]
#[command(name = "procyon", version = VERSION, after_help = AFTER_HELP, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(cmd::up::Up),
    Ps(cmd::ps::Ps),
    Rank(cmd::rank::Rank),
    Why(cmd::why::Why),
    Snapshot(cmd::snapshot::Snapshot),
    Store(cmd::store::Store),
    Trace(cmd::trace::Trace),
    #[command(name = "trace-by-ptrace", hide = true)]
    Tracer(cmd::trace::Tracer),
    Signal(cmd::signal::SendSignal),
    Doctor(cmd::doctor::Doctor),
    Token(cmd::token::Token),
    Config(cmd::config::Config),
    Mem(cmd::mem::Mem),
    Disk(cmd::disk::Disk),
    Cpu(cmd::cpu::Cpu),
    Sys(cmd::sys::Sys),
    Users(cmd::users::Users),
    Procs(cmd::procs::Procs),
    Exporter(cmd::exporter::Exporter),
    Licenses(cmd::licenses::Licenses),
    ProcessExporter(cmd::process_exporter::ProcessExporter),
    Completions(cmd::completions::Completions),
}

/// Names of a link to procyon that stand for a command.
const CALLED: &[(&str, &str)] = &[
    ("process-exporter", "process-exporter"),
    ("prometheus-process-exporter", "process-exporter"),
    ("node_exporter", "exporter"),
    ("prometheus-node-exporter", "exporter"),
];

/// The words of the command line, with the command for which the program's own name stands.
pub(crate) fn words(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = arguments.into_iter().collect();
    let called = words.first().and_then(|first| Path::new(first).file_name()).and_then(OsStr::to_str);
    if let Some((_, command)) = CALLED.iter().find(|(name, _)| Some(*name) == called) {
        words.insert(1, (*command).into());
    }
    words
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// Options file (TOML, or plain option=value lines when its name ends in .conf)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PROCYON_CONFIG",
        hide_env_values = true,
        help_heading = "Options for every command"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Sets one option, as collect.interval=2s; `procyon config show` lists them
    #[arg(long, global = true, value_name = "OPTION=VALUE", help_heading = "Options for every command")]
    pub(crate) set: Vec<String>,
    /// State folder [default: /var/lib/procyon for root, else $XDG_STATE_HOME/procyon]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Options for every command")]
    pub(crate) data: Option<PathBuf>,
    /// Least important messages of procyon's own log
    #[arg(long, global = true, value_name = "LEVEL", value_enum, help_heading = "Options for every command")]
    pub(crate) log_level: Option<LogLevel>,
    /// Form of procyon's own log
    #[arg(long, global = true, value_name = "FORMAT", value_enum, help_heading = "Options for every command")]
    pub(crate) log_format: Option<LogFormat>,
    /// Where procfs is, for looking at another machine's files
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true, help_heading = "Options for every command")]
    pub(crate) proc_root: Option<PathBuf>,
    /// Where sysfs is
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true, help_heading = "Options for every command")]
    pub(crate) sys_root: Option<PathBuf>,
    /// Where the file system is
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true, help_heading = "Options for every command")]
    pub(crate) fs_root: Option<PathBuf>,
}

impl Common {
    /// Where options come from, these flags and `more` of them included.
    pub(crate) fn sources(&self, more: Vec<Flag>) -> Sources {
        use procyon_settings::Setting;
        let path = |path: &'static str, name: &'static str, value: &Option<PathBuf>| {
            value.as_ref().map(|value| Flag { path, name, value: value.display().to_string() })
        };
        let flags = [
            path("data", "--data", &self.data),
            self.log_level.map(|value| Flag { path: "log.level", name: "--log-level", value: value.show() }),
            self.log_format.map(|value| Flag { path: "log.format", name: "--log-format", value: value.show() }),
            path("collect.proc", "--proc-root", &self.proc_root),
            path("collect.sys", "--sys-root", &self.sys_root),
            path("collect.root", "--fs-root", &self.fs_root),
        ];
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources {
            file: self.config.clone(),
            usual_file: Some(places::USUAL_CONFIG.into()),
            environment,
            set: self.set.clone(),
            flags: flags.into_iter().flatten().chain(more).collect(),
        }
    }

    /// The options in force; every mistake at once when there are any.
    pub(crate) fn load(&self, more: Vec<Flag>) -> Result<Loaded<Settings>, Fault> {
        load(&self.sources(more)).map_err(|mistakes| {
            let count = mistakes.0.len();
            let lines: Vec<String> = mistakes.0.iter().map(|mistake| format!("\n  {mistake}")).collect();
            let noun = if count == 1 { "mistake" } else { "mistakes" };
            Fault::new(Kind::Usage, format!("the options have {count} {noun}:{}", lines.concat()))
                .hint("`procyon config show` lists every option with its value and meaning")
        })
    }

    /// The options in force, for commands that take none of their own.
    pub(crate) fn settings(&self) -> Result<Settings, Fault> {
        self.load(Vec::new()).map(|loaded| loaded.settings)
    }
}
