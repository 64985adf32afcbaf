//! The pieces of a thread's memory that came with a call.

use crate::capture::When;

/// A stretch of memory as it was at one end of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it lies in the thread's address space.
    pub address: u64,
    /// At which end of the call it was copied.
    pub when: When,
    /// What was there: shorter than asked for where a limit cut it or where the memory ends.
    pub bytes: Vec<u8>,
}

/// What is known of a thread's memory: a few pieces, in the order in which they were copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    pieces: Vec<Piece>,
}

impl Memory {
    /// Adds a piece.
    pub fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// Every piece.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What is known from `address` on as it was at `when`: all bytes to the end of the piece that holds most from there, or
    /// `None` where no piece reaches it. A caller that needs a structure checks that enough came.
    pub fn at(&self, when: When, address: u64) -> Option<&[u8]> {
        self.pieces
            .iter()
            .filter(|piece| piece.when == when)
            .filter_map(|piece| piece.bytes.get(usize::try_from(address.checked_sub(piece.address)?).ok()?..))
            .filter(|rest| !rest.is_empty())
            .max_by_key(|rest| rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory::default();
        memory.push(Piece { address: 100, when: When::Exit, bytes: b"abcdef".to_vec() });
        memory.push(Piece { address: 104, when: When::Exit, bytes: b"efghij".to_vec() });
        memory.push(Piece { address: 100, when: When::Enter, bytes: b"ABC".to_vec() });
        memory
    }

    #[test]
    fn the_piece_that_knows_most_answers() {
        assert_eq!(memory().at(When::Exit, 102), Some(&b"cdef"[..]));
        assert_eq!(memory().at(When::Exit, 104), Some(&b"efghij"[..]));
        assert_eq!(memory().at(When::Enter, 100), Some(&b"ABC"[..]));
    }

    #[test]
    fn outside_of_every_piece_nothing_is_known() {
        assert_eq!(memory().at(When::Enter, 103), None);
        assert_eq!(memory().at(When::Exit, 99), None);
        assert_eq!(memory().at(When::Exit, 110), None);
    }
}
