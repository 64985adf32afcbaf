//! Packets of NTP (RFC 5905, 7.3).

/// Time since 1970, or a length of time.
pub(super) type Nanoseconds = i64;

const SECOND: Nanoseconds = 1_000_000_000;
/// Seconds from 1900, where NTP begins, to 1970.
const EPOCH: i64 = 2_208_988_800;
/// Length of a packet without what may follow it.
const LENGTH: usize = 48;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// The longest that a server goes without news of its own, 2^17 s, and the most that it may be away from the root.
const FRESH: Nanoseconds = (1 << 17) * SECOND;
const DISPERSION: Nanoseconds = 16 * SECOND;

/// A point in time as a packet has it: seconds and 2^32nds of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp(u64);

impl Timestamp {
    pub(super) fn of(time: Nanoseconds) -> Self {
        let seconds = time.div_euclid(SECOND).wrapping_add(EPOCH).cast_unsigned();
        let fraction = (time.rem_euclid(SECOND).cast_unsigned() << 32) / SECOND.cast_unsigned();
        Self(seconds << 32 | fraction)
    }

    /// None where it is not set. Times whose first bit is not set belong to the era that begins in 2036.
    fn time(self) -> Option<Nanoseconds> {
        if self.0 == 0 {
            return None;
        }
        let era = if self.0 >> 63 == 0 { 1_i64 << 32 } else { 0 };
        let seconds = (self.0 >> 32).cast_signed() + era - EPOCH;
        let fraction = ((self.0 & 0xffff_ffff) * SECOND.cast_unsigned()) >> 32;
        Some(seconds * SECOND + fraction.cast_signed())
    }
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// 1 and 2 announce a leap second, 3 is not synchronized.
    pub(super) leap: u8,
    /// How many servers there are between it and a clock.
    pub(super) stratum: u8,
    /// Round trip to that clock.
    pub(super) root_delay: Nanoseconds,
    /// How far it may be wrong beside that.
    pub(super) root_dispersion: Nanoseconds,
    /// When its clock was last set.
    pub(super) reference: Option<Nanoseconds>,
    /// When the question came.
    pub(super) received: Nanoseconds,
    /// When the answer went.
    pub(super) sent: Nanoseconds,
}

/// What an answer may be wrong with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AnswerError {
    /// Shorter than a packet, or not from a server.
    #[error("it is no answer of an NTP server")]
    Odd,
    /// Not to this question.
    #[error("it answers another question")]
    Stray,
    /// It went before it came, or at no time.
    #[error("its times make no sense")]
    Times,
}

/// A question, marked with when it goes.
pub(super) fn question(version: u8, sent: Timestamp) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let [first, ..] = &mut bytes;
    *first = version << 3 | CLIENT;
    if let Some(place) = bytes.last_chunk_mut() {
        *place = sent.0.to_be_bytes();
    }
    bytes
}

/// The answer to the question of that time.
pub(super) fn parse(bytes: &[u8], question: Timestamp) -> Result<Answer, AnswerError> {
    let packet: &[u8; LENGTH] = bytes.first_chunk().ok_or(AnswerError::Odd)?;
    let [first, stratum, ..] = *packet;
    if first & 7 != SERVER {
        return Err(AnswerError::Odd);
    }
    let long = |at: usize| {
        let chunk = packet.get(at..).and_then(|rest| rest.first_chunk());
        Timestamp(chunk.map_or(0, |chunk| u64::from_be_bytes(*chunk)))
    };
    // Seconds and 2^16ths of them.
    let short = |at: usize| {
        let chunk = packet.get(at..).and_then(|rest| rest.first_chunk());
        let word = chunk.map_or(0, |chunk| u32::from_be_bytes(*chunk));
        (i64::from(word) * SECOND) >> 16
    };
    if long(24) != question {
        return Err(AnswerError::Stray);
    }
    let (received, sent) = long(32).time().zip(long(40).time()).ok_or(AnswerError::Times)?;
    if received > sent {
        return Err(AnswerError::Times);
    }
    Ok(Answer {
        leap: first >> 6,
        stratum,
        root_delay: short(4),
        root_dispersion: short(8),
        reference: long(16).time(),
        received,
        sent,
    })
}

impl Answer {
    /// Whether a second is put in or left out at the end of the day.
    pub(super) const fn announces_leap(&self) -> bool {
        matches!(self.leap, 1 | 2)
    }

    /// Whether the server itself has the time from somewhere, of late.
    pub(super) fn is_synchronized(&self) -> bool {
        let is_fresh = self.reference.is_some_and(|time| (0..=FRESH).contains(&self.sent.saturating_sub(time)));
        let is_near = self.root_delay / 2 + self.root_dispersion <= DISPERSION;
        (1..16).contains(&self.stratum) && self.leap != 3 && is_fresh && is_near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back_also_beyond_2036() {
        for time in [1_800_000_000 * SECOND + 250_000_000, 2_500_000_000 * SECOND, 0] {
            assert_eq!(Timestamp::of(time).time(), Some(time));
        }
        assert_eq!(Timestamp(0).time(), None);
        assert_eq!(Timestamp(0x8000_0000 << 32).time(), Some((0x8000_0000 - EPOCH) * SECOND));
    }

    #[test]
    fn only_an_answer_to_the_question_is_one() {
        let (asked, now) = (Timestamp::of(5 * SECOND), Timestamp::of(1_800_000_000 * SECOND));
        let mut bytes = question(4, asked);
        assert_eq!(bytes[0], 0x23);
        assert_eq!(parse(&bytes, asked), Err(AnswerError::Odd), "our own question");
        bytes[0] = 0x64;
        bytes[1] = 2;
        bytes[4..8].copy_from_slice(&[0, 1, 0x80, 0]);
        assert_eq!(parse(&bytes, asked), Err(AnswerError::Stray));
        bytes[24..32].copy_from_slice(&asked.0.to_be_bytes());
        assert_eq!(parse(&bytes, asked), Err(AnswerError::Times), "it came at no time");
        bytes[32..40].copy_from_slice(&now.0.to_be_bytes());
        bytes[40..48].copy_from_slice(&now.0.to_be_bytes());
        let answer = parse(&bytes, asked).unwrap();
        assert_eq!((answer.leap, answer.stratum, answer.root_delay), (1, 2, 3 * SECOND / 2));
        assert_eq!((answer.reference, answer.sent), (None, 1_800_000_000 * SECOND));
        bytes[39] = 9;
        assert_eq!(parse(&bytes, asked), Err(AnswerError::Times), "it went before it came");
        assert_eq!(parse(&bytes[..47], asked), Err(AnswerError::Odd));
    }
}
