//! `procyon exporter`: what node_exporter serves, with its flags.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use procyon_diag::{Fault, Kind};
use procyon_exporter::flags::{Flag, FlagError, Flags};
use procyon_exporter::scrape;
use procyon_exporter::web::{self, Exporter as Served, Face, Listen, Server};
use procyon_units::{Bytes, SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::VERSION;
use crate::log;
use crate::options::{LogFormat, LogLevel, LogOptions};
use crate::output::Output;

/// Serves this machine's metrics to Prometheus, in place of node_exporter
///
/// Takes node_exporter's flags, with one dash or two; `procyon exporter --help` lists them. It listens on port 9100 of
/// every address, as node_exporter does.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Exporter {
    /// Flags of node_exporter, as --collector.systemd or --path.rootfs=/host
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

const FLAGS: &[Flag] = &[
    Flag::off("help", "Show this help."),
    Flag::off("version", "Show the version."),
    Flag::off("h", "Show this help.").hidden(),
    Flag::word("log.level", "info", "Only log messages with the given severity or above: debug, info, warn, error."),
    Flag::word("log.format", "logfmt", "Output format of log messages: logfmt or json."),
    Flag::word("runtime.gomaxprocs", "1", "Taken for node_exporter's sake; there is no Go runtime here.").hidden(),
];

const HELP: &str = "\
Serves this machine's metrics to Prometheus, in place of node_exporter.

Usage: procyon exporter [FLAGS]

Examples:
  procyon exporter                                          every default collector on :9100
  procyon exporter --collector.disable-defaults --collector.cpu --collector.meminfo
  procyon exporter --path.procfs=/host/proc --path.sysfs=/host/sys --path.rootfs=/host

Flags (one dash or two, `--flag=value` or `--flag value`, `@file` for a file of flags):
";

impl Exporter {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut flags = Flags::default();
        flags.declare(FLAGS);
        flags.declare(web::FLAGS);
        scrape::declare(&mut flags);
        flags.parse(self.flags.iter().cloned()).map_err(Fault::from)?;
        if flags.is_on("help") || flags.is_on("h") {
            return print(format!("{HELP}{}", flags.help()));
        }
        if flags.is_on("version") {
            return print(format!(
                "procyon exporter, version {VERSION}, with the flags and metrics of node_exporter 1.12.1\n"
            ));
        }
        log::start(&log_options(&flags)?)?;
        // Before collectors are made: some open a file for each processor.
        procyon_linux::own::raise_descriptor_limit();
        let served = Served::new(&flags, VERSION, Arc::new(SystemClock))?;
        serve(served, Listen::new(&flags, Face::Node)?)
    }
}

pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<ExitCode> {
    let mut out = Output::new();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn log_options(flags: &Flags) -> Result<LogOptions, Fault> {
    let wrong = |name: &str, choices: &str| -> Fault {
        let (name, value) = (name.to_owned(), flags.text(name).to_owned());
        FlagError::Value { name, value, problem: format!("is none of {choices}") }.into()
    };
    let level = match flags.text("log.level") {
        "debug" => LogLevel::Debug,
        "info" => LogLevel::Info,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        _ => return Err(wrong("log.level", "debug, info, warn, error")),
    };
    let format = match flags.text("log.format") {
        "logfmt" => LogFormat::Text,
        "json" => LogFormat::Json,
        _ => return Err(wrong("log.format", "logfmt, json")),
    };
    // To standard error, as node_exporter does.
    Ok(LogOptions { level, format, file: None, max_size: Bytes(0), keep: 0 })
}

/// Serves until it is told to end.
pub(crate) fn serve(served: Served, listen: Listen) -> Result<ExitCode> {
    procyon_linux::own::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "could not start the server").because(error))?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for signals")?;
        let mut terminate = signal(SignalKind::terminate()).context("could not listen for signals")?;
        let collectors = served.collectors();
        let server = Server::start(served, listen).await?;
        for address in server.addresses() {
            tracing::info!(%address, collectors = collectors.join(" "), "listening");
        }
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        server.stop().await;
        Ok::<_, anyhow::Error>(())
    })?;
    // Threads that hang in the kernel do not hold the end.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}
