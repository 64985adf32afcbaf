//! One viewer's WebSocket.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket, close_code};
use procyon_trace::Event;
use procyon_trace::session::{News, Told};
use procyon_units::{Clock, Mono};
use procyon_wire::trace::TraceMessage;
use tokio::sync::mpsc;

use super::encode::{self, Epoch};
use super::pace::Pace;
use super::running::Voice;
use super::{Place, Telling};
use crate::access::Caller;
use crate::app::App;
use crate::failure::Failure;
use crate::limits;
use crate::live::socket::{Left, Seat, error_message, farewell, part, while_allowed};

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

/// Tells a trace until it ends, its viewer leaves, or may not watch any more.
pub(crate) async fn tell(
    mut socket: WebSocket,
    _seat: Seat,
    app: Arc<App>,
    caller: Caller,
    place: Place,
    (dialect, telling): (Dialect, Telling),
) {
    // Nobody takes from it before.
    let Some((voice, why)) = place.voice() else { return };
    let (sender, queue) = mpsc::channel::<Utf8Bytes>(limits::TRACE_QUEUE);
    let clock = Arc::clone(&app.clock);
    let started = std::thread::Builder::new()
        .name("trace viewer".to_owned())
        .spawn(move || pump(place, &sender, &*clock, (dialect, telling)));
    if let Err(error) = started {
        tracing::error!(%error, "a viewer of a trace got no thread");
        return farewell(&mut socket, close_code::ERROR, "there is no thread for it").await;
    }
    // The queue goes with the conversation, and with it the place before the trace: why it is cut off is said before.
    let left = {
        let mut conversation = pin!(converse(&mut socket, queue, &app, &voice, dialect));
        let left = while_allowed(&app, &caller, conversation.as_mut()).await;
        if let Left::CutOff(_, reason) = left {
            why.say(reason);
        }
        left
    };
    voice.leave();
    part(&mut socket, &caller, left).await;
}

async fn converse(
    socket: &mut WebSocket,
    mut queue: mpsc::Receiver<Utf8Bytes>,
    app: &Arc<App>,
    voice: &Voice,
    dialect: Dialect,
) -> Left {
    loop {
        let sent = tokio::select! {
            message = queue.recv() => match message {
                Some(message) => socket.send(Message::Text(message)).await,
                None => return Left::Over("the trace is over"),
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) if dialect == Dialect::Messages => match hear(app, voice, &text).await {
                    Ok(()) => Ok(()),
                    Err(failure) => socket.send(Message::Text(error_message(&failure.problem).to_string().into())).await,
                },
                Some(Ok(Message::Close(_))) | None => return Left::Gone,
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => return Left::Broken(error),
            },
        };
        if sent.is_err() {
            return Left::Gone;
        }
    }
}

async fn hear(app: &Arc<App>, voice: &Voice, text: &str) -> Result<(), Failure> {
    let said = serde_json::from_str(text)
        .map_err(|error| Failure::bad_request(format!("the message cannot be read: {error}")))?;
    let voice = voice.clone();
    app.blocking(move |_| voice.say(said)).await
}

/// Takes from the trace and hands to the socket; what the socket does not take in time is left out and counted.
fn pump(place: Place, queue: &mpsc::Sender<Utf8Bytes>, clock: &dyn Clock, (dialect, telling): (Dialect, Telling)) {
    let Some(taken) = place.take() else { return };
    let (running, why) = (&taken.watcher.running, taken.why());
    let epoch = running.epoch;
    let mut stated = clock.mono();
    let pace = Pace::new(telling.rate, stated);
    let mut outbox = Outbox { queue, dialect, parts_alone: telling.parts_alone, pace, missed: 0, state: None };
    outbox.send(&encode::hello(running, taken.viewer.allowance()));
    let end = loop {
        if queue.is_closed() {
            break None;
        }
        let news = taken.viewer.next(LOOK);
        let now = clock.mono();
        outbox.advance(now);
        match news {
            Ok(Some(News::Batch(told))) => outbox.calls(&told, epoch),
            Ok(Some(News::Missed(batches))) => outbox.missed += batches,
            Ok(None) => {}
            // It may be the viewer that has left.
            Err(end) => break (!queue.is_closed()).then(|| encode::why(&end)),
        }
        if now.since(stated) >= STATE && dialect == Dialect::Messages {
            stated = now;
            if let Some(state) = encode::state(running, taken.viewer.allowance()) {
                outbox.state = Some(encode::text(&state));
            }
        }
        outbox.catch_up();
    };
    if let Some(end) = &end {
        why.say(end);
    }
    // The trace itself ends with its last viewer, and that is in the audit log before anybody is told.
    drop(taken);
    if let Some(why) = end {
        outbox.last_words(why);
    }
}

struct Outbox<'a> {
    queue: &'a mpsc::Sender<Utf8Bytes>,
    dialect: Dialect,
    parts_alone: bool,
    pace: Pace,
    /// Messages that found no room.
    missed: u64,
    /// How the trace is doing, which waits for room: it is told also where calls are not, and the newest is enough.
    state: Option<String>,
}

impl Outbox<'_> {
    /// Time passes; says what was left out, before what comes after it.
    fn advance(&mut self, now: Mono) {
        let skipped = self.pace.advance(now);
        if skipped > 0 {
            self.send(&TraceMessage::Skipped { lines: skipped });
        }
    }

    fn calls(&mut self, told: &Arc<[Told]>, epoch: Epoch) {
        let (open, close) = match self.dialect {
            Dialect::Messages => (r#"{"type":"calls","calls":["#, "]}"),
            Dialect::Arrays => ("[", "]"),
        };
        let (mut message, mut count) = (open.to_owned(), 0);
        for told in told.iter() {
            // What is no call is rare, and needed to make sense of the calls.
            if matches!(told.event, Event::Call(_)) && !self.pace.admit() {
                continue;
            }
            let line = encode::text(&encode::line(told, epoch, self.parts_alone));
            let is_full = count == limits::TRACE_BATCH || message.len() + line.len() > limits::TRACE_MESSAGE;
            if is_full && count > 0 {
                message.push_str(close);
                self.put(std::mem::replace(&mut message, open.to_owned()));
                count = 0;
            }
            if count > 0 {
                message.push(',');
            }
            message.push_str(&line);
            count += 1;
        }
        if count > 0 {
            message.push_str(close);
            self.put(message);
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

    /// Says what is missing and why it ended. This waits for its turn; a viewer that has left does not hear it.
    fn last_words(&self, why: String) {
        if self.dialect != Dialect::Messages {
            return;
        }
        let missed = (self.missed > 0).then_some(TraceMessage::Missed { messages: self.missed });
        let skipped = Some(self.pace.skipped()).filter(|lines| *lines > 0);
        let skipped = skipped.map(|lines| TraceMessage::Skipped { lines });
        for message in missed.into_iter().chain(skipped).chain([TraceMessage::End { why }]) {
            if self.queue.blocking_send(encode::text(&message).into()).is_err() {
                return;
            }
        }
    }
}
