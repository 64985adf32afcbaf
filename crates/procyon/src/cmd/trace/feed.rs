//! Takes what an engine tells and writes it, until somebody or something ends it.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use procyon_trace::engine::{Engine, Life, Lost, look};
use procyon_trace::{Call, Event, Filter, Style, Summary, Teller, Who, name, now, push_signal};
use serde_json::{Value, json};

use super::ending::Stop;
use super::fault;
use super::writer::Writer;

/// How long the engine waits at most before the limits are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long it may take at the end to fetch what was not told yet.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Lines,
    Json,
}

/// When it ends.
pub(super) struct Limits {
    pub(super) time: Option<Duration>,
    pub(super) lines: Option<u64>,
    /// How often Ctrl-C has to be pressed.
    pub(super) keys: u32,
}

/// What there is to say when nobody is watched any more.
pub(super) struct Report {
    pub(super) summary: Summary,
    pub(super) lost: Lost,
    /// Somebody ended it, rather than the processes themselves or a limit.
    pub(super) interrupted: bool,
}

/// What is said of threads that the kernel could not let us follow.
fn not_followed(threads: u64) -> String {
    let (noun, whom) = if threads == 1 { ("thread", "it") } else { ("threads", "them") };
    format!("{threads} {noun} could not be followed: the kernel had no memory for {whom}")
}

/// Says something beside the trace.
#[expect(clippy::print_stderr, reason = "a person reads it")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// Writes what an engine tells.
pub(super) struct Feed {
    teller: Teller,
    form: Form,
    writer: Writer,
    epoch: i64,
    /// How many bytes of content are told.
    content: usize,
    text: String,
    /// Lines that the writer has not got yet.
    told: String,
    lines: u64,
    /// Losses that were told.
    lost: u64,
    /// A process that waited to become the command: ptrace may tell the call in which it did.
    waiting: Option<u32>,
}

impl Feed {
    pub(super) fn new(style: Style, form: Form, writer: Writer, filter: &Filter, followed: &[Who]) -> Self {
        // JSON is in UTC.
        let epoch = style.epoch - i64::from(style.options.utc_offset) * 1_000_000_000;
        let content = style.options.limit;
        let mut teller = Teller::new(style, followed);
        teller.heed(filter);
        let (text, told) = (String::new(), String::new());
        Self { teller, form, writer, epoch, content, text, told, lines: 0, lost: 0, waiting: None }
    }

    /// Leaves out the call in which the process waits to become the command.
    pub(super) fn skip_waiting(&mut self, process: u32) {
        self.waiting = Some(process);
    }

    /// Writes until all have ended or a limit is reached; then nobody is watched any more, whatever the output does.
    pub(super) fn run(&mut self, mut engine: Box<dyn Engine>, limits: &Limits, stop: &Stop) -> Result<Report> {
        let end = limits.time.map(|time| now().saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)));
        let most = limits.lines.unwrap_or(u64::MAX);
        let mut events = Vec::new();
        loop {
            let left = end.map(|end| Duration::from_nanos(end.saturating_sub(now())));
            let at_most = left.map_or(LOOK, |left| left.min(LOOK));
            let mut life = Life::Goes;
            // While the output stands still nothing is taken, and what finds no room meanwhile is lost and counted.
            if self.writer.has_room(at_most)? {
                life = engine.next(at_most, &mut |event| events.push(event)).map_err(fault)?;
                self.write_all(&mut events, most);
            }
            let interrupted = stop.is_asked_for(limits.keys);
            if life == Life::Over || self.lines >= most {
                return Ok(Report {
                    summary: engine.summary().map_err(fault)?,
                    lost: engine.lost(),
                    interrupted: interrupted && life == Life::Goes,
                });
            }
            if interrupted || left.is_some_and(|left| left.is_zero()) {
                return self.break_off(engine, interrupted, most);
            }
        }
    }

    /// Lets go in the middle: tells what was not told yet, and the calls that are under way.
    fn break_off(&mut self, mut engine: Box<dyn Engine>, interrupted: bool, most: u64) -> Result<Report> {
        let (at, mut events) = (now(), Vec::new());
        let mut under_way = engine.under_way().map_err(fault)?;
        // No new calls, so that this comes to an end.
        engine.filter(&Filter::none()).map_err(fault)?;
        let end = at.saturating_add(u64::try_from(PATIENCE_AT_END.as_nanos()).unwrap_or(u64::MAX));
        let mut empty_rounds = 0;
        while empty_rounds < 2 && now() < end {
            let before = events.len();
            let life = engine.next(Duration::ZERO, &mut |event| events.push(event)).map_err(fault)?;
            empty_rounds = if events.len() == before { empty_rounds + 1 } else { 0 };
            if life == Life::Over {
                break;
            }
        }
        let (summary, lost) = (engine.summary().map_err(fault)?, engine.lost());
        drop(engine);
        let is_back = |event: &Event| match event {
            Event::Call(call) => call.returned.is_none_or(|returned| returned.at >= at).then_some(call.thread),
            _ => None,
        };
        let back: HashSet<u32> = events.iter().filter_map(is_back).collect();
        under_way.retain(|call| !back.contains(&call.thread));
        self.write_all(&mut events, most);
        if lost.records() > self.lost {
            self.write(&Event::Lost(lost.records() - self.lost));
        }
        self.write_under_way(under_way);
        Ok(Report { summary, lost, interrupted })
    }

    fn write_all(&mut self, events: &mut Vec<Event>, most: u64) {
        for event in events.drain(..) {
            if self.lines < most {
                self.write(&event);
            }
        }
        self.hand_on();
    }

    /// Hands what was told to the output, all at once.
    fn hand_on(&mut self) {
        if !self.told.is_empty() {
            self.writer.put(&self.told);
            self.told.clear();
        }
    }

    fn write(&mut self, event: &Event) {
        if let Event::Lost(count) = event {
            self.lost = self.lost.saturating_add(*count);
        }
        if let (Some(process), Event::Call(call)) = (self.waiting, event) {
            self.waiting = None;
            let is_one_byte =
                call.arguments.get(2) == Some(&1) && call.returned.is_some_and(|returned| returned.result == 1);
            if call.process == process && name(call.number) == Some("read") && is_one_byte {
                return;
            }
        }
        self.text.clear();
        match self.form {
            Form::Lines => self.teller.tell(event, &mut self.text),
            Form::Json => {
                let object = self.object(event);
                self.text = format!("{object}\n");
            }
        }
        if self.text.is_empty() {
            return;
        }
        self.lines += 1;
        self.told.push_str(&self.text);
    }

    fn write_under_way(&mut self, calls: Vec<Call>) {
        let now = now();
        for call in look(calls, self.content) {
            self.text.clear();
            match self.form {
                Form::Lines => self.teller.tell_under_way(&call, now, &mut self.text),
                Form::Json => {
                    let mut object = self.call(&call);
                    if let Value::Object(fields) = &mut object {
                        fields.insert("kind".to_owned(), "under_way".into());
                        let so_far = (call.entered > 0).then(|| seconds(now.saturating_sub(call.entered)));
                        fields.insert("duration".to_owned(), so_far.into());
                    }
                    self.text = format!("{object}\n");
                }
            }
            self.told.push_str(&self.text);
        }
        self.hand_on();
    }

    pub(super) fn print_summary(&mut self, summary: &Summary) {
        self.writer.put(&format!(
            "{summary}Times are from beginning to end, waiting included; p50 and p99 are right within a factor of 1.42.\n"
        ));
    }

    pub(super) fn print_losses(&mut self, lost: Lost) {
        let records = lost.records();
        if records > 0 {
            say(&format!("{records} events came faster than they could be written and are missing; -c counts all"));
        }
        if lost.threads == 0 {
            return;
        }
        say(&not_followed(lost.threads));
        if self.form == Form::Json {
            let object = json!({"kind": "not_followed", "threads": lost.threads});
            self.writer.put(&format!("{object}\n"));
        }
    }

    /// Waits until all is written.
    pub(super) fn finish(self) -> Result<()> {
        Ok(self.writer.finish()?)
    }

    fn object(&mut self, event: &Event) -> Value {
        let about = |kind: &str, who: &Who, at: u64| json!({"kind": kind, "at": self.time(at), "pid": who.process, "tid": who.thread});
        match event {
            Event::Call(call) => self.call(call),
            Event::Signal { who, at, number, .. } => {
                let mut signal = String::new();
                push_signal(*number, &mut signal);
                with(about("signal", who, *at), &[("signal", signal.into())])
            }
            Event::Ended { who, at, status } => {
                let (code, signal) = (status >> 8 & 0xff, status & 0x7f);
                let mut name = String::new();
                push_signal(signal, &mut name);
                let how = if signal == 0 { ("code", code.into()) } else { ("signal", name.into()) };
                with(about("ended", who, *at), &[how])
            }
            Event::Followed { who, at } => with(about("followed", &who.who(), *at), &[("parent", who.parent.into())]),
            Event::Renumbered { who, at, before } => {
                with(about("renumbered", who, *at), &[("before", (*before).into())])
            }
            Event::Lost(count) => json!({"kind": "lost", "lost": count}),
        }
    }

    fn call(&mut self, call: &Call) -> Value {
        self.text.clear();
        let line = self.teller.call(call, &mut self.text);
        let part = |range: std::ops::Range<usize>| self.text.get(range).unwrap_or_default();
        let spent = call.took().map(seconds);
        json!({
            "kind": "call",
            "at": (call.entered > 0).then(|| self.time(call.entered)),
            "pid": call.process,
            "tid": call.thread,
            "name": part(line.name.clone()),
            "args": part(line.arguments.clone()),
            "result": call.returned.map(|_| part(line.result.clone())),
            "value": call.returned.map(|returned| returned.result),
            "error": line.error,
            "duration": spent,
        })
    }

    /// Milliseconds since 1970, as everywhere in our JSON, with three digits more.
    fn time(&self, at: u64) -> f64 {
        let nanos = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(self.epoch);
        (seconds(u64::try_from(nanos).unwrap_or(0)) * 1e6).round() / 1e3
    }
}

fn with(mut object: Value, fields: &[(&str, Value)]) -> Value {
    if let Value::Object(object) = &mut object {
        object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    object
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::super::writer::Sink;
    use super::*;

    #[test]
    fn threads_that_are_not_followed_are_told() {
        assert_eq!(not_followed(1), "1 thread could not be followed: the kernel had no memory for it");
        let path = std::env::temp_dir().join(format!("procyon-feed-{}", std::process::id()));
        let writer = Writer::start(Sink::open(Some(&path), false).unwrap()).unwrap();
        let mut feed = Feed::new(Style::default(), Form::Json, writer, &Filter::all(), &[]);
        feed.print_losses(Lost { calls: 1, events: 0, threads: 3 });
        feed.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let object: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(object, json!({"kind": "not_followed", "threads": 3}));
    }
}
