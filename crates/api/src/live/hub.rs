//! One thread a host: encodes each channel once a tick and hands the message to all its clients, waiting for none.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

use axum::extract::ws::Utf8Bytes;
use procyon_model::Frame;
use procyon_model::feed::{Consumer, Feed};
use procyon_units::{Clock, Mono};
use procyon_wire::{Problem, ProblemKind};
use tokio::sync::mpsc::{Sender, error::TrySendError};

use crate::failure::Failure;
use crate::limits::{MAX_CHANNELS, PAUSED_INTERVAL};

/// Frames that wait for the thread; older ones go.
const FRAMES: usize = 4;
/// Wishes of clients that wait for the thread; more are refused.
const COMMANDS: usize = 1024;

/// Turns frames into messages for all clients of one channel.
pub(crate) trait Encoder: Send {
    /// The message for clients that know the frame before; none if there was none. `frames` came since, oldest first.
    fn tick(&mut self, frames: &[Arc<Frame>]) -> Option<Utf8Bytes>;
    /// The message for clients that know nothing.
    fn full(&mut self) -> Option<Utf8Bytes>;
    /// What is said before `full` to a client that missed messages.
    fn gap(&self, missed: u64) -> Option<Utf8Bytes>;
}

/// One client in a channel.
pub(crate) struct Client {
    /// Names it.
    pub(crate) id: u64,
    /// Where its messages go.
    pub(crate) queue: Sender<Utf8Bytes>,
}

struct Member {
    client: Client,
    /// Messages missed since it last took one.
    missed: u64,
    /// Whether it needs everything.
    fresh: bool,
    /// Since when its screen is hidden, as of the last message.
    paused: Option<Mono>,
}

struct Channel {
    encoder: Box<dyn Encoder>,
    members: Vec<Member>,
    /// The last `full`, until the next tick.
    full: Option<Utf8Bytes>,
}

enum Command {
    Join { name: String, encoder: Box<dyn Encoder>, client: Client },
    Pause(u64),
    Resume(u64),
    Leave(u64),
}

#[derive(Default)]
struct Inbox {
    frames: VecDeque<Arc<Frame>>,
    commands: VecDeque<Command>,
    stopped: bool,
}

/// The live streams of one host.
pub(crate) struct Hub {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    watching: AtomicUsize,
    next: AtomicU64,
    feed: Weak<Feed>,
    clock: Arc<dyn Clock>,
}

impl Hub {
    /// Starts the thread and attaches it to the feed.
    pub(crate) fn start(feed: &Arc<Feed>, clock: Arc<dyn Clock>) -> std::io::Result<Arc<Self>> {
        let hub = Arc::new(Self {
            inbox: Mutex::default(),
            wake: Condvar::new(),
            watching: AtomicUsize::new(0),
            next: AtomicU64::new(1),
            feed: Arc::downgrade(feed),
            clock,
        });
        let worker = Arc::clone(&hub);
        std::thread::Builder::new().name("procyon-live".to_owned()).spawn(move || worker.work())?;
        feed.attach(Arc::clone(&hub) as _);
        Ok(hub)
    }

    /// A name for a new client.
    pub(crate) fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Moves a client into the channel with this name, which is made with `encoder` if there is none.
    pub(crate) fn join(&self, name: String, encoder: Box<dyn Encoder>, client: Client) -> Result<(), Failure> {
        self.ask(Command::Join { name, encoder, client })
    }

    /// The client's screen is hidden.
    pub(crate) fn pause(&self, id: u64) -> Result<(), Failure> {
        self.ask(Command::Pause(id))
    }

    /// The client's screen is seen again.
    pub(crate) fn resume(&self, id: u64) -> Result<(), Failure> {
        self.ask(Command::Resume(id))
    }

    /// The client is gone. There is always room for this: it comes once for each connection.
    pub(crate) fn leave(&self, id: u64) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).commands.push_back(Command::Leave(id));
        self.wake.notify_one();
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.wake.notify_one();
    }

    fn ask(&self, command: Command) -> Result<(), Failure> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.commands.len() >= COMMANDS {
            return Err(Failure::new(ProblemKind::Unavailable, "too many live clients ask at once; ask again"));
        }
        inbox.commands.push_back(command);
        drop(inbox);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut channels: HashMap<String, Channel> = HashMap::new();
        loop {
            let Some((frames, commands)) = self.wait() else { return };
            let now = self.clock.mono();
            for command in commands {
                if matches!(command, Command::Join { .. }) {
                    // Before the newcomer is told anything: no frame after what it is told may pass it by.
                    self.watching.fetch_add(1, Ordering::AcqRel);
                }
                self.obey_safely(&mut channels, command, now);
            }
            if !frames.is_empty() {
                // Clients whose queues were closed are gone.
                channels.retain(|name, channel| channel.survives(name, &frames, now) && !channel.members.is_empty());
            }
            let watching = channels.values().map(|channel| channel.members.len()).sum();
            self.watching.store(watching, Ordering::Release);
        }
    }

    fn wait(&self) -> Option<(Vec<Arc<Frame>>, VecDeque<Command>)> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        while inbox.frames.is_empty() && inbox.commands.is_empty() && !inbox.stopped {
            inbox = self.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
        if inbox.stopped {
            return None;
        }
        Some((inbox.frames.drain(..).collect(), std::mem::take(&mut inbox.commands)))
    }

    /// Does what a client wishes. A panic in it ends the channel that it was about, and no other.
    fn obey_safely(&self, channels: &mut HashMap<String, Channel>, command: Command, now: Mono) {
        let (name, queue) = match &command {
            Command::Join { name, client, .. } => (Some(name.clone()), Some(client.queue.clone())),
            Command::Pause(id) | Command::Resume(id) | Command::Leave(id) => place(channels, *id),
        };
        if catch_unwind(AssertUnwindSafe(|| self.obey(channels, command, now))).is_ok() {
            return;
        }
        tracing::error!(channel = name, "a live stream failed inside; its clients are let go");
        let broken = name.and_then(|name| channels.remove(&name));
        let others = broken.into_iter().flat_map(|channel| channel.members).map(|member| member.client.queue);
        // Whoever asked may have been taken out of the channel before it failed.
        let mut told: Vec<Sender<Utf8Bytes>> = Vec::new();
        for queue in others.chain(queue) {
            if !told.iter().any(|known| known.same_channel(&queue)) {
                tell(&queue, &failed_inside());
                told.push(queue);
            }
        }
    }

    fn obey(&self, channels: &mut HashMap<String, Channel>, command: Command, now: Mono) {
        match command {
            Command::Join { name, encoder, client } => {
                remove(channels, client.id);
                if channels.len() >= MAX_CHANNELS && !channels.contains_key(&name) {
                    refuse(&client);
                    return;
                }
                let channel = channels.entry(name).or_insert_with(|| {
                    let mut channel = Channel { encoder, members: Vec::new(), full: None };
                    if let Some(frame) = self.feed.upgrade().and_then(|feed| feed.latest()) {
                        let _first = channel.encoder.tick(&[frame]);
                    }
                    channel
                });
                let mut member = Member { client, missed: 0, fresh: true, paused: None };
                channel.split().0.greet(&mut member);
                channel.members.push(member);
            }
            Command::Pause(id) => with(channels, id, |_, member| member.paused = Some(now)),
            Command::Resume(id) => with(channels, id, |voice, member| {
                member.paused = None;
                voice.greet(member);
            }),
            Command::Leave(id) => remove(channels, id),
        }
    }
}

impl Consumer for Hub {
    fn offer(&self, frame: &Arc<Frame>) {
        // When nobody watches, nothing is encoded. A client that joins just now starts from the newest frame.
        if self.watching.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.frames.len() >= FRAMES {
            inbox.frames.pop_front();
        }
        inbox.frames.push_back(Arc::clone(frame));
        drop(inbox);
        self.wake.notify_one();
    }
}

fn remove(channels: &mut HashMap<String, Channel>, id: u64) {
    channels.retain(|_, channel| {
        channel.members.retain(|member| member.client.id != id);
        !channel.members.is_empty()
    });
}

fn with(channels: &mut HashMap<String, Channel>, id: u64, act: impl FnOnce(&mut Voice<'_>, &mut Member)) {
    for channel in channels.values_mut() {
        let (mut voice, members) = channel.split();
        if let Some(member) = members.iter_mut().find(|member| member.client.id == id) {
            act(&mut voice, member);
            return;
        }
    }
}

/// The channel in which a client is, and where its messages go.
fn place(channels: &HashMap<String, Channel>, id: u64) -> (Option<String>, Option<Sender<Utf8Bytes>>) {
    let mut members =
        channels.iter().flat_map(|(name, channel)| channel.members.iter().map(move |member| (name, member)));
    members
        .find(|(_, member)| member.client.id == id)
        .map_or((None, None), |(name, member)| (Some(name.clone()), Some(member.client.queue.clone())))
}

fn refuse(client: &Client) {
    let problem =
        Problem::new(ProblemKind::Unavailable, format!("{MAX_CHANNELS} different subscriptions are in use; end one"));
    tell(&client.queue, &problem);
}

fn failed_inside() -> Problem {
    Problem::new(ProblemKind::Internal, "the live stream failed inside the server; its log says more")
        .hint("subscribe again")
}

fn tell(queue: &Sender<Utf8Bytes>, problem: &Problem) {
    let told = serde_json::json!({ "type": "error", "problem": problem });
    if queue.try_send(told.to_string().into()).is_err() {
        tracing::debug!("a client that was to be told of a problem does not listen");
    }
}

impl Channel {
    /// Encodes and delivers; false when that panicked, which ends this channel and no other.
    fn survives(&mut self, name: &str, frames: &[Arc<Frame>], now: Mono) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.tick(frames, now)));
        if outcome.is_err() {
            tracing::error!(channel = name, "encoding a live stream failed inside; its clients are let go");
            for member in &self.members {
                tell(&member.client.queue, &failed_inside());
            }
        }
        outcome.is_ok()
    }

    fn tick(&mut self, frames: &[Arc<Frame>], now: Mono) {
        // A channel made from this very frame has nothing new to say about it.
        let message = self.encoder.tick(frames);
        self.full = None;
        let (mut voice, members) = self.split();
        members.retain_mut(|member| voice.deliver(member, message.as_ref(), now));
    }

    fn split(&mut self) -> (Voice<'_>, &mut Vec<Member>) {
        (Voice { encoder: &mut *self.encoder, full: &mut self.full }, &mut self.members)
    }
}

/// What a channel says, apart from its members.
struct Voice<'a> {
    encoder: &'a mut dyn Encoder,
    full: &'a mut Option<Utf8Bytes>,
}

impl Voice<'_> {
    /// Gives a member its message; false when it is gone.
    fn deliver(&mut self, member: &mut Member, message: Option<&Utf8Bytes>, now: Mono) -> bool {
        if let Some(since) = member.paused {
            if now.since(since) < PAUSED_INTERVAL {
                member.fresh = true;
                return !member.client.queue.is_closed();
            }
            member.paused = Some(now);
        }
        if member.fresh {
            self.greet(member);
            return !member.client.queue.is_closed();
        }
        let Some(message) = message else { return true };
        match member.client.queue.try_send(message.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                member.missed += 1;
                member.fresh = true;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    /// Tells a member everything, once its queue has room; after a gap says how large it was.
    fn greet(&mut self, member: &mut Member) {
        if member.client.queue.capacity() < 2 {
            member.missed += 1;
            member.fresh = true;
            return;
        }
        if self.full.is_none() {
            *self.full = self.encoder.full();
        }
        let Some(full) = self.full.clone() else { return };
        let gap = (member.missed > 0).then(|| self.encoder.gap(member.missed)).flatten();
        let mut sent = true;
        for message in gap.into_iter().chain([full]) {
            sent &= member.client.queue.try_send(message).is_ok();
        }
        if sent {
            member.missed = 0;
            member.fresh = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use procyon_testkit::eventually;
    use procyon_units::SystemClock;
    use tokio::sync::mpsc::{Receiver, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    /// Says `full`, and fails when it is told to.
    struct Fragile {
        fails: &'static str,
        _tables: Arc<()>,
    }

    impl Encoder for Fragile {
        fn tick(&mut self, frames: &[Arc<Frame>]) -> Option<Utf8Bytes> {
            assert!(self.fails != "tick", "an encoder fails");
            frames.last().map(|frame| frame.seq.to_string().into())
        }

        fn full(&mut self) -> Option<Utf8Bytes> {
            assert!(self.fails != "full", "an encoder fails");
            Some("full".into())
        }

        fn gap(&self, _: u64) -> Option<Utf8Bytes> {
            None
        }
    }

    fn join(hub: &Hub, name: &str, fails: &'static str) -> Receiver<Utf8Bytes> {
        let (queue, messages) = channel(4);
        let encoder = Fragile { fails, _tables: Arc::new(()) };
        hub.join(name.to_owned(), Box::new(encoder), Client { id: hub.next_id(), queue }).unwrap();
        messages
    }

    #[test]
    fn a_subscription_that_nobody_has_any_more_keeps_nothing() {
        let feed = Arc::new(Feed::new());
        let hub = Hub::start(&feed, Arc::new(SystemClock)).unwrap();
        let tables = Arc::new(());
        let mut ids = Vec::new();
        for _ in 0..2 {
            let (queue, mut messages) = channel(4);
            ids.push(hub.next_id());
            let encoder = Box::new(Fragile { fails: "", _tables: Arc::clone(&tables) });
            hub.join("shared".to_owned(), encoder, Client { id: ids[ids.len() - 1], queue }).unwrap();
            assert_eq!(next(&mut messages), "full");
        }
        hub.leave(ids[0]);
        // One that says so, and one that just goes.
        let _still_there = join(&hub, "other", "");
        assert_eq!(Arc::strong_count(&tables), 2);
        hub.leave(ids[1]);
        eventually("its tables are freed", PATIENCE, || (Arc::strong_count(&tables) == 1).then_some(()));
        hub.stop();
    }

    fn next(messages: &mut Receiver<Utf8Bytes>) -> String {
        eventually("a message", PATIENCE, || messages.try_recv().ok()).to_string()
    }

    #[test]
    fn a_wish_that_fails_inside_ends_its_own_stream_alone() {
        let feed = Arc::new(Feed::new());
        let hub = Hub::start(&feed, Arc::new(SystemClock)).unwrap();
        let mut sound = join(&hub, "sound", "");
        assert_eq!(next(&mut sound), "full");
        let mut broken = join(&hub, "broken", "full");
        assert!(next(&mut broken).contains("urn:procyon:internal"));
        // The thread goes on, for newcomers as for those who were there.
        assert_eq!(next(&mut join(&hub, "later", "")), "full");
        hub.offer(&Arc::new(Frame { seq: 7, ..Frame::default() }));
        assert_eq!(next(&mut sound), "7");
        hub.stop();
    }

    #[test]
    fn whoever_is_told_everything_misses_no_frame_after_it() {
        for round in 1..200 {
            let feed = Arc::new(Feed::new());
            let hub = Hub::start(&feed, Arc::new(SystemClock)).unwrap();
            let mut messages = join(&hub, "a", "");
            assert_eq!(next(&mut messages), "full");
            feed.publish(&Arc::new(Frame { seq: round, ..Frame::default() }));
            assert_eq!(next(&mut messages), round.to_string());
            hub.stop();
        }
    }
}
