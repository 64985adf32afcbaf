//! A request becomes a caller: somebody with a role, or a stranger.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::http::{HeaderMap, header};
use procyon_control::Actor;
use procyon_units::Wall;
use procyon_wire::{Problem, ProblemKind, Role};

use super::certificate::Holder;
use super::session;
use super::tokens::Token;
use crate::app::App;
use crate::failure::Failure;
use crate::server::Connection;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over the local socket; the kernel vouches for the user.
    Local {
        /// Effective user of the other end when it connected.
        uid: u32,
    },
}

/// Which columns a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Sight {
    /// What every local user may read anyway.
    Public,
    /// Everything.
    All,
}

/// How somebody showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Not at all.
    None,
    /// A token in the header.
    Token,
    /// The cookie of a session.
    Session,
    /// The kernel, at the local socket.
    Kernel,
    /// A client certificate.
    Certificate,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What they may do; none for strangers, who may only sign in.
    pub(crate) role: Option<Role>,
    /// Name of the token or of the local user.
    pub(crate) name: String,
    /// How they showed it.
    pub(crate) proof: Proof,
    /// Id of the token that they showed, themselves or by a session.
    token: Option<String>,
    /// Cookie of their session.
    session: Option<String>,
    /// From when on their certificate is void.
    until: Option<Wall>,
    peer: Peer,
    /// The connection that they are on.
    pub(crate) connection: Connection,
}

/// Whether the kernel lets this user do whatever Procyon does: root, and the user that Procyon runs as.
pub(crate) fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// What proxies add: the client behind one is not on this machine, whatever the address says.
const FORWARDED: &[&str] = &["forwarded", "x-forwarded-for", "x-real-ip", "via"];

impl Caller {
    /// Finds out who asks. A wrong token is an error even where none is needed; a cookie that has ended is not.
    pub(crate) fn identify(
        app: &App,
        peer: Peer,
        certified: Option<&Holder>,
        headers: &HeaderMap,
        connection: &Connection,
    ) -> Result<Self, Failure> {
        let caller = |role, name: &str, proof| Self {
            role,
            name: name.to_owned(),
            proof,
            token: None,
            session: None,
            until: None,
            peer,
            connection: connection.clone(),
        };
        let holder = |token: Token, proof, session: Option<&str>| Self {
            role: Some(token.role),
            name: token.name,
            proof,
            token: Some(token.id),
            session: session.map(str::to_owned),
            until: None,
            peer,
            connection: connection.clone(),
        };
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let text = value.to_str().unwrap_or_default();
            let secret = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return match secret.and_then(|(_, secret)| app.tokens.find(secret.trim(), app.clock.wall())) {
                Some(token) => {
                    right_token(app, peer);
                    Ok(holder(token, Proof::Token, None))
                }
                None => Err(wrong_token(app, peer)),
            };
        }
        let cookie = headers.get_all(header::COOKIE).iter().find_map(|value| session::of_header(value.to_str().ok()?));
        if let Some(token) = cookie.and_then(|cookie| session::find(&app.tokens, cookie, app.clock.wall())) {
            return Ok(holder(token, Proof::Session, cookie));
        }
        if let Some(holder) = certified {
            if app.clock.wall() >= holder.until {
                return Err(Problem::new(ProblemKind::Unauthorized, "the client certificate has run out").into());
            }
            let known = caller(Some(holder.role), &holder.name, Proof::Certificate);
            return Ok(Self { until: Some(holder.until), ..known });
        }
        let anonymous = app.anonymous.then_some(Role::Anonymous);
        let direct = !FORWARDED.iter().any(|name| headers.contains_key(*name));
        match peer {
            Peer::Local { uid } => {
                let role = if is_ours(uid) { Some(Role::Operator) } else { anonymous };
                Ok(caller(role.filter(|_| direct), &format!("uid {uid}"), Proof::Kernel))
            }
            Peer::Tcp(address) => {
                let here = direct && address.ip().to_canonical().is_loopback();
                Ok(caller(anonymous.filter(|_| here), "anonymous", Proof::None))
            }
        }
    }

    /// Why what they showed is not good any more, if so; for what lasts longer than a request.
    pub(crate) fn expired(&self, app: &App) -> Option<&'static str> {
        let now = app.clock.wall();
        let same = |token: Option<Token>| token.is_some_and(|token| Some(token.role) == self.role);
        if self.token.as_ref().is_some_and(|id| !same(app.tokens.by_id(id, now))) {
            return Some("the token was taken back");
        }
        if self.until.is_some_and(|until| now >= until) {
            return Some("the client certificate has run out");
        }
        let over = self.session.as_ref().is_some_and(|cookie| session::find(&app.tokens, cookie, now).is_none());
        over.then_some("the session has ended")
    }

    /// Whether they came over the local socket.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self.peer, Peer::Local { .. })
    }

    /// Which columns they see.
    pub(crate) fn sight(&self) -> Sight {
        if self.role >= Some(Role::Viewer) { Sight::All } else { Sight::Public }
    }

    /// What they may do, for answers.
    pub(crate) fn role(&self) -> Role {
        self.role.unwrap_or(Role::Anonymous)
    }

    /// Refuses those who may do less than `role`.
    pub(crate) fn needs(&self, role: Role, what: &str) -> Result<(), Failure> {
        if self.role >= Some(role) {
            return Ok(());
        }
        let (kind, detail) = if self.role > Some(Role::Anonymous) {
            (
                ProblemKind::Forbidden,
                format!("{what} needs the role {}; `{}` is {}", role.word(), self.name, self.role().word()),
            )
        } else {
            (ProblemKind::Unauthorized, format!("{what} needs a token with the role {}", role.word()))
        };
        let hint =
            format!("make one with `procyon token new --role {}` on this machine, and sign in with it", role.word());
        Err(Problem::new(kind, detail).hint(hint).into())
    }

    /// Who they are, for control and its log.
    pub(crate) fn actor(&self) -> Actor {
        Actor { role: control_role(self.role()), name: self.name.clone(), from: self.from() }
    }

    fn from(&self) -> String {
        match self.peer {
            Peer::Tcp(address) if self.proof == Proof::Certificate => format!("{address} by a client certificate"),
            Peer::Tcp(address) => address.to_string(),
            Peer::Local { uid } => format!("uid {uid} by the local socket"),
        }
    }
}

const fn control_role(role: Role) -> procyon_control::Role {
    match role {
        Role::Anonymous => procyon_control::Role::Anonymous,
        Role::Viewer => procyon_control::Role::Viewer,
        Role::Operator => procyon_control::Role::Operator,
    }
}

/// Takes note of a right token.
pub(crate) fn right_token(app: &App, peer: Peer) {
    if let Peer::Tcp(address) = peer {
        app.attempts.right(address.ip());
    }
}

/// Takes note of a wrong token: 401, or 429 after too many.
pub(crate) fn wrong_token(app: &App, peer: Peer) -> Failure {
    app.counters.wrong_tokens.fetch_add(1, Ordering::Relaxed);
    let wait = match peer {
        Peer::Tcp(address) => app.attempts.wrong(address.ip(), app.clock.mono()),
        Peer::Local { .. } => None,
    };
    match wait {
        Some(wait) => Failure::wait(
            Problem::new(ProblemKind::TooManyAttempts, format!("wait {} s before the next token", wait.as_secs())),
            wait,
        ),
        None => Problem::new(ProblemKind::Unauthorized, "this token is not known; it may have been revoked")
            .hint("make one with `procyon token new` on this machine")
            .into(),
    }
}
