//! One client's WebSocket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use procyon_wire::live::{ClientMessage, Subscribe};
use procyon_wire::{Problem, ProblemKind};
use tokio::sync::mpsc;
use tungstenite::error::ProtocolError;

use super::{Client, Encoder, LiveChannel, Spec};
use crate::access::{Caller, Sight};
use crate::app::{App, Counters, Host};
use crate::failure::Failure;
use crate::limits;
use crate::v1::wire_host;

/// A place among the live clients; given back when dropped.
pub(crate) struct Seat {
    counters: Arc<Counters>,
    local: bool,
}

impl Seat {
    /// Over TCP and over the local socket there are places apart, so that neither can take those of the other.
    pub(crate) fn take(app: &App, local: bool) -> Result<Self, Failure> {
        let seat = Self { counters: Arc::clone(&app.counters), local };
        let open = app.counters.live.fetch_add(1, Ordering::Relaxed);
        let open_local = app.counters.live_local.fetch_add(usize::from(local), Ordering::Relaxed);
        let (open, most) = if local {
            (open_local, limits::MAX_LOCAL_LIVE)
        } else {
            (open.saturating_sub(open_local), limits::MAX_LIVE)
        };
        if open < most {
            return Ok(seat);
        }
        Err(Failure::new(
            ProblemKind::Unavailable,
            format!("{most} live clients are connected; there is no room for more"),
        ))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.counters.live.fetch_sub(1, Ordering::Relaxed);
        self.counters.live_local.fetch_sub(usize::from(self.local), Ordering::Relaxed);
    }
}

/// Takes the connection over.
pub(crate) fn upgrade<F, T>(app: &App, caller: &Caller, upgrade: WebSocketUpgrade, run: F) -> Result<Response, Failure>
where
    F: FnOnce(WebSocket, Seat) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    Ok(upgrade_seated(Seat::take(app, caller.is_local())?, upgrade, run))
}

/// The same for one who has a place already.
pub(crate) fn upgrade_seated<F, T>(seat: Seat, upgrade: WebSocketUpgrade, run: F) -> Response
where
    F: FnOnce(WebSocket, Seat) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let upgrade =
        upgrade.max_message_size(limits::MAX_MESSAGE).max_frame_size(limits::MAX_MESSAGE).write_buffer_size(0);
    // The usual one is 128 KiB for each client.
    let upgrade = upgrade.read_buffer_size(limits::LIVE_READ);
    upgrade.on_upgrade(move |socket| run(socket, seat))
}

/// A subscriber to the process table.
pub(crate) async fn live(mut socket: WebSocket, _seat: Seat, app: Arc<App>, host: Arc<Host>, caller: Caller) {
    let hello = match host.frame() {
        Ok(frame) => serde_json::json!({
            "type": "hello",
            "version": env!("CARGO_PKG_VERSION"),
            "host": wire_host(&frame, &*app.clock),
            "role": caller.role(),
            "read_only": app.read_only,
        }),
        Err(failure) => error_message(&failure.problem),
    };
    if socket.send(Message::Text(hello.to_string().into())).await.is_err() {
        return;
    }
    let session = Session { id: host.hub.next_id(), host, sight: caller.sight() };
    let left = while_allowed(&app, &caller, session.converse(&mut socket)).await;
    drop(session);
    part(&mut socket, &caller, left).await;
}

struct Session {
    id: u64,
    host: Arc<Host>,
    sight: Sight,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.host.hub.leave(self.id);
    }
}

impl Session {
    async fn converse(&self, socket: &mut WebSocket) -> Left {
        let (sender, mut queue) = mpsc::channel::<Utf8Bytes>(limits::LIVE_QUEUE);
        loop {
            let sent = tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => socket.send(Message::Text(message)).await,
                    None => return Left::Gone,
                },
                said = socket.recv() => match said {
                    Some(Ok(Message::Text(text))) => match self.hear(&text, &sender).await {
                        Ok(()) => Ok(()),
                        Err(failure) => socket.send(Message::Text(error_message(&failure.problem).to_string().into())).await,
                    },
                    Some(Ok(Message::Binary(_))) => {
                        let problem = Problem::new(ProblemKind::BadRequest, "messages are JSON texts");
                        socket.send(Message::Text(error_message(&problem).to_string().into())).await
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                    Some(Err(error)) => return Left::Broken(error),
                    Some(Ok(Message::Close(_))) | None => return Left::Gone,
                },
            };
            if sent.is_err() {
                return Left::Gone;
            }
        }
    }

    async fn hear(&self, text: &str, queue: &mpsc::Sender<Utf8Bytes>) -> Result<(), Failure> {
        let said = serde_json::from_str(text)
            .map_err(|error| Failure::bad_request(format!("the message cannot be read: {error}")))?;
        match said {
            ClientMessage::Subscribe(asked) => self.subscribe(asked, queue).await?,
            ClientMessage::Pause {} => self.host.hub.pause(self.id)?,
            ClientMessage::Resume {} => self.host.hub.resume(self.id)?,
        }
        Ok(())
    }

    async fn subscribe(&self, asked: Subscribe, queue: &mpsc::Sender<Utf8Bytes>) -> Result<(), Failure> {
        let sight = self.sight;
        // A regular expression may take longer to compile than async code may.
        let spec = tokio::task::spawn_blocking(move || Spec::read(&asked, sight)).await;
        let spec =
            spec.map_err(|_| Failure::new(ProblemKind::Internal, "the subscription failed inside the server"))??;
        let client = Client { id: self.id, queue: queue.clone() };
        self.host.hub.join(spec.name.clone(), Box::new(LiveChannel::new(spec)), client)
    }
}

/// Who listens to what.
pub(crate) struct Listener {
    pub(crate) app: Arc<App>,
    pub(crate) host: Arc<Host>,
    pub(crate) caller: Caller,
    /// Name of the channel.
    pub(crate) name: &'static str,
    pub(crate) encoder: Box<dyn Encoder>,
}

/// A listener that says nothing: every message of one channel goes to it.
pub(crate) async fn listen(mut socket: WebSocket, _seat: Seat, listener: Listener) {
    let Listener { app, host, caller, name, encoder } = listener;
    let session = Session { id: host.hub.next_id(), host, sight: Sight::Public };
    let (sender, queue) = mpsc::channel::<Utf8Bytes>(limits::LIVE_QUEUE);
    if session.host.hub.join(name.to_owned(), encoder, Client { id: session.id, queue: sender.clone() }).is_err() {
        return;
    }
    let left = while_allowed(&app, &caller, tell(&mut socket, queue)).await;
    drop((session, sender));
    part(&mut socket, &caller, left).await;
}

/// Tells whatever comes, until the client leaves.
async fn tell(socket: &mut WebSocket, mut queue: mpsc::Receiver<Utf8Bytes>) -> Left {
    loop {
        tokio::select! {
            message = queue.recv() => match message {
                Some(message) => if socket.send(Message::Text(message)).await.is_err() {
                    return Left::Gone;
                },
                None => return Left::Gone,
            },
            said = socket.recv() => match said {
                Some(Err(error)) => return Left::Broken(error),
                Some(Ok(Message::Close(_))) | None => return Left::Gone,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// How a conversation ends.
pub(crate) enum Left {
    /// All is said, and why.
    Over(&'static str),
    /// The client left.
    Gone,
    /// It broke the rules of WebSockets.
    Broken(axum::Error),
    /// It may not go on, whatever it does.
    CutOff(u16, &'static str),
}

/// Lets a conversation go on until it ends or its client may not listen any more. A client that does not read holds up what is sent to
/// it, and not that.
pub(crate) async fn while_allowed(app: &App, caller: &Caller, conversation: impl Future<Output = Left>) -> Left {
    tokio::select! {
        biased;
        left = cut_off(app, caller) => left,
        left = conversation => left,
    }
}

/// Waits until a client may not listen any more.
async fn cut_off(app: &App, caller: &Caller) -> Left {
    let mut checks = Checks::new(app);
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = checks.next() => if let Some(why) = caller.expired(app) {
                return Left::CutOff(close_code::POLICY, why);
            },
            _ = stopping.changed() => return Left::CutOff(close_code::AWAY, "procyon stops"),
        }
    }
}

/// Says the last word, which may not be heard.
pub(crate) async fn part(socket: &mut WebSocket, caller: &Caller, left: Left) {
    let last_word = async {
        match left {
            Left::Over(why) => farewell(socket, close_code::NORMAL, why).await,
            Left::Gone => {}
            Left::Broken(error) => turn_away(socket, caller, error).await,
            Left::CutOff(code, reason) => farewell(socket, code, reason).await,
        }
    };
    if tokio::time::timeout(limits::PARTING, last_word).await.is_err() {
        tracing::debug!("a client did not read the last word");
    }
}

/// When to look whether a client may still listen.
struct Checks {
    turns: tokio::time::Interval,
    sessions_ended: tokio::sync::watch::Receiver<u64>,
}

impl Checks {
    fn new(app: &App) -> Self {
        let mut turns = tokio::time::interval(limits::TOKEN_CHECK);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { turns, sessions_ended: app.sessions_ended.subscribe() }
    }

    /// Every few seconds, and when somebody has signed out.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.turns.tick() => {}
            changed = self.sessions_ended.changed() => if changed.is_err() {
                self.turns.tick().await;
            },
        }
    }
}

pub(crate) async fn farewell(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let close = CloseFrame { code, reason: reason.into() };
    if socket.send(Message::Close(Some(close))).await.is_err() {
        tracing::debug!("a client was gone before it could be told");
    }
}

/// Tells a client that breaks the rules of WebSockets which one; one that is gone is told nothing.
async fn turn_away(socket: &mut WebSocket, caller: &Caller, error: axum::Error) {
    let Ok(error) = error.into_inner().downcast::<tungstenite::Error>() else { return };
    let (code, why) = match *error {
        tungstenite::Error::Capacity(_) => (close_code::SIZE, "messages have at most 64 KiB"),
        tungstenite::Error::Utf8(_) => (close_code::INVALID, "texts are UTF-8"),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return,
        tungstenite::Error::Protocol(_) => (close_code::PROTOCOL, "this is no WebSocket frame of a client"),
        _ => return,
    };
    caller.connection.part();
    farewell(socket, code, why).await;
}

pub(crate) fn error_message(problem: &Problem) -> serde_json::Value {
    serde_json::json!({ "type": "error", "problem": problem })
}
