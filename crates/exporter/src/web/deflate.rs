//! Deflate (RFC 1951) for metrics: one look at each place of the text, and codes that were made beforehand.
//!
//! General compressors search longer, count what they found, and make codes for each answer, which takes as long as all
//! collectors together. What exporters write hardly differs from scrape to scrape: it repeats the line above with other
//! digits.

mod codes;

use codes::{Code, Codes};

/// How far back a repetition may lie.
const WINDOW: usize = 32 << 10;
/// The shortest repetition that is looked for.
const SHORTEST: usize = 4;
/// The longest that the format has.
const LONGEST: usize = 258;
/// Bits of a place in the table of what was seen.
const SLOT_BITS: u32 = 13;

/// Compresses texts one after the other.
#[derive(Debug)]
pub(super) struct Deflate {
    codes: Codes,
    /// Where four bytes that fall on a slot were seen last, modulo 2^32. A wrong place does no harm: bytes are compared.
    seen: Box<[u32]>,
    /// Bits that do not make bytes yet, and how many.
    held: (u64, u32),
}

impl Default for Deflate {
    fn default() -> Self {
        Self { codes: Codes::new(), seen: vec![0; 1 << SLOT_BITS].into(), held: (0, 0) }
    }
}

impl Deflate {
    /// Appends the last block, an empty one. What is compressed next is another text.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        let (held, count) = std::mem::take(&mut self.held);
        let mut bits = Bits { out, held, count };
        bits.put(Codes::LAST);
        bits.finish();
    }

    /// Appends a part of a text, compressed: one block. Repetitions are looked for within the part.
    pub(super) fn compress(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let Self { codes, seen, held: (held, count) } = self;
        // The same text gives the same bytes, whatever came before.
        seen.fill(0);
        let mut bits = Bits { out, held: *held, count: *count };
        Codes::describe(|code| bits.put(code));
        let mut at = 0;
        while let Some(head) = word(text, at) {
            let before = look(seen, head, at);
            let length = before.map_or(0, |before| common(text, before, at));
            match before {
                Some(before) if length >= SHORTEST => {
                    bits.put(codes.length(length));
                    bits.put(codes.distance(at - before));
                    // Of the places within, two are enough: a repetition mostly goes on behind another one.
                    let end = at + length;
                    for inner in [at + 1, end - 2] {
                        if let Some(head) = word(text, inner) {
                            look(seen, head, inner);
                        }
                    }
                    at = end;
                }
                _ => {
                    let [first, ..] = head;
                    bits.put(codes.literal(first));
                    at += 1;
                }
            }
        }
        for byte in text.get(at..).unwrap_or_default() {
            bits.put(codes.literal(*byte));
        }
        bits.put(codes.end());
        (*held, *count) = (bits.held, bits.count);
    }
}

/// The four bytes at a place.
fn word(text: &[u8], at: usize) -> Option<[u8; SHORTEST]> {
    text.get(at..).and_then(|rest| rest.first_chunk()).copied()
}

/// Where these bytes may have been seen last, no further back than the window; from now on they were seen here.
#[expect(clippy::cast_possible_truncation, reason = "places are compared modulo 2^32, and the bytes there as well")]
fn look(seen: &mut [u32], head: [u8; SHORTEST], at: usize) -> Option<usize> {
    // 2^32 divided by the golden ratio: Knuth's multiplicative hash.
    let slot = u32::from_le_bytes(head).wrapping_mul(0x9e37_79b1) >> (u32::BITS - SLOT_BITS);
    let last = std::mem::replace(seen.get_mut(slot as usize)?, at as u32);
    let distance = (at as u32).wrapping_sub(last) as usize;
    if distance == 0 || distance > WINDOW { None } else { at.checked_sub(distance) }
}

/// How many bytes from two places on are the same, at most [`LONGEST`].
fn common(text: &[u8], before: usize, at: usize) -> usize {
    let most = LONGEST.min(text.len() - at);
    let (Some(one), Some(other)) = (text.get(before..before + most), text.get(at..at + most)) else { return 0 };
    let (ones, one_rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    for (number, (one, other)) in ones.iter().zip(others).enumerate() {
        let difference = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if difference != 0 {
            return number * 8 + difference.trailing_zeros() as usize / 8;
        }
    }
    ones.len() * 8 + one_rest.iter().zip(other_rest).take_while(|(one, other)| one == other).count()
}

/// Writes bits, the lowest first.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is written, the upper half kept")]
    fn put(&mut self, code: Code) {
        // Fewer than 32 are held and a code has fewer than 32.
        self.held |= u64::from(code.bits) << self.count;
        self.count += u32::from(code.count);
        if self.count >= u32::BITS {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= u32::BITS;
            self.count -= u32::BITS;
        }
    }

    fn finish(self) {
        let bytes = self.held.to_le_bytes();
        let count = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(bytes.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "bytes of which only the lower half is wanted")]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn check(deflate: &mut Deflate, text: &[u8]) -> usize {
        let mut small = Vec::new();
        let (one, other) = text.split_at(text.len() / 3);
        deflate.compress(one, &mut small);
        deflate.compress(other, &mut small);
        deflate.finish(&mut small);
        let mut back = Vec::new();
        flate2::read::DeflateDecoder::new(&*small).read_to_end(&mut back).unwrap();
        assert!(back == text, "{} bytes do not read as they were", text.len());
        small.len()
    }

    #[test]
    fn every_length_and_every_power_of_two_of_distance_reads_as_it_was() {
        let mut deflate = Deflate::default();
        for length in 0..600 {
            // Twice the same, with nothing else that repeats in between.
            let part: Vec<u8> = (0..length).map(|number| (number * 7 + number / 256) as u8).collect();
            check(&mut deflate, &[&part[..], b"\0\xff\0", &part[..]].concat());
            check(&mut deflate, &vec![b'x'; length]);
        }
        for distance in (0..17).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]) {
            let mut random = 1_u32;
            let noise = std::iter::repeat_with(|| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 24) as u8
            });
            let part: Vec<u8> = noise.take(distance).collect();
            let head = part.get(..40).unwrap_or(&part);
            check(&mut deflate, &[&part[..], head].concat());
        }
    }

    #[test]
    fn metrics_become_a_sixth_and_noise_less_than_twice_as_much() {
        let mut deflate = Deflate::default();
        let line = |number: u32| {
            let (device, value) = (number % 50, number.wrapping_mul(2_654_435_761) >> 8);
            format!("node_network_receive_bytes_total{{device=\"veth{device}\"}} {value}\n")
        };
        let text: String = (0..2000).map(line).collect();
        let small = check(&mut deflate, text.as_bytes());
        assert!(small * 6 < text.len(), "{small} of {} bytes", text.len());
        let noise: Vec<u8> = (0..20_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(check(&mut deflate, &noise) < 2 * noise.len());
    }

    proptest! {
        #[test]
        fn whatever_is_compressed_reads_as_it_was(
            texts in proptest::collection::vec(proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'a'), Just(b'"')], 0..5000), 1..4),
        ) {
            let mut deflate = Deflate::default();
            for text in &texts {
                check(&mut deflate, text);
                check(&mut deflate, &text.repeat(3));
            }
        }
    }
}
