//! The engine that never stops anybody: programs in the kernel tell what threads do.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use procyon_bpf::Kernel;
use procyon_bpf::syscalls::{self, Happening, MOST_CONTENT, Mode, NUMBERS, Syscalls};

use super::{Engine, EngineError, Life, Lost, Plan};
use crate::call::{Call, Return};
use crate::capture::{Capture, When};
use crate::event::{Child, Event, Who};
use crate::filter::Filter;
use crate::memory::{Memory, Piece};
use crate::summary::Summary;
use crate::table;
use crate::target;

/// Most events that are handed on at once, so that the caller can look at its own business in between.
const MOST_AT_ONCE: usize = 4096;
/// Threads whose calls have begun, with memory that was copied then, and are not over. More are told without that memory.
const MOST_BEGUN: usize = 1 << 16;
/// Bytes that are kept of them, which is some hundred for each.
const MOST_BEGUN_BYTES: usize = 16 << 20;

/// Programs in the kernel that tell the calls of some threads.
#[derive(Debug)]
pub struct Ebpf {
    kernel: Syscalls,
    filter: Filter,
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
struct Begun {
    calls: HashMap<u32, (u64, Vec<Piece>)>,
    /// How much of memory they take.
    bytes: usize,
}

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
            filter: plan.filter.clone(),
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
                let captures = captures.iter().filter(|capture| capture.when == when);
                captures.map(|&Capture { argument, what, .. }| syscalls::Capture { argument, what }).collect()
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
            let lost = self.lost().records();
            if lost > self.told_lost {
                each(Event::Lost(lost - self.told_lost));
                self.told_lost = lost;
            }
        }
        Ok(if over { Life::Over } else { Life::Goes })
    }

    fn told(&self) -> &Filter {
        &self.filter
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
        self.filter = filter.clone();
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
        Ok(calls)
    }

    fn summary(&self) -> Result<Summary, EngineError> {
        let mut summary = Summary::default();
        for (number, tally) in self.kernel.tallies()? {
            summary.insert(number, tally);
        }
        Ok(summary)
    }

    fn lost(&self) -> Lost {
        let syscalls::Lost { calls, events, threads } = self.kernel.lost();
        Lost { calls, events, threads }
    }

    fn stopped(&self) -> Option<f64> {
        None
    }
}

impl Begun {
    /// What an event of the kernel means; nothing for the beginning of a call, which is kept until it is over.
    fn take(&mut self, event: &syscalls::Event<'_>) -> Option<Event> {
        let (who, at) = (Who { thread: event.head.thread, process: event.head.process }, event.head.at);
        Some(match event.what {
            Happening::Entered(call) => {
                self.keep(call.thread_before, call.entered, pieces_of(&call, When::Enter).collect());
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
                self.remove(who.thread);
                Event::Ended { who, at, status }
            }
            Happening::Followed(parent) => {
                Event::Followed { who: Child { thread: who.thread, process: who.process, parent }, at }
            }
            Happening::Renumbered(before) => Event::Renumbered { who, at, before },
            Happening::UnderWay(_) => return None,
        })
    }

    fn of(&self, call: &syscalls::Call<'_>) -> Option<&[Piece]> {
        self.calls.get(&call.thread_before).filter(|(entered, _)| *entered == call.entered).map(|(_, pieces)| &**pieces)
    }

    /// Keeps what was copied, in the place of what was kept of the thread; nothing where there is too much already.
    fn keep(&mut self, thread: u32, entered: u64, pieces: Vec<Piece>) {
        self.remove(thread);
        let bytes = self.bytes + size_of_all(&pieces);
        if self.calls.len() < MOST_BEGUN && bytes <= MOST_BEGUN_BYTES {
            self.bytes = bytes;
            self.calls.insert(thread, (entered, pieces));
        }
    }

    fn remove(&mut self, thread: u32) -> Option<(u64, Vec<Piece>)> {
        let (entered, pieces) = self.calls.remove(&thread)?;
        self.bytes = self.bytes.saturating_sub(size_of_all(&pieces));
        Some((entered, pieces))
    }

    fn end(&mut self, call: &syscalls::Call<'_>) -> Vec<Piece> {
        if self.calls.is_empty() {
            return Vec::new();
        }
        let begun = self.remove(call.thread_before).filter(|(entered, _)| *entered == call.entered);
        begun.map(|(_, pieces)| pieces).unwrap_or_default()
    }
}

/// Bytes of memory that pieces take.
fn size_of_all(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| size_of::<Piece>() + piece.bytes.len()).sum()
}

fn pieces_of<'a>(call: &syscalls::Call<'a>, when: When) -> impl Iterator<Item = Piece> + use<'a> {
    call.pieces().map(move |(address, bytes)| Piece { address, when, bytes: bytes.to_vec() })
}

fn call_of(who: Who, call: &syscalls::Call<'_>, at_enter: Vec<Piece>, returned: Option<Return>) -> Call {
    let mut memory = Memory::default();
    // The kernel did nothing to the memory of a call that it never saw.
    let unchanged = call.answered.then(|| pieces_of(call, When::Enter)).into_iter().flatten();
    for piece in at_enter.into_iter().chain(unchanged).chain(pieces_of(call, When::Exit)) {
        memory.push(piece);
    }
    Call {
        thread: who.thread,
        process: who.process,
        number: if call.foreign { call.number | Call::FOREIGN_TABLE } else { call.number },
        arguments: call.arguments,
        entered: if call.began_before || call.answered { 0 } else { call.entered },
        returned,
        memory,
    }
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

    fn piece(length: usize) -> Vec<Piece> {
        vec![Piece { address: 1, when: When::Enter, bytes: vec![0; length] }]
    }

    #[test]
    fn what_is_kept_of_calls_that_have_begun_is_limited_in_bytes() {
        let mut begun = Begun::default();
        for thread in 0..2000 {
            begun.keep(thread, 5, piece(24 << 10));
        }
        let kept = begun.calls.len();
        assert!(kept > 600 && begun.bytes <= MOST_BEGUN_BYTES && begun.bytes > MOST_BEGUN_BYTES - (25 << 10), "{kept}");
        // What is over or begins anew makes room.
        begun.keep(0, 6, piece(10));
        assert_eq!(begun.calls.len(), kept);
        begun.keep(5000, 7, piece(20 << 10));
        assert!(begun.calls.contains_key(&5000));
        for thread in 0..=5000 {
            begun.remove(thread);
        }
        assert_eq!((begun.bytes, begun.calls.len()), (0, 0));
    }
}
