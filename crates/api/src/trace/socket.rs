//! One viewer's WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket, close_code};
use procyon_trace::session::{News, Told};
use procyon_units::Clock;
use procyon_wire::trace::{TraceClientMessage, TraceLine, TraceMessage};
use tokio::sync::mpsc;

use super::encode::{self, Epoch};
use super::{Place, Running};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::limits;
use crate::live::socket::{Checks, Seat, error_message, farewell, turn_away};

/// How long a viewer waits at most before it is looked whether it has left.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is told how the trace is doing.
const STATE: Duration = Duration::from_secs(1);

/// What a viewer understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Messages of `/api/v1`.
    Messages,
    /// Arrays of calls, as the streams of `/monitor` are.
    Arrays,
}

/// Says why nothing is told.
pub(crate) async fn refuse(mut socket: WebSocket, _seat: Seat, failure: Failure) {
    // Who has left does not hear it.
    socket.send(Message::Text(error_message(&failure.problem).to_string().into())).await.ok();
    farewell(&mut socket, close_code::NORMAL, "nothing is watched").await;
}

/// Tells a trace until it ends or its viewer leaves.
pub(crate) async fn tell(
    mut socket: WebSocket,
    _seat: Seat,
    app: Arc<App>,
    caller: Caller,
    place: Place,
    dialect: Dialect,
) {
    let (sender, mut queue) = mpsc::channel::<Utf8Bytes>(limits::TRACE_QUEUE);
    let running = Arc::clone(&place.running);
    let clock = Arc::clone(&app.clock);
    let started = std::thread::Builder::new()
        .name("trace viewer".to_owned())
        .spawn(move || pump(place, &sender, &*clock, dialect));
    if let Err(error) = started {
        tracing::error!(%error, "a viewer of a trace got no thread");
        return farewell(&mut socket, close_code::ERROR, "there is no thread for it").await;
    }
    let mut checks = Checks::new(&app);
    let mut stopping = app.stopping.clone();
    loop {
        let sent = tokio::select! {
            message = queue.recv() => match message {
                Some(message) => socket.send(Message::Text(message)).await,
                None => return farewell(&mut socket, close_code::NORMAL, "the trace is over").await,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) if dialect == Dialect::Messages => match hear(&app, &running, &text).await {
                    Ok(()) => Ok(()),
                    Err(failure) => socket.send(Message::Text(error_message(&failure.problem).to_string().into())).await,
                },
                Some(Ok(Message::Close(_))) | None => return,
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => return turn_away(&mut socket, &caller, error).await,
            },
            () = checks.next() => match caller.expired(&app) {
                Some(why) => return farewell(&mut socket, close_code::POLICY, why).await,
                None => Ok(()),
            },
            _ = stopping.changed() => return farewell(&mut socket, close_code::AWAY, "procyon stops").await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn hear(app: &Arc<App>, running: &Arc<Running>, text: &str) -> Result<(), Failure> {
    let said = serde_json::from_str(text)
        .map_err(|error| Failure::bad_request(format!("the message cannot be read: {error}")))?;
    match said {
        TraceClientMessage::Pause {} => running.session.pause(true),
        TraceClientMessage::Resume {} => running.session.pause(false),
        TraceClientMessage::Filter(choose) => {
            let running = Arc::clone(running);
            app.blocking(move |_| running.choose(choose)).await?;
        }
        TraceClientMessage::Extend { seconds } => {
            running.session.extend(Duration::from_secs(seconds.into()), limits::MAX_TRACE_TIME);
        }
    }
    Ok(())
}

/// Takes from the trace and hands to the socket; what the socket does not take in time is left out and counted.
fn pump(place: Place, queue: &mpsc::Sender<Utf8Bytes>, clock: &dyn Clock, dialect: Dialect) {
    let Place { running, viewer, watched, control } = place;
    let epoch = running.epoch;
    let mut outbox = Outbox { queue, dialect, missed: 0, state: None };
    outbox.send(&encode::hello(&running));
    let mut stated = clock.mono();
    let why = loop {
        if queue.is_closed() {
            break "the viewer left".to_owned();
        }
        match viewer.next(LOOK) {
            Ok(Some(News::Batch(told))) => outbox.calls(&told, epoch),
            Ok(Some(News::Missed(batches))) => outbox.missed += batches,
            Ok(None) => {}
            Err(end) => {
                let why = encode::why(&end);
                if dialect == Dialect::Messages {
                    // The last word waits for its turn; a viewer that has left does not hear it.
                    queue.blocking_send(encode::text(&TraceMessage::End { why: why.clone() }).into()).ok();
                }
                break why;
            }
        }
        if clock.mono().since(stated) >= STATE && dialect == Dialect::Messages {
            stated = clock.mono();
            if let Some(state) = encode::state(&running) {
                outbox.state = Some(encode::text(&state));
            }
        }
        outbox.catch_up();
    };
    // The trace itself ends with its last viewer, before it is written down that it has.
    drop(viewer);
    drop(running);
    control.end_trace(&watched, &why);
}

struct Outbox<'a> {
    queue: &'a mpsc::Sender<Utf8Bytes>,
    dialect: Dialect,
    /// Messages that found no room.
    missed: u64,
    /// How the trace is doing, which waits for room: it is told also where calls are not, and the newest is enough.
    state: Option<String>,
}

impl Outbox<'_> {
    fn calls(&mut self, told: &Arc<[Told]>, epoch: Epoch) {
        for part in told.chunks(limits::TRACE_BATCH) {
            let calls: Vec<TraceLine> = part.iter().map(|told| encode::line(told, epoch)).collect();
            match self.dialect {
                Dialect::Messages => self.put(encode::text(&TraceMessage::Calls { calls })),
                Dialect::Arrays => self.put(encode::text(&calls)),
            }
        }
    }

    fn send(&mut self, message: &TraceMessage) {
        if self.dialect == Dialect::Messages {
            self.put(encode::text(message));
        }
    }

    /// Sends what waits, if there is room.
    fn catch_up(&mut self) {
        if self.queue.capacity() > 0
            && let Some(state) = self.state.take()
        {
            // Nobody else fills the queue; it fails where the viewer has left.
            self.queue.try_send(state.into()).ok();
        }
    }

    fn put(&mut self, text: String) {
        self.catch_up();
        if self.missed > 0 && self.dialect == Dialect::Messages {
            let message = encode::text(&TraceMessage::Missed { messages: self.missed });
            if self.queue.try_send(message.into()).is_ok() {
                self.missed = 0;
            }
        }
        // Nothing is told out of turn: first that something is missing.
        if (self.missed > 0 && self.dialect == Dialect::Messages) || self.queue.try_send(text.into()).is_err() {
            self.missed += 1;
        }
    }
}
