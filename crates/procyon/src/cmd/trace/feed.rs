//! Takes what an engine tells and writes it, until somebody or something ends it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use procyon_diag::{Fault, Kind};
use procyon_trace::engine::{Engine, Life};
use procyon_trace::{Call, Event, Style, Summary, Teller, Who, name, now, push_signal};
use serde_json::{Value, json};

use super::ending::Stop;
use super::fault;
use crate::output::Output;

/// How long the engine waits at most before the limits are looked at.
const LOOK: Duration = Duration::from_millis(20);

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

/// Where it is written to.
pub(super) enum Sink {
    Output(Box<Output>),
    Error(BufWriter<io::Stderr>),
    File(BufWriter<File>),
}

impl Sink {
    /// A file, or standard error beside a command whose output is standard output, or that.
    pub(super) fn open(file: Option<&Path>, beside_command: bool) -> Result<Self, Fault> {
        match file {
            Some(path) => File::create(path).map(|file| Self::File(BufWriter::new(file))).map_err(|error| {
                Fault::new(Kind::Failed, format!("could not write to {}", path.display())).because(error)
            }),
            None if beside_command => Ok(Self::Error(BufWriter::new(io::stderr()))),
            None => Ok(Self::Output(Box::new(Output::new()))),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Output(output) => &mut **output,
            Self::Error(stderr) => stderr,
            Self::File(file) => file,
        }
    }
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
    sink: Sink,
    epoch: i64,
    text: String,
    lines: u64,
    /// A process that waited to become the command: ptrace may tell the call in which it did.
    waiting: Option<u32>,
    interrupted: bool,
}

impl Feed {
    pub(super) fn new(style: Style, form: Form, sink: Sink, followed: &[Who]) -> Self {
        // JSON is in UTC.
        let epoch = style.epoch - i64::from(style.options.utc_offset) * 1_000_000_000;
        let teller = Teller::new(style, followed);
        Self { teller, form, sink, epoch, text: String::new(), lines: 0, waiting: None, interrupted: false }
    }

    /// Leaves out the call in which the process waits to become the command.
    pub(super) fn skip_waiting(&mut self, process: u32) {
        self.waiting = Some(process);
    }

    /// Whether somebody ended it, rather than the processes themselves.
    pub(super) const fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Writes until all have ended or a limit is reached.
    pub(super) fn run(&mut self, engine: &mut dyn Engine, limits: &Limits, stop: &Stop) -> Result<()> {
        let end = limits.time.map(|time| now().saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)));
        let most = limits.lines.unwrap_or(u64::MAX);
        let mut events = Vec::new();
        loop {
            let left = end.map(|end| Duration::from_nanos(end.saturating_sub(now())));
            let at_most = left.map_or(LOOK, |left| left.min(LOOK));
            let life = engine.next(at_most, &mut |event| events.push(event)).map_err(fault)?;
            for event in events.drain(..) {
                if self.lines < most {
                    self.write(&event)?;
                }
            }
            self.sink.writer().flush()?;
            if life == Life::Over || self.lines >= most {
                return Ok(());
            }
            if stop.is_asked_for(limits.keys) {
                self.interrupted = true;
            }
            if self.interrupted || left.is_some_and(|left| left.is_zero()) {
                return self.write_under_way(engine);
            }
        }
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        if let (Some(process), Event::Call(call)) = (self.waiting, event) {
            self.waiting = None;
            let is_one_byte =
                call.arguments.get(2) == Some(&1) && call.returned.is_some_and(|returned| returned.result == 1);
            if call.process == process && name(call.number) == Some("read") && is_one_byte {
                return Ok(());
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
            return Ok(());
        }
        self.lines += 1;
        self.sink.writer().write_all(self.text.as_bytes())?;
        Ok(())
    }

    fn write_under_way(&mut self, engine: &mut dyn Engine) -> Result<()> {
        let now = now();
        for call in engine.under_way().map_err(fault)? {
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
            self.sink.writer().write_all(self.text.as_bytes())?;
        }
        self.sink.writer().flush()?;
        Ok(())
    }

    pub(super) fn print_summary(&mut self, summary: &Summary) -> Result<()> {
        let writer = self.sink.writer();
        write!(writer, "{summary}")?;
        writeln!(
            writer,
            "Times are from beginning to end, waiting included; p50 and p99 are right within a factor of 1.42."
        )?;
        writer.flush()?;
        Ok(())
    }

    pub(super) fn print_losses(&mut self, lost: u64) -> Result<()> {
        if lost > 0 {
            say(&format!("{lost} events came faster than they could be written and are missing; -c counts all"));
        }
        self.sink.writer().flush()?;
        Ok(())
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
            Event::Followed { who, at } => about("followed", who, *at),
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
        let spent = call.returned.map(|returned| seconds(returned.at.saturating_sub(call.entered)));
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
