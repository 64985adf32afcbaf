//! Procyon's own log: to standard error, or to a file rotated by size; a line for people or JSON for programs.

mod rotate;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use procyon_diag::{Fault, Kind, Palette};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::options::{LogFormat, LogLevel, LogOptions};
use rotate::Rotated;

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Changes the log while it is written.
#[derive(Clone)]
pub(crate) struct LogHandle {
    level: reload::Handle<LevelFilter, Registry>,
    file: Option<Arc<Rotated>>,
}

impl LogHandle {
    /// Takes a new level, and opens the file again in case somebody moved it away.
    pub(crate) fn reload(&self, level: LogLevel) {
        if let Err(error) = self.level.modify(|filter| *filter = level.into()) {
            tracing::warn!(%error, "could not change the log level");
        }
        if let Some(file) = &self.file {
            file.reopen();
        }
    }
}

/// Starts the log, once a process. Panics are logged from here on.
pub(crate) fn start(options: &LogOptions) -> Result<LogHandle, Fault> {
    let file = match &options.file {
        Some(path) => Some(Arc::new(Rotated::open(path, options.max_size, options.keep).map_err(|error| {
            Fault::new(Kind::Failed, format!("could not open the log file {}", path.display()))
                .because(error)
                .hint("name another one with `--set log.file=FILE`, or leave it out to log to standard error")
        })?)),
        None => None,
    };
    let sink = Sink(file.clone());
    let (level, handle) = reload::Layer::new(LevelFilter::from(options.level));
    let stderr = io::stderr();
    let plain = file.is_some() || Palette::of(&stderr) == Palette::Plain;
    // journald stamps what it gets on standard error.
    let journald = file.is_none() && !stderr.is_terminal() && std::env::var_os("JOURNAL_STREAM").is_some();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(sink)
        .with_timer(Clock { silent: journald })
        .with_ansi(!plain)
        .with_target(false);
    let layer = match options.format {
        LogFormat::Json => layer.with_ansi(false).json().flatten_event(true).with_target(true).boxed(),
        LogFormat::Text => layer.boxed(),
    };
    let started = tracing_subscriber::registry().with(level).with(layer).try_init();
    started.map_err(|error| Fault::new(Kind::Failed, "could not start the log").because(error))?;
    log_panics();
    Ok(LogHandle { level: handle, file })
}

/// A panic ends one source or request, not the monitor; it is logged like everything else.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let trace = std::backtrace::Backtrace::capture();
        let trace =
            if trace.status() == std::backtrace::BacktraceStatus::Captured { trace.to_string() } else { String::new() };
        tracing::error!(message, place, thread, trace, "a part of procyon ended in a panic");
    }));
}

/// Where lines go: a file, else standard error.
#[derive(Clone)]
struct Sink(Option<Arc<Rotated>>);

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

/// One line on its way.
struct Line(Option<Arc<Rotated>>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(file) => file.write(bytes),
            None => io::stderr().lock().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Clock {
    silent: bool,
}

impl FormatTime for Clock {
    fn format_time(&self, w: &mut Writer<'_>) -> std::fmt::Result {
        if self.silent { Ok(()) } else { write!(w, "{:.3}", jiff::Timestamp::now()) }
    }
}
