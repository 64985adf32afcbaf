//! Events as lines of text, the way strace tells them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use rustix::time::{ClockId, clock_gettime};

use crate::call::Call;
use crate::decode::{self, Descriptors, Line, Options};
use crate::descriptors::Followed;
use crate::event::{Event, Who};
use crate::filter::Filter;
use crate::names;

/// How much stands around a call.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// How calls are told.
    pub options: Options,
    /// The time of day before each line.
    pub stamp: Stamp,
    /// How long a call took, behind it.
    pub durations: bool,
    /// Each line says whose it is, not only when there are several.
    pub always_named: bool,
    /// What has to be added to nanoseconds since boot to make them nanoseconds since 1970 in local time.
    pub epoch: i64,
}

/// The time of day that stands before a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stamp {
    /// None.
    #[default]
    None,
    /// `15:04:05`.
    Seconds,
    /// `15:04:05.000000`.
    Micros,
}

impl Style {
    /// Sets the epoch and the time zone, as seconds east of UTC, as they are now.
    #[must_use]
    pub fn in_zone(mut self, utc_offset: i32) -> Self {
        self.options.utc_offset = utc_offset;
        let since_1970 = nanos_of(ClockId::Realtime);
        let offset = i64::from(utc_offset) * 1_000_000_000;
        self.epoch = since_1970.saturating_sub(nanos_of(ClockId::Monotonic)).saturating_add(offset);
        self
    }
}

/// Now, ns since boot without sleep: the clock of every event.
#[must_use]
pub fn now() -> u64 {
    u64::try_from(nanos_of(ClockId::Monotonic)).unwrap_or(0)
}

fn nanos_of(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

/// Tells events, and remembers what it needs for that.
#[derive(Debug)]
pub struct Teller {
    style: Style,
    descriptors: Followed,
    living: BTreeSet<Who>,
}

impl Teller {
    /// Begins with these threads.
    pub fn new(style: Style, followed: &[Who]) -> Self {
        Self { style, descriptors: Followed::default(), living: followed.iter().copied().collect() }
    }

    /// From now on only those calls come that this filter tells. Without a word, all do.
    pub fn heed(&mut self, filter: &Filter) {
        self.descriptors.heed(filter, now());
    }

    /// Appends an event as a line with its end; nothing for those of which strace says nothing.
    pub fn tell(&mut self, event: &Event, out: &mut String) {
        let start = out.len();
        match event {
            Event::Call(call) => {
                self.head(call_of(call), call.seen_at(), out);
                self.call(call, out);
                self.duration(call, out);
            }
            Event::Signal { who, at, number, details } => {
                self.head(*who, *at, out);
                out.push_str("--- ");
                push_signal(*number, out);
                out.push(' ');
                decode::signal_details(details, out);
                out.push_str(" ---");
            }
            Event::Ended { who, at, status } => {
                self.head(*who, *at, out);
                self.end(*who, *status, out);
            }
            Event::Renumbered { who, at, before } => {
                self.head(*who, *at, out);
                push(out, format_args!("+++ superseded by execve in pid {before} +++"));
                self.living.remove(&Who { thread: *before, process: who.process });
                self.living.insert(*who);
            }
            Event::Followed { who, .. } => {
                self.living.insert(who.who());
                if self.style.options.descriptors {
                    self.descriptors.inherit(who.parent, who.process);
                }
            }
            Event::Lost(count) => {
                self.descriptors.clear();
                push(out, format_args!("+++ {count} lost here +++"));
            }
        }
        if out.len() > start {
            out.push('\n');
        }
    }

    /// Appends a call that is under way, with how long it has been by now; or that it began before it was watched.
    pub fn tell_under_way(&mut self, call: &Call, now: u64, out: &mut String) {
        self.head(call_of(call), if call.entered > 0 { call.entered } else { now }, out);
        self.call(call, out);
        if call.entered > 0 {
            let so_far = now.saturating_sub(call.entered);
            push(out, format_args!(" <{}.{:06} so far>", so_far / 1_000_000_000, so_far % 1_000_000_000 / 1000));
        } else {
            out.push_str(" <began before>");
        }
        out.push('\n');
    }

    /// Appends a call by itself; says where its parts are.
    pub fn call(&mut self, call: &Call, out: &mut String) -> Line {
        if !self.style.options.descriptors {
            return decode::line(call, &self.style.options, &(), out);
        }
        self.descriptors.follow(call);
        let descriptors: &dyn Descriptors = &self.descriptors;
        decode::line(call, &self.style.options, descriptors, out)
    }

    /// What the call that was told last is about, where descriptors are told; none where that is not known.
    pub(crate) fn subject(&self, call: &Call) -> Option<Cow<'_, str>> {
        if self.style.options.descriptors { self.descriptors.subject(call) } else { None }
    }

    fn head(&self, who: Who, at: u64, out: &mut String) {
        if self.style.always_named {
            push(out, format_args!("{:<5} ", who.thread));
        } else if self.living.len() > 1 {
            push(out, format_args!("[pid {:>5}] ", who.thread));
        }
        let nanos = i128::from(at) + i128::from(self.style.epoch);
        let second = nanos.div_euclid(1_000_000_000).rem_euclid(86_400);
        let micros = nanos.rem_euclid(1_000_000_000) / 1000;
        let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
        match self.style.stamp {
            Stamp::None => {}
            Stamp::Seconds => push(out, format_args!("{hours:02}:{minutes:02}:{seconds:02} ")),
            Stamp::Micros => push(out, format_args!("{hours:02}:{minutes:02}:{seconds:02}.{micros:06} ")),
        }
    }

    fn duration(&self, call: &Call, out: &mut String) {
        if !self.style.durations || call.returned.is_none() {
            return;
        }
        match call.took() {
            Some(spent) => push(out, format_args!(" <{}.{:06}>", spent / 1_000_000_000, spent % 1_000_000_000 / 1000)),
            None => out.push_str(" <?>"),
        }
    }

    fn end(&mut self, who: Who, status: u32, out: &mut String) {
        self.living.remove(&who);
        if !self.living.iter().any(|other| other.process == who.process) {
            self.descriptors.forget(who.process);
        }
        match status & 0x7f {
            0 => push(out, format_args!("+++ exited with {} +++", status >> 8 & 0xff)),
            signal => {
                out.push_str("+++ killed by ");
                push_signal(signal, out);
                out.push_str(if status & 0x80 == 0 { " +++" } else { " (core dumped) +++" });
            }
        }
    }
}

fn call_of(call: &Call) -> Who {
    Who { thread: call.thread, process: call.process }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Text in memory takes everything.
    out.write_fmt(text).ok();
}

/// The name of a signal as strace says it.
pub fn push_signal(number: u32, out: &mut String) {
    match names::signal(number.into()) {
        Some(name) => out.push_str(name),
        None => push(out, format_args!("SIGRT_{}", u64::from(number).saturating_sub(names::SIGRTMIN))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Return;
    use crate::event::Child;

    fn told(style: Style, followed: &[Who], events: &[Event]) -> String {
        let (mut teller, mut out) = (Teller::new(style, followed), String::new());
        for event in events {
            teller.tell(event, &mut out);
        }
        out
    }

    fn who(thread: u32) -> Who {
        Who { thread, process: 7 }
    }

    fn close(thread: u32) -> Event {
        let returned = Some(Return { result: -9, at: 3_500_000_000 });
        let arguments = [3, 0, 0, 0, 0, 0];
        Event::Call(Call {
            thread,
            process: 7,
            number: 3,
            arguments,
            entered: 2_000_001_000,
            returned,
            ..Call::default()
        })
    }

    #[test]
    fn lines_look_like_those_of_strace() {
        let ended = |thread, status| Event::Ended { who: who(thread), at: 0, status };
        let events = [
            close(7),
            Event::Followed { who: Child { thread: 8, process: 7, parent: 7 }, at: 0 },
            close(8),
            ended(8, 0),
            Event::Lost(3),
            ended(7, 9),
        ];
        let expected = "\
close(3)                                = -1 EBADF (Bad file descriptor)
[pid     8] close(3)                    = -1 EBADF (Bad file descriptor)
[pid     8] +++ exited with 0 +++
+++ 3 lost here +++
+++ killed by SIGKILL +++
";
        assert_eq!(told(Style::default(), &[who(7)], &events), expected);
    }

    #[test]
    fn stamps_and_durations_stand_around_a_call() {
        let style = Style { stamp: Stamp::Micros, durations: true, always_named: true, ..Style::default() };
        let text = told(style, &[who(7)], &[close(7)]);
        assert!(text.starts_with("7     00:00:02.000001 close(3)"), "{text}");
        assert!(text.ends_with("(Bad file descriptor) <1.499999>\n"), "{text}");
    }

    #[test]
    fn what_is_not_known_of_a_calls_time_is_not_told() {
        let style = Style { stamp: Stamp::Micros, durations: true, ..Style::default() };
        let Event::Call(call) = close(7) else { panic!() };
        let call = Call { entered: 0, ..call };
        let text = told(style.clone(), &[who(7)], &[Event::Call(call.clone())]);
        assert!(
            text.starts_with("00:00:03.500000 close(3)") && text.ends_with("(Bad file descriptor) <?>\n"),
            "{text}"
        );
        let (mut teller, mut out) = (Teller::new(style, &[who(7)]), String::new());
        teller.tell_under_way(&Call { returned: None, ..call }, 4_000_000_000, &mut out);
        assert_eq!(out, "00:00:04.000000 close(3 <unfinished ...> <began before>\n");
    }
}
