//! The codes of the blocks that are written: how many bits each literal, length and distance takes.

/// Bits to write, the first one lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) count: u8,
}

impl Code {
    const fn of(bits: u32, count: u8) -> Self {
        Self { bits, count }
    }

    /// This one and then another.
    const fn then(self, next: Self) -> Self {
        Self { bits: self.bits | next.bits << self.count, count: self.count + next.count }
    }
}

/// Symbols of literals, of the end and of lengths.
const SYMBOLS: usize = 286;
/// The symbol that ends the block.
const END: usize = 256;
/// Symbols of distances.
const DISTANCES: usize = 30;
/// Lengths of repetitions.
const LENGTHS: usize = 259;

/// Bits of each symbol: Huffman's procedure over what this compressor finds in scrapes of hosts and of process groups, with at
/// least a little weight for each symbol, since texts may hold anything. Exactly as many as make a complete code.
const SYMBOL_BITS: [u8; SYMBOLS] = [
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 11, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 6, 12, 8, 11, 11, 11, 11, 11, 11, 11, 11, 11, 8, 9, 7, 9, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 9, 11, 11, 9,
    11, 11, 11, 10, 11, 10, 10, 10, 11, 11, 11, 10, 11, 11, 10, 10, 10, 10, 9, 11, 10, 9, 9, 10, 11, 11, 11, 11, 11,
    11, 11, 11, 11, 7, 11, 6, 8, 7, 7, 5, 8, 8, 8, 6, 11, 9, 7, 7, 6, 6, 7, 11, 6, 6, 6, 7, 8, 8, 9, 8, 11, 10, 11, 10,
    11, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14,
    14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 13, 13, 13, 11, 4, 5, 6, 5, 6, 6, 5, 5, 5, 6, 6, 5, 5, 6, 6, 6, 6,
    6, 4, 5, 5, 8, 10, 11, 11, 11, 11, 11,
];
const DISTANCE_BITS: [u8; DISTANCES] =
    [12, 12, 11, 11, 11, 9, 9, 9, 6, 6, 4, 5, 3, 4, 3, 5, 3, 4, 5, 5, 5, 6, 5, 5, 4, 5, 5, 7, 6, 6];

/// The order in which the format tells how lengths of codes are themselves written.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Lengths of codes are written with so many bits each; the symbols from 16 on, which repeat, are not used.
const PLAIN_BITS: u8 = 4;
const FIRST_REPEAT: u8 = 16;

/// Every code, ready to be written.
#[derive(Debug)]
pub(super) struct Codes {
    literals: [Code; END],
    end: Code,
    /// By length, with the extra bits.
    lengths: Box<[Code; LENGTHS]>,
    distances: [Code; DISTANCES],
}

impl Codes {
    pub(super) fn new() -> Self {
        let symbols = canonical(&SYMBOL_BITS);
        let symbol = |at: usize| symbols.get(at).copied().unwrap_or_default();
        let length = |length: usize| {
            let (number, extra) = length_symbol(length);
            symbol(END + 1 + number).then(extra)
        };
        Self {
            literals: std::array::from_fn(symbol),
            end: symbol(END),
            lengths: Box::new(std::array::from_fn(length)),
            distances: canonical(&DISTANCE_BITS),
        }
    }

    pub(super) fn literal(&self, byte: u8) -> Code {
        self.literals.get(usize::from(byte)).copied().unwrap_or_default()
    }

    pub(super) const fn end(&self) -> Code {
        self.end
    }

    pub(super) fn length(&self, length: usize) -> Code {
        self.lengths.get(length).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn distance(&self, distance: usize) -> Code {
        let (symbol, extra) = distance_symbol(distance);
        self.distances.get(symbol).copied().unwrap_or_default().then(extra)
    }

    /// The last block: with the format's own codes, of which it has the end alone.
    pub(super) const LAST: Code = Code::of(0b00_0000_0011, 10);

    /// Tells the head of a block: the lengths of all codes.
    pub(super) fn describe(mut put: impl FnMut(Code)) {
        // Not the last block, with codes of its own; how many symbols, distances and lengths there are, less the least.
        put(Code::of(0, 1));
        put(Code::of(2, 2));
        put(Code::of(29, 5));
        put(Code::of(29, 5));
        put(Code::of(15, 4));
        for symbol in ORDER {
            put(Code::of(if symbol < FIRST_REPEAT { u32::from(PLAIN_BITS) } else { 0 }, 3));
        }
        for length in SYMBOL_BITS.iter().chain(&DISTANCE_BITS) {
            put(Code::of(reverse(u32::from(*length), PLAIN_BITS), PLAIN_BITS));
        }
    }
}

/// Codes of these many bits each (RFC 1951, 3.2.2): shorter ones first, equal ones in order.
fn canonical<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut next = 0_u32;
    let mut codes = [Code::default(); N];
    for count in 1..=15 {
        for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, length)| **length == count) {
            *code = Code::of(reverse(next, count), count);
            next += 1;
        }
        next <<= 1;
    }
    codes
}

/// Codes are written with their highest bit first.
const fn reverse(code: u32, count: u8) -> u32 {
    code.reverse_bits() >> (u32::BITS - count as u32)
}

/// The symbol of a length, counted from the first one, and its extra bits (RFC 1951, 3.2.5).
fn length_symbol(length: usize) -> (usize, Code) {
    match length.saturating_sub(3) {
        // The longest has a symbol of its own.
        255 => (28, Code::default()),
        more @ 0..8 => (more, Code::default()),
        more => grouped(more, 2),
    }
}

/// The symbol of a distance and its extra bits.
fn distance_symbol(distance: usize) -> (usize, Code) {
    match distance.saturating_sub(1) {
        more @ 0..4 => (more, Code::default()),
        more => grouped(more, 1),
    }
}

/// Between two powers of two are `2^split` symbols.
#[expect(clippy::cast_possible_truncation, reason = "at most 15 bits of numbers below 2^15")]
fn grouped(number: usize, split: u32) -> (usize, Code) {
    let extra = number.ilog2().saturating_sub(split);
    let symbol = ((extra as usize) << split) + (number >> extra);
    (symbol, Code::of((number & ((1 << extra) - 1)) as u32, extra as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_complete() {
        for lengths in [&SYMBOL_BITS[..], &DISTANCE_BITS[..]] {
            let taken: u32 = lengths.iter().map(|length| 1 << (15 - length)).sum();
            assert_eq!(taken, 1 << 15);
            assert!(lengths.iter().all(|length| (1..=15).contains(length)));
        }
    }

    #[test]
    fn symbols_are_those_of_the_table_in_the_rfc() {
        for (length, symbol, extra) in [
            (3, 0, 0),
            (10, 7, 0),
            (11, 8, 1),
            (12, 8, 1),
            (13, 9, 1),
            (114, 22, 4),
            (130, 23, 4),
            (257, 27, 5),
            (258, 28, 0),
        ] {
            let (found, code) = length_symbol(length);
            assert_eq!((found, code.count), (symbol, extra), "length {length}");
        }
        for (distance, symbol, extra) in
            [(1, 0, 0), (4, 3, 0), (5, 4, 1), (7, 5, 1), (192, 14, 6), (193, 15, 6), (24_577, 29, 13), (32_768, 29, 13)]
        {
            let (found, code) = distance_symbol(distance);
            assert_eq!((found, code.count), (symbol, extra), "distance {distance}");
        }
    }
}
