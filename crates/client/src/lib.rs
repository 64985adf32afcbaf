//! A blocking client of our own API: over the local socket, HTTP or HTTPS.
//!
//! [`Client::local`] finds the procyon of this machine, [`Client::remote`] another one by its address. Answers are the
//! types of `procyon_wire` or plain JSON; a problem document becomes a [`Fault`] with its kind and hint.

mod address;
mod transport;
mod trust;

use std::path::PathBuf;
use std::time::Duration;

use procyon_diag::{Fault, Kind};
use procyon_wire::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use address::Address;
pub use address::Secret;

/// Longest that a request may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Most bytes of an answer: a hundred thousand processes with every figure.
const MAX_ANSWER: usize = 256 << 20;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// A procyon that answers questions.
#[derive(Debug)]
pub struct Client {
    address: Address,
    token: Option<Secret>,
    runtime: tokio::runtime::Runtime,
}

/// What a client shows to a procyon elsewhere, and whom it believes.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// A token.
    pub token: Option<Secret>,
    /// PEM files of certificates that are believed besides the system's.
    pub certificates: Vec<PathBuf>,
    /// A certificate of our own.
    pub identity: Option<Identity>,
}

/// A certificate by which a client signs in: PEM files.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, and those that lead to the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Client {
    /// The procyon of this machine, if one answers on any of these sockets.
    pub fn local(sockets: &[PathBuf]) -> Option<Self> {
        sockets.iter().find_map(|socket| {
            let client = Self::new(Address::Socket(socket.clone()), None).ok()?;
            client.get::<serde_json::Value>("/api/v1/session").ok().map(|_| client)
        })
    }

    /// A procyon by its address, as `http://db1:9300`.
    pub fn remote(url: &str, credentials: Credentials) -> Result<Self, Fault> {
        Self::new(Address::parse(url, &credentials)?, credentials.token)
    }

    fn new(address: Address, token: Option<Secret>) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Fault::new(Kind::Failed, "could not start the client").because(error))?;
        Ok(Self { address, token, runtime })
    }

    /// Asks for a resource. `path` begins with `/api/v1`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.send("GET", &path, None)?;
            match (answer.status, answer.location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) if location.starts_with('/') => path = location,
                (status, _) => return self.read(status, &answer.body),
            }
        }
        Err(Fault::new(Kind::Failed, format!("{} leads in circles", self.address)))
    }

    /// Asks for something to be done.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Fault> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Fault::new(Kind::Failed, "could not write the request").because(error))?;
        let answer = self.send("POST", path, Some(body))?;
        self.read(answer.status, &answer.body)
    }

    fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, Fault> {
        let token = self.token.as_ref().map(Secret::reveal);
        let exchange = transport::exchange(&self.address, method, path, token, body, MAX_ANSWER);
        let outcome = self.runtime.block_on(async { tokio::time::timeout(DEADLINE, exchange).await });
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.unreachable(error)),
            Err(_) => Err(Fault::new(
                Kind::Unavailable,
                format!("{} did not answer within {} s", self.address, DEADLINE.as_secs()),
            )),
        }
    }

    fn unreachable(&self, error: Box<dyn std::error::Error + Send + Sync>) -> Fault {
        let said = procyon_diag::message_of(&*error);
        let hint = if said.contains("received fatal alert") {
            "it does not accept our certificate: is that of `--cert` signed by an authority that `--tls-client-ca` names there?"
        } else if said.contains("certificate") {
            "name the server's certificate, or the one that signed it, with `--cacert FILE`"
        } else if said.contains("HTTP version") {
            "that port speaks something else than HTTP; does it want https://?"
        } else {
            "is it running there? start it with `procyon up`"
        };
        Fault::new(Kind::Unavailable, format!("could not ask the procyon at {}", self.address))
            .because(error)
            .hint(hint)
    }

    fn read<T: DeserializeOwned>(&self, status: u16, body: &[u8]) -> Result<T, Fault> {
        if (200..300).contains(&status) {
            return serde_json::from_slice(body).map_err(|error| {
                Fault::new(Kind::Failed, format!("could not understand the answer of {}", self.address))
                    .because(error)
                    .hint("do both ends run the same version? compare with `procyon --version`")
            });
        }
        let kind = Kind::from_http_status(status);
        let fault = match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => {
                let fault = Fault::new(kind, problem.detail);
                match problem.hint {
                    Some(hint) => fault.hint(hint),
                    None => fault,
                }
            }
            Err(_) => Fault::new(kind, format!("{} answered with status {status}", self.address)),
        };
        let wants_token = kind == Kind::Unauthorized && self.token.is_none() && fault.hints().is_empty();
        Err(if wants_token {
            fault.hint("give a token with `--token` or in PROCYON_TOKEN; `procyon token new` makes one there")
        } else {
            fault
        })
    }
}

/// Whether this is the address of a procyon, as far as can be told without asking it. For the fuzz target; no interface.
#[doc(hidden)]
pub fn is_address(url: &str) -> bool {
    Address::parse(url, &Credentials::default()).is_ok()
}

/// A query string from names and values; values that are empty are left out.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    let text = text.finish();
    if text.is_empty() { text } else { format!("?{text}") }
}
