//! What `c/syscalls.bpf.c` tells: the same layouts, taken from bytes.

use crate::fields::Fields;

/// Arguments of a system call.
pub(super) const ARGUMENTS: usize = 6;
/// Beginning of `siginfo_t` that comes with a signal.
const DETAILS: usize = 48;
/// `struct piece` before its bytes.
const PIECE: usize = 16;
/// `struct call`.
pub(super) const CALL: usize = 112;

mod kind {
    pub(super) const ENTERED: u32 = 1;
    pub(super) const RETURNED: u32 = 2;
    pub(super) const NEVER_RETURNED: u32 = 3;
    pub(super) const SIGNALLED: u32 = 4;
    pub(super) const ENDED: u32 = 5;
    pub(super) const FOLLOWED: u32 = 6;
    pub(super) const RENUMBERED: u32 = 7;
    pub(super) const UNDER_WAY: u32 = 8;
}

const BEGAN_BEFORE: u32 = 1;
const CUT: u32 = 2;
const ANSWERED: u32 = 4;
/// Set in the number of a call of a 32-bit program.
const FOREIGN_TABLE: u32 = 0x8000_0000;

/// Who did it, when, and what was lost before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The thread, as numbered in the reader's pid namespace; 0 where it has no number there.
    pub thread: u32,
    /// Its process, likewise.
    pub process: u32,
    /// When, ns since boot without sleep.
    pub at: u64,
    /// Records lost so far, since the program was loaded.
    pub lost: u64,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Who and when.
    pub head: Head,
    /// What.
    pub what: What<'a>,
}

/// What a followed thread did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// It began a call whose memory is taken before the kernel does anything. Calls without such memory are told when they return.
    Entered(Call<'a>),
    /// A call returned with this result.
    Returned(Call<'a>, i64),
    /// The thread ends in a call.
    NeverReturned(Call<'a>),
    /// The call is under way.
    UnderWay(Call<'a>),
    /// A signal was delivered: its number and the beginning of its `siginfo_t`.
    Signalled(u32, &'a [u8]),
    /// It ended, with a status as `wait(2)` tells it.
    Ended(u32),
    /// It was made by a thread of this process and is followed from now on.
    Followed(u32),
    /// It runs another program and took over the number of its process's first thread; before it had this one.
    Renumbered(u32),
}

/// A system call.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own in the record")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Its number, by the table of `foreign` programs or of others.
    pub number: u32,
    /// Whether a 32-bit program made it by its own table.
    pub foreign: bool,
    /// Its arguments.
    pub arguments: [u64; ARGUMENTS],
    /// When it began; or when watching did, for one that `began_before`. Nothing true for one that was `answered`.
    pub entered: u64,
    /// Whether it was already under way when watching began.
    pub began_before: bool,
    /// Whether a filter (seccomp) or a tracer answered it in the place of the kernel. Its memory, all of which is copied when
    /// it comes back, is then the same at both ends.
    pub answered: bool,
    /// Whether there was no room for all of its memory.
    pub cut: bool,
    /// The number of its thread when it began: another one than now after an `execve` of a thread that was not the first one.
    pub thread_before: u32,
    pieces: &'a [u8],
}

impl<'a> Call<'a> {
    /// The pieces of memory: address and bytes of each.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let mut rest = self.pieces;
        std::iter::from_fn(move || {
            let (head, more) = rest.split_at_checked(PIECE)?;
            let mut fields = Fields::new(head);
            let (address, length) = (fields.u64(), usize::try_from(fields.u32()).ok()?);
            let bytes = more.get(..length)?;
            rest = more.get(length.next_multiple_of(8)..).unwrap_or_default();
            Some((address, bytes))
        })
    }
}

impl<'a> Event<'a> {
    /// Reads one event; none when it is not understood.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let size = usize::try_from(fields.u32()).ok()?;
        // Whole in any case; the ring pads what it holds.
        let mut fields = Fields::new(bytes.get(4..size)?);
        let kind = fields.u32();
        let head = Head { thread: fields.u32(), process: fields.u32(), at: fields.u64(), lost: fields.u64() };
        let what = match kind {
            kind::ENTERED => What::Entered(call(&mut fields)?.0),
            kind::RETURNED => {
                let (call, result) = call(&mut fields)?;
                What::Returned(call, result)
            }
            kind::NEVER_RETURNED => What::NeverReturned(call(&mut fields)?.0),
            kind::UNDER_WAY => What::UnderWay(call(&mut fields)?.0),
            kind::SIGNALLED => {
                let (signal, _) = (fields.u32(), fields.u32());
                What::Signalled(signal, fields.bytes(DETAILS))
            }
            kind::ENDED => What::Ended(fields.u32()),
            kind::FOLLOWED => What::Followed(fields.u32()),
            kind::RENUMBERED => What::Renumbered(fields.u32()),
            _ => return None,
        };
        Some(Self { head, what })
    }
}

fn call<'a>(fields: &mut Fields<'a>) -> Option<(Call<'a>, i64)> {
    /// `struct call` after its head.
    const REST: usize = CALL - 32;
    if fields.rest().len() < REST {
        return None;
    }
    let arguments = std::array::from_fn(|_| fields.u64());
    let (entered, result) = (fields.u64(), fields.u64().cast_signed());
    let [number, flags, thread_before, _] = std::array::from_fn(|_| fields.u32());
    let call = Call {
        number: number & !FOREIGN_TABLE,
        foreign: number & FOREIGN_TABLE != 0,
        arguments,
        entered,
        began_before: flags & BEGAN_BEFORE != 0,
        answered: flags & ANSWERED != 0,
        cut: flags & CUT != 0,
        thread_before,
        pieces: fields.rest(),
    };
    Some((call, result))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<u8> {
        let mut words: Vec<u64> = vec![u64::from(kind::RETURNED) << 32, 8 << 32 | 7, 100, 2];
        words.extend([1, 2, 3, 4, 5, 6, 90, 3]);
        words.extend([u64::from(CUT) << 32 | 0x101, 7]);
        words.extend([0x1000, 3, u64::from_ne_bytes(*b"abc\0\0\0\0\0"), 0x2000, 1, u64::from_ne_bytes(*b"x.......")]);
        // Two words of the ring's padding.
        words.extend([0, 0]);
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
        let size = u32::try_from(bytes.len() - 16).unwrap();
        bytes[..4].copy_from_slice(&size.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_call_comes_with_its_pieces() {
        let bytes = example();
        let Event { head, what: What::Returned(call, result) } = Event::parse(&bytes).unwrap() else { panic!() };
        assert_eq!(head, Head { thread: 7, process: 8, at: 100, lost: 2 });
        assert_eq!((result, call.number, call.foreign, call.began_before, call.cut), (3, 257, false, false, true));
        assert!(!call.answered);
        assert_eq!((call.arguments, call.entered, call.thread_before), ([1, 2, 3, 4, 5, 6], 90, 7));
        let pieces: Vec<(u64, &[u8])> = call.pieces().collect();
        assert_eq!(pieces, [(0x1000, &b"abc"[..]), (0x2000, &b"x"[..])]);
    }

    #[test]
    fn bytes_that_are_cut_or_unheard_of_give_nothing() {
        assert!(Event::parse(&[]).is_none());
        let bytes = example();
        for end in 0..60 {
            assert!(Event::parse(&bytes[..end]).is_none(), "{end}");
        }
        let mut unheard = bytes;
        unheard[4] = 77;
        assert!(Event::parse(&unheard).is_none());
    }
}
