//! `procyon token`: who may see and do what.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use procyon_api::access::tokens::{self, Role, TokenError, Tokens};
use procyon_diag::{Fault, Kind, Tone};
use procyon_settings::{Raw, Setting};
use procyon_units::{Clock, SystemClock, Wall};
use serde_json::json;

use crate::cli::Common;
use crate::format;
use crate::options::Settings;
use crate::output::Output;
use crate::places;
use crate::table::{self, Column};

/// Makes, lists and takes back tokens
///
/// A token is a secret that lets a person or a program in: viewers see everything, operators also send signals. It is shown
/// once, when it is made; procyon keeps only its hash. A running procyon notices changes at once.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  procyon token                                  a new sign-in link for an operator\n  procyon token new --role viewer --name grafana\n  procyon token list\n  procyon token revoke grafana"
)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Option<Action>,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes a token and prints its sign-in link
    #[command(visible_alias = "create")]
    New(New),
    /// Lists the tokens, without their secrets
    List {
        /// JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Takes a token back; its sessions end with it
    Revoke {
        /// Name or id of the token
        token: String,
        /// JSON for programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Args)]
struct New {
    /// What its holder may do
    #[arg(long, value_enum, default_value_t = GivenRole::Operator)]
    role: GivenRole,
    /// What it is called; a date when nobody says
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How long it is good, as 30d; for ever when nobody says
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,
    /// Prints the token alone, for scripts
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GivenRole {
    /// Sees everything
    Viewer,
    /// Sees everything and sends signals
    Operator,
}

impl From<GivenRole> for Role {
    fn from(role: GivenRole) -> Self {
        match role {
            GivenRole::Viewer => Self::Viewer,
            GivenRole::Operator => Self::Operator,
        }
    }
}

impl Token {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        let folder = places::make_state_folder(&settings)?;
        let tokens = Tokens::open(&folder).map_err(|error| fault(&error))?;
        let mut out = Output::new();
        match &self.action {
            None => new(
                &mut out,
                &address(&settings, &folder),
                &tokens,
                &New { role: GivenRole::Operator, name: None, expires: None, quiet: false, json: self.json },
            )?,
            Some(Action::New(asked)) => new(&mut out, &address(&settings, &folder), &tokens, asked)?,
            Some(Action::List { json }) => list(&mut out, &tokens, *json)?,
            Some(Action::Revoke { token, json }) => {
                if !tokens.revoke(token).map_err(|error| fault(&error))? {
                    return Err(Fault::new(Kind::NotFound, format!("there is no token `{token}`"))
                        .hint("`procyon token list` lists them")
                        .into());
                }
                if *json {
                    out.json(&json!({ "revoked": token }))?;
                } else {
                    writeln!(out, "took back {}", table::printable(token))?;
                }
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A token error for the edge.
pub(crate) fn fault(error: &TokenError) -> Fault {
    let (kind, hint) = match error {
        TokenError::NameTaken(name) => {
            (Kind::Usage, format!("choose another name, or take the old one back with `procyon token revoke {name}`"))
        }
        TokenError::BadName => (Kind::Usage, String::new()),
        TokenError::Damaged { path, .. } => {
            (Kind::Failed, format!("move {} away to start with new tokens; the old ones are then void", path.display()))
        }
        TokenError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => (
            Kind::NotPermitted,
            "run it as the user that procyon runs as, or name its folder with `--data DIR`".to_owned(),
        ),
        TokenError::Io { .. } | TokenError::Random => (Kind::Failed, String::new()),
    };
    let fault = Fault::new(kind, procyon_diag::message_of(error));
    if hint.is_empty() { fault } else { fault.hint(hint) }
}

/// A name for a token that nobody named: the date, and a number when that is taken.
fn unused_name(tokens: &Tokens) -> Result<String, Fault> {
    let taken: Vec<String> =
        tokens.list().map_err(|error| fault(&error))?.into_iter().map(|token| token.name).collect();
    let date = jiff::Zoned::now().strftime("link-%Y-%m-%d").to_string();
    let numbered = (2..).map(|number| format!("{date}-{number}"));
    Ok(std::iter::once(date.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(date))
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(&Raw::Text(text.to_owned()))
}

fn after(now: Wall, life: Duration) -> Wall {
    Wall(now.0.saturating_add(i64::try_from(life.as_nanos()).unwrap_or(i64::MAX)))
}

/// Where the web page is: of the procyon that uses the state folder now, or of one that starts with these options.
fn address(settings: &Settings, folder: &Path) -> String {
    places::served_at(folder).unwrap_or_else(|| base(settings, settings.listen))
}

/// What to type for `procyon token` about this state folder: programs outside `PATH` by their place, an unusual folder by name.
pub(crate) fn command(settings: &Settings) -> String {
    let own = std::env::current_exe().ok();
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("procyon")).find(|program| program.is_file())
    });
    let same =
        matches!((&own, &found), (Some(own), Some(found)) if found.canonicalize().is_ok_and(|found| found == *own));
    let program = match own {
        Some(own) if !same => own.display().to_string(),
        _ => "procyon".to_owned(),
    };
    match &settings.data {
        Some(folder) => format!("{program} token --data {}", folder.display()),
        None => format!("{program} token"),
    }
}

fn new(out: &mut Output, address: &str, tokens: &Tokens, asked: &New) -> Result<()> {
    let name = match &asked.name {
        Some(name) => name.clone(),
        None => unused_name(tokens)?,
    };
    let expires = asked.expires.map(|life| after(SystemClock.wall(), life));
    let made = tokens.create_until(&name, asked.role.into(), expires, &SystemClock).map_err(|error| fault(&error))?;
    if asked.quiet {
        writeln!(out, "{}", made.secret)?;
        return Ok(());
    }
    let link = format!("{address}/#token={}", made.secret);
    if asked.json {
        out.pretty_json(&json!({ "link": link, "secret": made.secret, "token": of_token(&made.token) }))?;
        return Ok(());
    }
    writeln!(out, "{link}")?;
    writeln!(out)?;
    let note = format!(
        "{} token `{name}`, shown this once. Programs send it as `Authorization: Bearer {}`.",
        made.token.role.word(),
        made.secret
    );
    writeln!(out, "{}", out.palette.paint(Tone::Faint, note))?;
    Ok(())
}

/// The address of the web page.
pub(crate) fn base(settings: &Settings, listen: std::net::SocketAddr) -> String {
    let scheme = if settings.api.tls_cert.is_some() { "https" } else { "http" };
    let host = match listen.ip() {
        ip if ip.is_unspecified() => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    };
    format!("{scheme}://{host}:{}", listen.port())
}

/// A token without its secret.
fn of_token(token: &tokens::Token) -> serde_json::Value {
    json!({
        "id": token.id, "name": token.name, "role": token.role.word(), "created": token.created, "expires": token.expires,
    })
}

fn list(out: &mut Output, tokens: &Tokens, as_json: bool) -> Result<()> {
    let tokens = tokens.list().map_err(|error| fault(&error))?;
    if as_json {
        let items: Vec<_> = tokens.iter().map(of_token).collect();
        out.pretty_json(&items.into())?;
        return Ok(());
    }
    let columns =
        ["Id", "Name", "Role", "Made", "Good until"].map(|head| Column { head: head.to_owned(), right: false });
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            vec![
                token.id.clone(),
                table::printable(&token.name),
                token.role.word().to_owned(),
                format::time(token.created),
                token.expires.map_or_else(|| "no end".to_owned(), format::time),
            ]
        })
        .collect();
    table::write(out, &columns, &rows)?;
    Ok(())
}
