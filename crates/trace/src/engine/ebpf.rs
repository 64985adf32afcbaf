//! The engine that never stops anybody: programs in the kernel tell what threads do.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use procyon_bpf::Kernel;
use procyon_bpf::syscalls::{self, Happening, MOST_CONTENT, Mode, NUMBERS, Syscalls};

use super::{Engine, EngineError, Life, Plan, copy};
use crate::call::{Call, Return};
use crate::capture::{Capture, Length, What, When};
use crate::event::{Event, Who};
use crate::filter::Filter;
use crate::memory::{Memory, Piece};
use crate::summary::Summary;
use crate::table;
use crate::target;

/// Most events that are handed on at once, so that the caller can look at its own business in between.
const MOST_AT_ONCE: usize = 4096;
/// Threads whose calls have begun, with memory that was copied then, and are not over. More are told without that memory.
const MOST_BEGUN: usize = 1 << 16;

/// Programs in the kernel that tell the calls of some threads.
#[derive(Debug)]
pub struct Ebpf {
    kernel: Syscalls,
    followed: Vec<Who>,
    begun: Begun,
    content: u32,
    children: bool,
    /// Losses that were told.
    told_lost: u64,
    /// Whether the ring was empty when it was last looked into.
    idle: bool,
}

/// What was copied when a call began that is not over, by thread.
#[derive(Debug, Default)]
struct Begun(HashMap<u32, (u64, Vec<Piece>)>);

impl Ebpf {
    /// Begins to follow. Needs `CAP_BPF` and `CAP_PERFMON`.
    pub fn start(plan: &Plan) -> Result<Self, EngineError> {
        target::check(&plan.targets)?;
        let mode = if plan.telling { Mode::Telling } else { Mode::Counting };
        let kernel = Kernel::open(Path::new("/sys")).and_then(|kernel| Syscalls::load(&kernel, mode));
        let kernel = kernel.map_err(EngineError::NoEbpf)?;
        let content = u32::try_from(plan.content).unwrap_or(u32::MAX).min(MOST_CONTENT);
        let mut engine = Self {
            kernel,
            followed: Vec::new(),
            begun: Begun::default(),
            content,
            children: plan.children,
            told_lost: 0,
            idle: true,
        };
        if plan.telling {
            engine.set_captures()?;
        }
        engine.filter(&plan.filter)?;
        let found = engine.kernel.follow(&plan.targets)?;
        engine.followed = found.iter().map(|one| Who { thread: one.thread, process: one.process }).collect();
        engine.followed.sort_unstable();
        for target in &plan.targets {
            let is_found = engine.followed.iter().any(|who| who.process == *target || who.thread == *target);
            if !is_found {
                return Err(EngineError::Unknown(*target));
            }
        }
        Ok(engine)
    }

    fn set_captures(&self) -> Result<(), EngineError> {
        for number in 0..NUMBERS {
            let captures = table::captures(number);
            let at = |when| -> Vec<syscalls::Capture> {
                captures.iter().filter(|capture| capture.when == when).copied().map(capture_of).collect()
            };
            let (enter, exit) = (at(When::Enter), at(When::Exit));
            if !enter.is_empty() || !exit.is_empty() {
                self.kernel.capture(number, &enter, &exit)?;
            }
        }
        Ok(())
    }
}

impl Engine for Ebpf {
    fn followed(&self) -> &[Who] {
        &self.followed
    }

    fn next(&mut self, at_most: Duration, each: &mut dyn FnMut(Event)) -> Result<Life, EngineError> {
        // Asked before looking: who ends afterwards is told in the next round.
        let living = self.kernel.living();
        if self.idle && living > 0 {
            self.kernel.wait(at_most);
        }
        let (begun, told_lost) = (&mut self.begun, &mut self.told_lost);
        let count = self.kernel.drain(MOST_AT_ONCE, |event| {
            if event.head.lost > *told_lost {
                each(Event::Lost(event.head.lost - *told_lost));
                *told_lost = event.head.lost;
            }
            if let Some(event) = begun.take(&event) {
                each(event);
            }
        });
        self.idle = count < MOST_AT_ONCE;
        let over = self.idle && living == 0;
        if over {
            let lost = self.lost();
            if lost > self.told_lost {
                each(Event::Lost(lost - self.told_lost));
                self.told_lost = lost;
            }
        }
        Ok(if over { Life::Over } else { Life::Goes })
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), EngineError> {
        self.kernel.filter(&syscalls::Filter {
            numbers: *filter.numbers(),
            others: filter.contains(u32::MAX),
            failed: filter.failed,
            least: filter.slower.unwrap_or_default(),
            content: self.content,
            children: self.children,
        })?;
        Ok(())
    }

    fn under_way(&mut self) -> Result<Vec<Call>, EngineError> {
        let (mut calls, begun) = (Vec::new(), &self.begun);
        self.kernel.under_way(|event| {
            if let Happening::UnderWay(call) = event.what {
                let who = Who { thread: event.head.thread, process: event.head.process };
                let pieces = begun.of(&call).map(<[Piece]>::to_vec).unwrap_or_default();
                calls.push(call_of(who, &call, pieces, None));
            }
        })?;
        calls.sort_unstable_by_key(|call| call.thread);
        let content = usize::try_from(self.content).unwrap_or(0);
        Ok(calls.into_iter().map(|call| copy::look(call, content)).collect())
    }

    fn summary(&self) -> Result<Summary, EngineError> {
        let mut summary = Summary::default();
        for (number, tally) in self.kernel.tallies()? {
            summary.insert(number, tally);
        }
        Ok(summary)
    }

    fn lost(&self) -> u64 {
        let lost = self.kernel.lost();
        lost.calls.saturating_add(lost.events)
    }
}

impl Begun {
    /// What an event of the kernel means; nothing for the beginning of a call, which is kept until it is over.
    fn take(&mut self, event: &syscalls::Event<'_>) -> Option<Event> {
        let (who, at) = (Who { thread: event.head.thread, process: event.head.process }, event.head.at);
        Some(match event.what {
            Happening::Entered(call) => {
                if self.0.len() < MOST_BEGUN || self.0.contains_key(&call.thread_before) {
                    self.0.insert(call.thread_before, (call.entered, pieces_of(&call, When::Enter).collect()));
                }
                return None;
            }
            Happening::Returned(call, result) => {
                let pieces = self.end(&call);
                Event::Call(call_of(who, &call, pieces, Some(Return { result, at })))
            }
            Happening::NeverReturned(call) => {
                let pieces = self.end(&call);
                Event::Call(call_of(who, &call, pieces, None))
            }
            Happening::Signalled(number, details) => Event::Signal { who, at, number, details: details.to_vec() },
            Happening::Ended(status) => {
                self.0.remove(&who.thread);
                Event::Ended { who, at, status }
            }
            Happening::Followed(_) => Event::Followed { who, at },
            Happening::Renumbered(before) => Event::Renumbered { who, at, before },
            Happening::UnderWay(_) => return None,
        })
    }

    fn of(&self, call: &syscalls::Call<'_>) -> Option<&[Piece]> {
        self.0.get(&call.thread_before).filter(|(entered, _)| *entered == call.entered).map(|(_, pieces)| &**pieces)
    }

    fn end(&mut self, call: &syscalls::Call<'_>) -> Vec<Piece> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let begun = self.0.remove(&call.thread_before).filter(|(entered, _)| *entered == call.entered);
        begun.map(|(_, pieces)| pieces).unwrap_or_default()
    }
}

fn pieces_of<'a>(call: &syscalls::Call<'a>, when: When) -> impl Iterator<Item = Piece> + use<'a> {
    call.pieces().map(move |(address, bytes)| Piece { address, when, bytes: bytes.to_vec() })
}

fn call_of(who: Who, call: &syscalls::Call<'_>, at_enter: Vec<Piece>, returned: Option<Return>) -> Call {
    let mut memory = Memory::default();
    for piece in at_enter.into_iter().chain(pieces_of(call, When::Exit)) {
        memory.push(piece);
    }
    Call {
        thread: who.thread,
        process: who.process,
        number: if call.foreign { call.number | Call::FOREIGN_TABLE } else { call.number },
        arguments: call.arguments,
        entered: call.entered,
        returned,
        memory,
    }
}

fn capture_of(capture: Capture) -> syscalls::Capture {
    let length = |length| match length {
        Length::Fixed(size) => syscalls::Length::Fixed(size),
        Length::Argument(argument, size) => syscalls::Length::Argument(argument, size),
        Length::Result(size) => syscalls::Length::Result(size),
        Length::Pointed(argument) => syscalls::Length::Pointed(argument),
    };
    let (what, result) = match capture.what {
        What::Text => (syscalls::What::Text, false),
        What::Content(bytes) => (syscalls::What::Content(length(bytes)), false),
        What::Bytes(bytes) => (syscalls::What::Bytes(length(bytes)), false),
        What::Vectors { count, result } => (syscalls::What::Vectors(count), result),
        What::Message { result } => (syscalls::What::Message, result),
        What::Messages { count, result } => (syscalls::What::Messages(count), result),
        What::Texts => (syscalls::What::Texts, false),
    };
    syscalls::Capture { argument: capture.argument, what, result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_has_more_captures_than_the_kernel_program_takes() {
        for number in 0..NUMBERS {
            let count = table::captures(number).len();
            assert!(count <= syscalls::MOST_CAPTURES, "{:?}: {count}", table::name(number));
        }
    }
}
