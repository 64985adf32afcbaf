//! What the process that traces and the one that asked for it say to each other: frames of a length and so many bytes.

use crate::call::{Call, Return};
use crate::capture::When;
use crate::event::{Child, Event, Who};
use crate::memory::{Memory, Piece};

/// Longest frame: more than a call with all of its memory can have.
const LONGEST: usize = 4 << 20;

/// What the tracer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Begin. Comes first, and once.
    Follow {
        /// Who asks: when it ends, so does the tracer.
        parent: u32,
        /// Whether processes that are made by followed ones are followed.
        children: bool,
        /// Bytes of content that are told.
        content: usize,
        /// Whether memory is copied at all.
        copying: bool,
        /// A bit for the number of each call that is told.
        numbers: [u64; 8],
        /// Whether other calls are.
        others: bool,
        /// Processes and threads.
        targets: Vec<u32>,
    },
    /// Tell other calls from now on.
    Filter {
        /// As above.
        numbers: [u64; 8],
        /// As above.
        others: bool,
    },
}

/// What the tracer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// These threads are followed.
    Ready(Vec<Who>),
    /// A process could not be, and none is.
    Refused {
        /// Which one.
        process: u32,
        /// The kernel's error number.
        error: i32,
    },
    /// Something happened.
    Event(Event),
    /// An order is obeyed from now on.
    Obeyed,
    /// All have ended.
    Over,
}

mod kind {
    pub(super) const FOLLOW: u8 = 1;
    pub(super) const FILTER: u8 = 2;
    pub(super) const READY: u8 = 3;
    pub(super) const REFUSED: u8 = 4;
    pub(super) const CALL: u8 = 5;
    pub(super) const SIGNAL: u8 = 6;
    pub(super) const ENDED: u8 = 7;
    pub(super) const FOLLOWED: u8 = 8;
    pub(super) const RENUMBERED: u8 = 9;
    pub(super) const LOST: u8 = 10;
    pub(super) const OVER: u8 = 11;
    pub(super) const OBEYED: u8 = 12;
}

impl Order {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Follow { parent, children, content, copying, numbers, others, targets } => {
                let mut frame = Frame::new(kind::FOLLOW);
                frame.u32(*parent).flag(*children).u64(*content as u64).flag(*copying).numbers(numbers).flag(*others);
                frame.list(targets, |frame, target| {
                    frame.u32(*target);
                });
                frame.end()
            }
            Self::Filter { numbers, others } => {
                let mut frame = Frame::new(kind::FILTER);
                frame.numbers(numbers).flag(*others);
                frame.end()
            }
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        match fields.u8()? {
            kind::FOLLOW => Some(Self::Follow {
                parent: fields.u32()?,
                children: fields.flag()?,
                content: usize::try_from(fields.u64()?).ok()?,
                copying: fields.flag()?,
                numbers: fields.numbers()?,
                others: fields.flag()?,
                targets: fields.list(Fields::u32)?,
            }),
            kind::FILTER => Some(Self::Filter { numbers: fields.numbers()?, others: fields.flag()? }),
            _ => None,
        }
    }
}

impl Answer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut frame = match self {
            Self::Ready(followed) => {
                let mut frame = Frame::new(kind::READY);
                frame.list(followed, |frame, who| {
                    frame.who(*who);
                });
                frame
            }
            Self::Refused { process, error } => {
                let mut frame = Frame::new(kind::REFUSED);
                frame.u32(*process).u32(error.cast_unsigned());
                frame
            }
            Self::Event(event) => event_frame(event),
            Self::Obeyed => Frame::new(kind::OBEYED),
            Self::Over => Frame::new(kind::OVER),
        };
        frame.end()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let event = match fields.u8()? {
            kind::READY => return Some(Self::Ready(fields.list(Fields::who)?)),
            kind::REFUSED => {
                return Some(Self::Refused { process: fields.u32()?, error: fields.u32()?.cast_signed() });
            }
            kind::OBEYED => return Some(Self::Obeyed),
            kind::OVER => return Some(Self::Over),
            kind::CALL => Event::Call(call(&mut fields)?),
            kind::SIGNAL => Event::Signal {
                who: fields.who()?,
                at: fields.u64()?,
                number: fields.u32()?,
                details: fields.bytes()?.to_vec(),
            },
            kind::ENDED => Event::Ended { who: fields.who()?, at: fields.u64()?, status: fields.u32()? },
            kind::FOLLOWED => Event::Followed {
                who: Child { thread: fields.u32()?, process: fields.u32()?, parent: fields.u32()? },
                at: fields.u64()?,
            },
            kind::RENUMBERED => Event::Renumbered { who: fields.who()?, at: fields.u64()?, before: fields.u32()? },
            kind::LOST => Event::Lost(fields.u64()?),
            _ => return None,
        };
        Some(Self::Event(event))
    }
}

fn event_frame(event: &Event) -> Frame {
    match event {
        Event::Call(call) => {
            let mut frame = Frame::new(kind::CALL);
            frame.who(Who { thread: call.thread, process: call.process }).u32(call.number).u64(call.entered);
            for argument in call.arguments {
                frame.u64(argument);
            }
            frame.flag(call.returned.is_some());
            let returned = call.returned.unwrap_or(Return { result: 0, at: 0 });
            frame.u64(returned.result.cast_unsigned()).u64(returned.at);
            frame.list(call.memory.pieces(), |frame, piece| {
                frame.u64(piece.address).flag(piece.when == When::Enter).bytes(&piece.bytes);
            });
            frame
        }
        Event::Signal { who, at, number, details } => {
            let mut frame = Frame::new(kind::SIGNAL);
            frame.who(*who).u64(*at).u32(*number).bytes(details);
            frame
        }
        Event::Ended { who, at, status } => {
            let mut frame = Frame::new(kind::ENDED);
            frame.who(*who).u64(*at).u32(*status);
            frame
        }
        Event::Followed { who, at } => {
            let mut frame = Frame::new(kind::FOLLOWED);
            frame.who(who.who()).u32(who.parent).u64(*at);
            frame
        }
        Event::Renumbered { who, at, before } => {
            let mut frame = Frame::new(kind::RENUMBERED);
            frame.who(*who).u64(*at).u32(*before);
            frame
        }
        Event::Lost(count) => {
            let mut frame = Frame::new(kind::LOST);
            frame.u64(*count);
            frame
        }
    }
}

fn call(fields: &mut Fields<'_>) -> Option<Call> {
    let who = fields.who()?;
    let (number, entered) = (fields.u32()?, fields.u64()?);
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = fields.u64()?;
    }
    let has_returned = fields.flag()?;
    let returned = Return { result: fields.u64()?.cast_signed(), at: fields.u64()? };
    let pieces = fields.list(|fields| {
        let (address, at_enter) = (fields.u64()?, fields.flag()?);
        let when = if at_enter { When::Enter } else { When::Exit };
        Some(Piece { address, when, bytes: fields.bytes()?.to_vec() })
    })?;
    let mut memory = Memory::default();
    for piece in pieces {
        memory.push(piece);
    }
    let returned = has_returned.then_some(returned);
    Some(Call { thread: who.thread, process: who.process, number, arguments, entered, returned, memory })
}

/// A frame that is being written.
struct Frame(Vec<u8>);

impl Frame {
    fn new(kind: u8) -> Self {
        Self(vec![0, 0, 0, 0, kind])
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn flag(&mut self, value: bool) -> &mut Self {
        self.0.push(value.into());
        self
    }

    fn who(&mut self, who: Who) -> &mut Self {
        self.u32(who.thread).u32(who.process)
    }

    fn numbers(&mut self, numbers: &[u64; 8]) -> &mut Self {
        numbers.iter().fold(self, |frame, word| frame.u64(*word))
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(0));
        self.0.extend(bytes);
        self
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.u32(u32::try_from(items.len()).unwrap_or(0));
        for item in items {
            write(self, item);
        }
    }

    fn end(&mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 4).unwrap_or(0).to_ne_bytes();
        if let Some(place) = self.0.first_chunk_mut() {
            *place = length;
        }
        std::mem::take(&mut self.0)
    }
}

/// A frame that is being read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn flag(&mut self) -> Option<bool> {
        self.u8().map(|byte| byte != 0)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_ne_bytes(*self.take(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_ne_bytes(*self.take(8)?.first_chunk()?))
    }

    fn who(&mut self) -> Option<Who> {
        Some(Who { thread: self.u32()?, process: self.u32()? })
    }

    fn numbers(&mut self) -> Option<[u64; 8]> {
        let mut numbers = [0; 8];
        for word in &mut numbers {
            *word = self.u64()?;
        }
        Some(numbers)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        // Grown as items are found: a wrong number costs nothing.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Some(items)
    }
}

/// Bytes that have come, of which whole frames are taken.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
}

impl Inbox {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend(bytes);
    }

    /// The next answer; `Ok(None)` until more has come.
    pub(super) fn take(&mut self) -> Result<Option<Answer>, &'static str> {
        self.frame()?.map(|frame| Answer::parse(frame).ok_or("it says what nobody understands")).transpose()
    }

    /// The next order, likewise.
    pub(super) fn take_order(&mut self) -> Result<Option<Order>, &'static str> {
        self.frame()?.map(|frame| Order::parse(frame).ok_or("an order that nobody understands")).transpose()
    }

    fn frame(&mut self) -> Result<Option<&[u8]>, &'static str> {
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let length = usize::try_from(u32::from_ne_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err("a frame that is too long");
        }
        let frame = rest.get(..length);
        if frame.is_some() {
            self.taken += 4 + length;
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Vec<Answer> {
        let who = Who { thread: 7, process: 6 };
        let mut memory = Memory::default();
        memory.push(Piece { address: 1 << 40, when: When::Enter, bytes: b"abc".to_vec() });
        memory.push(Piece { address: 5, when: When::Exit, bytes: Vec::new() });
        let returned = Some(Return { result: -2, at: 99 });
        let call = Call {
            thread: 7,
            process: 6,
            number: 257,
            arguments: [1, 2, 3, 4, 5, u64::MAX],
            entered: 9,
            returned,
            memory,
        };
        vec![
            Answer::Ready(vec![who, Who::default()]),
            Answer::Refused { process: 3, error: 1 },
            Answer::Event(Event::Call(call)),
            Answer::Event(Event::Call(Call::default())),
            Answer::Event(Event::Signal { who, at: 3, number: 17, details: vec![1, 2] }),
            Answer::Event(Event::Ended { who, at: 4, status: 256 }),
            Answer::Event(Event::Followed { who: Child { thread: 9, process: 9, parent: 6 }, at: 4 }),
            Answer::Event(Event::Renumbered { who, at: 4, before: 9 }),
            Answer::Event(Event::Lost(3)),
            Answer::Obeyed,
            Answer::Over,
        ]
    }

    #[test]
    fn what_is_said_is_understood_however_it_is_cut() {
        let bytes: Vec<u8> = answers().iter().flat_map(Answer::to_bytes).collect();
        for size in [1, 3, 50, bytes.len()] {
            let (mut inbox, mut got) = (Inbox::default(), Vec::new());
            for part in bytes.chunks(size) {
                inbox.put(part);
                while let Some(answer) = inbox.take().unwrap() {
                    got.push(answer);
                }
            }
            assert_eq!(got, answers());
        }
    }

    #[test]
    fn orders_are_understood() {
        let follow = Order::Follow {
            parent: 5,
            children: true,
            content: 32,
            copying: false,
            numbers: [1, 2, 3, 4, 5, 6, 7, 8],
            others: true,
            targets: vec![4, 3],
        };
        for order in [follow, Order::Filter { numbers: [0; 8], others: false }] {
            let mut inbox = Inbox::default();
            inbox.put(&order.to_bytes());
            assert_eq!(inbox.take_order(), Ok(Some(order)));
        }
    }

    #[test]
    fn nonsense_is_refused_without_a_panic() {
        let mut inbox = Inbox::default();
        inbox.put(&[255, 255, 255, 255, 1]);
        assert!(inbox.take().is_err());
        for answer in answers() {
            let bytes = answer.to_bytes();
            for end in 4..bytes.len() {
                let mut cut = bytes[..end].to_vec();
                let length = u32::try_from(end - 4).unwrap();
                cut[..4].copy_from_slice(&length.to_ne_bytes());
                let mut inbox = Inbox::default();
                inbox.put(&cut);
                assert!(inbox.take().is_err(), "{answer:?} {end}");
            }
        }
    }
}
