//! `procyon trace`: the system calls of processes, told as strace tells them.

mod ending;
mod feed;
mod writer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{ArgAction, Args, ValueEnum};
use jiff::tz::TimeZone;
use procyon_diag::{Fault, Kind, Palette, Tone};
use procyon_settings::{Raw, Setting};
use procyon_trace::engine::ebpf::Ebpf;
use procyon_trace::engine::ptrace::{self, Program, Ptrace};
use procyon_trace::engine::{Engine, EngineError, Plan};
use procyon_trace::launch::Launch;
use procyon_trace::{Filter, Options, Stamp, Style};

use ending::{Ending, Stop};
use feed::{Feed, Form, Report};
use writer::{Sink, Writer};

/// The command by which the ptrace engine starts the process that traces.
const TRACER: &str = "trace-by-ptrace";
/// This program as it runs, also after its file was replaced or removed.
const OWN_FILE: &str = "/proc/self/exe";

/// System calls of processes, live, as strace tells them
///
/// A pid stands for a process with all of its threads, the number of another thread for that thread alone. Nobody is stopped and nothing
/// is changed: programs in the kernel tell what happens (eBPF; needs CAP_BPF and CAP_PERFMON). What comes faster than it can be written
/// is lost, counted, and shown where it is missing; -c counts everything. Ctrl-C lets go and prints a summary; the third one ends at once.
///
/// Lines go to standard output, and with a command, whose own output that is, to standard error.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  procyon trace 4084\n  procyon trace -f -e %file -- make\n  procyon trace -c --duration 10s 4084\n  procyon trace 4084 --failed -T\n  procyon trace 4084 -e '!futex,epoll_wait' --slower 10ms"
)]
pub(crate) struct Trace {
    /// Processes or threads
    #[arg(value_name = "PID", required_unless_present = "command", conflicts_with = "command")]
    pids: Vec<u32>,
    /// A command to run and to follow from its first call on
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
    /// Follows the processes that followed ones make
    #[arg(short, long)]
    follow: bool,
    /// Only counts: calls, errors, time
    #[arg(short, long, conflicts_with = "json")]
    count: bool,
    /// Which calls: names and classes (%file %network %process %desc %memory %signal) with commas between, ! for all but those
    #[arg(short = 'e', long, value_name = "CALLS")]
    filter: Vec<String>,
    /// Only calls that failed
    #[arg(long)]
    failed: bool,
    /// Only calls that took at least so long, as 10ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    slower: Option<Duration>,
    /// Says what descriptors stand for
    #[arg(short = 'y', long)]
    descriptors: bool,
    /// Bytes of strings and data that are shown, at most 4096
    #[arg(short = 's', long, value_name = "N", default_value_t = 32)]
    size: u32,
    /// How long each call took, behind it
    #[arg(short = 'T', long)]
    took: bool,
    /// The time of day before each line; twice with microseconds
    #[arg(short = 't', long, action = ArgAction::Count)]
    time: u8,
    /// Writes to a file
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A JSON object on each line
    #[arg(long)]
    json: bool,
    /// Ends after this time, as 10s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// Ends after so many lines
    #[arg(long, value_name = "N")]
    max_lines: Option<u64>,
    /// What watches: ebpf stops nobody; ptrace works without its rights, and makes some calls fail with EINTR when it begins
    #[arg(long, value_enum, default_value_t = Choice::Ebpf)]
    engine: Choice,
}

/// What watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Ebpf,
    Ptrace,
}

/// Traces by ptrace, for the procyon that started this; not for people
#[derive(Debug, Args)]
pub(crate) struct Tracer {}

impl Tracer {
    pub(crate) fn run() -> ! {
        ptrace::run()
    }
}

/// How this program is started to trace by ptrace.
pub(crate) fn tracer() -> Program {
    Program { file: PathBuf::from(OWN_FILE), arguments: vec![TRACER.to_owned()] }
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(&Raw::Text(text.to_owned()))
}

fn fault(error: EngineError) -> Fault {
    let fault = Fault::new(error.kind(), "could not trace");
    let fault = match error.hint() {
        Some(hint) => fault.hint(hint),
        None => fault,
    };
    fault.because(error)
}

impl Trace {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let filter = self.filter()?;
        let stop = Stop::listen()?;
        // Before the command runs: what cannot be written is not worth running it.
        let sink = Sink::open(self.output.as_deref(), !self.command.is_empty())?;
        let launch = self.launch()?;
        let targets = launch.as_ref().map_or_else(|| self.pids.clone(), |launch| vec![launch.pid()]);
        // Of a command, nothing is told before it lets go of this program.
        let first = if launch.is_some() { Filter::none() } else { filter.clone() };
        let plan = Plan {
            targets,
            filter: first,
            children: self.follow,
            content: usize::try_from(self.size).unwrap_or(usize::MAX),
            telling: !self.count,
        };
        let mut engine = self.start(&plan)?;
        if launch.is_some() {
            engine.filter(&filter).map_err(fault)?;
        }
        let form = if self.json { Form::Json } else { Form::Lines };
        let mut feed = Feed::new(self.style(), form, Writer::start(sink)?, engine.told(), engine.followed());
        let child = match launch {
            Some(launch) => Some(launch.go().map_err(|error| self.not_run(error))?),
            None => None,
        };
        if let Some(child) = child.as_ref().filter(|_| self.engine == Choice::Ptrace) {
            feed.skip_waiting(child.id());
        }
        let limits =
            feed::Limits { time: self.duration, lines: self.max_lines, keys: if child.is_some() { 2 } else { 1 } };
        let report = feed.run(engine, &limits, &stop)?;
        self.finish(feed, &report)?;
        match child {
            Some(child) => Ending::of(child).map_err(Into::into),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    /// Says what was counted and what is missing, and waits until all is written.
    fn finish(&self, mut feed: Feed, report: &Report) -> Result<()> {
        // JSON is for programs, which count for themselves.
        if self.count || (report.interrupted && !self.json) {
            feed.print_summary(&report.summary);
        }
        feed.print_losses(report.lost);
        feed.finish()
    }

    fn start(&self, plan: &Plan) -> Result<Box<dyn Engine>, Fault> {
        if self.engine == Choice::Ebpf {
            return Ok(Box::new(Ebpf::start(plan).map_err(fault)?));
        }
        let stderr = std::io::stderr();
        let warning = Palette::of(&stderr).paint(Tone::Bad, "warning:");
        let text =
            "ptrace stops every thread at each call; when it begins, epoll_wait, semop and sigtimedwait return EINTR";
        feed::say(&format!("{warning} {text}"));
        Ok(Box::new(Ptrace::start(plan, &tracer()).map_err(fault)?))
    }

    fn filter(&self) -> Result<Filter, Fault> {
        let mut filter = if self.filter.is_empty() {
            Filter::all()
        } else {
            Filter::parse(&self.filter.join(",")).map_err(|error| {
                Fault::usage("could not read --filter")
                    .hint("as -e openat,close or -e %file or -e '!futex'")
                    .because(error)
            })?
        };
        filter.failed = self.failed;
        filter.slower = self.slower;
        Ok(filter)
    }

    fn launch(&self) -> Result<Option<Launch>, Fault> {
        if self.command.is_empty() {
            return Ok(None);
        }
        Launch::prepare(&self.command, self.engine == Choice::Ptrace).map(Some).map_err(|error| self.not_run(error))
    }

    fn not_run(&self, error: std::io::Error) -> Fault {
        let name = self.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            std::io::ErrorKind::PermissionDenied => Kind::NotPermitted,
            _ => Kind::Failed,
        };
        Fault::new(kind, format!("could not run `{name}`")).because(error)
    }

    fn style(&self) -> Style {
        let zone = TimeZone::system();
        let offset = zone.to_offset(jiff::Timestamp::now()).seconds();
        let options = Options {
            limit: usize::try_from(self.size).unwrap_or(usize::MAX),
            descriptors: self.descriptors,
            ..Options::default()
        };
        let stamp = match self.time {
            0 => Stamp::None,
            1 => Stamp::Seconds,
            _ => Stamp::Micros,
        };
        let always_named = self.output.is_some() && (self.follow || self.pids.len() > 1);
        Style { options, stamp, durations: self.took, always_named, ..Style::default() }.in_zone(offset)
    }
}
