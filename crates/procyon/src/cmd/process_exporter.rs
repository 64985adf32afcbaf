//! `procyon process-exporter`: what process-exporter serves, with its flags; also when called by that name.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_diag::Fault;
use procyon_exporter::flags::{Flag, Flags};
use procyon_exporter::process;
use procyon_exporter::web::{self, Exporter as Served, Face, Listen};
use procyon_units::SystemClock;

use super::exporter::{log_options, print, serve};
use crate::cli::VERSION;
use crate::log;
use crate::options::LogLevel;

/// Serves groups of processes to Prometheus, in place of process-exporter
///
/// Takes process-exporter's flags and its YAML; `procyon process-exporter --help` lists them. It listens on port 9256 of
/// every address, as process-exporter does. A link to procyon that is named process-exporter does the same.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct ProcessExporter {
    /// Flags of process-exporter, as -config.path=/etc/process-exporter.yml
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

const FLAGS: &[Flag] = &[
    Flag::off("help", "Show this help."),
    Flag::off("h", "Show this help.").hidden(),
    Flag::off("man", "Print the manual."),
    Flag::off("version", "Print version information and exit."),
    Flag::off("debug", "Log debugging information."),
    Flag::word("procfs", "/proc", "Path to read proc data from."),
    Flag::word("once-to-stdout-delay", "0s", "Wait for so long, print the metrics once and end."),
    Flag::word("log.level", "info", "Only log messages with the given severity or above: debug, info, warn, error."),
    Flag::word("log.format", "logfmt", "Output format of log messages: logfmt or json."),
];

const HELP: &str = "\
Serves groups of processes to Prometheus, in place of process-exporter.

Usage: procyon process-exporter [FLAGS]

Examples:
  procyon process-exporter -config.path /etc/process-exporter.yml
  procyon process-exporter -procnames bash,postgres -threads=false
  procyon process-exporter                                  every process a group of its own, the 100 largest

Flags (one dash or two, `-flag=value` or `-flag value`):
";

const MANUAL: &str = "
The file of -config.path:

  process_names:
    - name: \"{{.ExeBase}};{{.Matches.Cfgfile}}\"   # the group; {{.ExeBase}} where it is left out
      comm: [bash]                                # names of processes, at most 15 letters
      exe: [postgres, /usr/local/bin/tool]        # programs by base name, or whole as in argv[0]
      cmdline:                                    # all of them have to match; named groups go into .Matches
        - '-config.path\\s+(?P<Cfgfile>\\S+)'

The first entry whose selectors all match names the group. Templates know .Comm .ExeBase .ExeFull .Username .PID
.StartTime .Cgroups .Matches, `if`, `with`, `range`, `index`, `printf`, `slice` and comparisons.
";

impl ProcessExporter {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut flags = Flags::default();
        flags.declare(FLAGS);
        flags.declare(web::FLAGS);
        process::declare(&mut flags, "");
        flags.parse(self.flags.iter().cloned()).map_err(Fault::from)?;
        if flags.is_on("help") || flags.is_on("h") {
            return print(format!("{HELP}{}", flags.help()));
        }
        if flags.is_on("man") {
            return print(format!("{HELP}{}{MANUAL}", flags.help()));
        }
        if flags.is_on("version") {
            return print(format!(
                "process-exporter, served by procyon {VERSION}, with the flags and metrics of process-exporter 0.8.7\n"
            ));
        }
        let mut log = log_options(&flags)?;
        if flags.is_on("debug") {
            log.level = LogLevel::Debug;
        }
        log::start(&log)?;
        let served = Served::processes(&flags, VERSION, Arc::new(SystemClock))?;
        let once: Duration = flags.duration("once-to-stdout-delay").map_err(Fault::from)?;
        if !once.is_zero() {
            crate::pause::pause(once);
            return print(served.text());
        }
        serve(served, Listen::new(&flags, Face::Process)?)
    }
}
