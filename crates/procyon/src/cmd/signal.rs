//! `procyon signal`: sends a signal to the process that was meant, and to no other.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use procyon_client::Client;
use procyon_control::{Actor, Audit, Control, Role, Signal, look_up};
use procyon_diag::{Fault, Kind};
use procyon_linux::host::uptime;
use procyon_linux::root::Root;
use procyon_model::{BootId, ProcessKey};
use procyon_units::{Reading, SystemClock};
use procyon_wire::process::{Detail, SendSignal as Request, SignalSent};
use serde_json::json;

use crate::cli::Common;
use crate::options::Settings;
use crate::output::Output;
use crate::places;
use crate::table::printable;
use crate::target::Target;

/// Sends a signal to one process
///
/// The process is named by its pid, or by its key (pid-start-boot, as `procyon ps --columns key,name` shows it), which
/// names no other process that gets the pid later. Process 1, kernel threads and procyon itself are refused. Every signal
/// is written to the audit log.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  procyon signal TERM 4084\n  procyon signal KILL 4084-91822-3f9a1c07 --yes\n  procyon signal 15 4084 --host http://db1:9300"
)]
pub(crate) struct SendSignal {
    /// The signal, as TERM, SIGTERM or 15
    #[arg(value_parser = parse_signal)]
    signal: Signal,
    /// The process: a pid or a key
    process: String,
    /// Does not ask
    #[arg(long, short)]
    yes: bool,
    /// JSON for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

fn parse_signal(text: &str) -> Result<Signal, String> {
    text.parse::<Signal>().map_err(|error| error.to_string())
}

/// The process that was named.
struct Named {
    key: ProcessKey,
    name: String,
}

impl SendSignal {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        match self.target.find(&settings)? {
            Some(client) if self.target.is_remote() || is_operator(&client) => self.through(&client)?,
            // Without a procyon that lets us, what the kernel lets this user do is enough.
            _ => self.directly(&settings)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn through(&self, client: &Client) -> Result<()> {
        let named = if self.target.is_remote() { self.ask_for(client)? } else { self.find_here(boot()?)? };
        self.confirm(&named)?;
        let path = format!("/api/v1/hosts/local/processes/{}/signal", named.key);
        let body = Request { signal: self.signal.name().into_owned() };
        let sent: SignalSent = client.post(&path, &body)?;
        self.done(&named, &sent.result)
    }

    fn ask_for(&self, client: &Client) -> Result<Named> {
        let detail: Detail = client.get(&format!("/api/v1/hosts/local/processes/{}", path_segment(&self.process)?))?;
        let key: ProcessKey = detail
            .key
            .parse()
            .map_err(|error| Fault::new(Kind::Failed, "could not understand the answer").because(error))?;
        if detail.state == "ended" {
            return Err(Fault::new(Kind::NotFound, format!("process {} has ended; nothing was sent", key.pid)).into());
        }
        let name = detail.values.get("name").and_then(|value| value.as_str()).unwrap_or("").to_owned();
        Ok(Named { key, name })
    }

    /// Looks at this machine itself: a procyon that runs here may not have seen a process that has just started.
    fn find_here(&self, boot: u32) -> Result<Named, Fault> {
        let gone = |what: String| Fault::new(Kind::NotFound, what).hint("`procyon ps` lists the processes that run");
        match (self.process.parse::<ProcessKey>(), self.process.parse::<u32>()) {
            (Ok(key), _) => {
                let found = look_up(key.pid, boot).filter(|(now, _)| *now == key);
                let (key, found) = found.ok_or_else(|| gone(format!("process {key} has ended; nothing was sent")))?;
                Ok(Named { key, name: found.name })
            }
            (_, Ok(pid)) => {
                let (key, found) =
                    look_up(pid, boot).ok_or_else(|| gone(format!("there is no process {pid}; nothing was sent")))?;
                Ok(Named { key, name: found.name })
            }
            (Err(_), Err(_)) => Err(not_a_process(&self.process)),
        }
    }

    fn directly(&self, settings: &Settings) -> Result<()> {
        let boot = boot()?;
        let named = self.find_here(boot)?;
        self.confirm(&named)?;
        let folder = places::make_state_folder(settings)?;
        let mut control = Control::new(Audit::in_directory(&folder), boot, Arc::new(SystemClock));
        if settings.read_only {
            control = control.read_only();
        }
        let uid = rustix::process::getuid().as_raw();
        let actor = Actor { role: Role::Operator, name: format!("uid {uid}"), from: "the command line".to_owned() };
        control.signal(&actor, &named.key, self.signal).map_err(|error| {
            let fault = Fault::new(error.kind(), procyon_diag::message_of(&error));
            let hint = error.hint();
            if hint.is_empty() { fault } else { fault.hint(hint) }
        })?;
        self.done(&named, "sent")
    }

    /// Asks on a terminal; a script has decided already.
    fn confirm(&self, named: &Named) -> Result<()> {
        let stdin = io::stdin();
        if self.yes || !stdin.is_terminal() {
            return Ok(());
        }
        let mut err = io::stderr().lock();
        write!(err, "send {} to {} (pid {})? [y/N] ", self.signal, printable(&named.name), named.key.pid)?;
        err.flush()?;
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Fault::new(Kind::Failed, "nothing was sent").into()),
        }
    }

    fn done(&self, named: &Named, result: &str) -> Result<()> {
        let mut out = Output::new();
        if self.json {
            out.json(&json!({
                "result": result, "signal": self.signal.name(), "key": named.key.to_string(), "pid": named.key.pid, "name": named.name,
            }))?;
        } else {
            writeln!(out, "{result} {} to {} (pid {})", self.signal, printable(&named.name), named.key.pid)?;
        }
        out.flush()?;
        Ok(())
    }
}

fn is_operator(client: &Client) -> bool {
    client
        .get::<procyon_wire::Session>("/api/v1/session")
        .is_ok_and(|session| session.role == procyon_wire::Role::Operator && !session.read_only)
}

fn not_a_process(text: &str) -> Fault {
    Fault::usage(format!("`{text}` names no process"))
        .hint("write a pid as 4084, or a key as 4084-91822-3f9a1c07; `procyon ps --columns key,name` shows keys")
}

/// Only what a pid or key consists of goes into an address.
fn path_segment(text: &str) -> Result<&str, Fault> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { Ok(text) } else { Err(not_a_process(text)) }
}

/// The boot of this machine, as it stands in keys.
pub(crate) fn boot() -> Result<u32, Fault> {
    match uptime::read_boot_id(&Root::live(), &mut Vec::new()) {
        Reading::Known(id) => Ok(BootId(id).short()),
        _ => Err(Fault::new(Kind::Failed, "could not read /proc/sys/kernel/random/boot_id")),
    }
}
