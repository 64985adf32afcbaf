//! Which procyon a command talks to: the one that runs here, another machine's, or none.

use std::path::PathBuf;

use clap::Args;
use procyon_client::{Client, Credentials, Identity, Secret};
use procyon_diag::{Fault, Kind};

use crate::options::Settings;
use crate::places;

/// Flags that choose a procyon.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Target {
    /// Asks the procyon of another machine, as http://db1:9300
    #[arg(long, value_name = "URL", env = "PROCYON_HOST", hide_env_values = true, help_heading = "Which procyon")]
    host: Option<String>,
    /// Token for --host; better kept in PROCYON_TOKEN or a file, where others do not see it
    #[arg(long, value_name = "TOKEN", env = "PROCYON_TOKEN", hide_env_values = true, help_heading = "Which procyon")]
    token: Option<String>,
    /// File that holds the token for --host
    #[arg(long, value_name = "FILE", conflicts_with = "token", help_heading = "Which procyon")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the system's, for --host https://…
    #[arg(long, value_name = "FILE", env = "PROCYON_CACERT", hide_env_values = true, help_heading = "Which procyon")]
    cacert: Vec<PathBuf>,
    /// Certificate (PEM) that signs in, for --host https://…
    #[arg(
        long,
        value_name = "FILE",
        env = "PROCYON_CERT",
        hide_env_values = true,
        requires = "key",
        help_heading = "Which procyon"
    )]
    cert: Option<PathBuf>,
    /// Private key (PEM) of --cert
    #[arg(
        long,
        value_name = "FILE",
        env = "PROCYON_KEY",
        hide_env_values = true,
        requires = "cert",
        help_heading = "Which procyon"
    )]
    key: Option<PathBuf>,
    /// Local socket of a running procyon
    #[arg(
        long,
        value_name = "PATH",
        env = "PROCYON_SOCKET",
        hide_env_values = true,
        conflicts_with = "host",
        help_heading = "Which procyon"
    )]
    socket: Option<PathBuf>,
}

impl Target {
    /// Whether a machine was named.
    pub(crate) const fn is_remote(&self) -> bool {
        self.host.is_some()
    }

    /// Whether a procyon was named, here or on another machine.
    pub(crate) const fn is_named(&self) -> bool {
        self.host.is_some() || self.socket.is_some()
    }

    /// The procyon that was named, or the one that runs here; none where none runs.
    pub(crate) fn find(&self, settings: &Settings) -> Result<Option<Client>, Fault> {
        if let Some(url) = &self.host {
            let identity = self.cert.clone().zip(self.key.clone());
            let credentials = Credentials {
                token: self.secret()?,
                certificates: self.cacert.clone(),
                identity: identity.map(|(certificate, key)| Identity { certificate, key }),
            };
            return Client::remote(url, credentials).map(Some);
        }
        match &self.socket {
            Some(socket) => Client::local(std::slice::from_ref(socket)).map(Some).ok_or_else(|| {
                Fault::new(Kind::Unavailable, format!("no procyon answers at {}", socket.display()))
                    .hint("leave `--socket` out to look at this machine without one")
            }),
            None => Ok(Client::local(&places::sockets(settings))),
        }
    }

    fn secret(&self) -> Result<Option<Secret>, Fault> {
        match &self.token_file {
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(Secret::new(&text))),
                Err(error) => {
                    Err(Fault::usage(format!("could not read the token from {}", path.display())).because(error))
                }
            },
            None => Ok(self.token.as_deref().map(Secret::new)),
        }
    }
}
