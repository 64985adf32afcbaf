//! Takes numbers one after the other from a line of the kernel, in one pass.

/// What is left of a text.
pub(crate) struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// The next number; none if there is no digit, if it does not fit or if the text ends within it (it may be cut).
    #[inline]
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        self.blanks();
        let mut value = 0_u64;
        let mut rest = self.rest;
        while let [first, tail @ ..] = rest {
            let digit = first.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
            rest = tail;
        }
        if rest.len() == self.rest.len() || rest.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(value)
    }

    /// The next number, which may be negative.
    #[inline]
    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.blanks();
        if let [b'-', tail @ ..] = self.rest {
            self.rest = tail;
            0_i64.checked_sub_unsigned(self.unsigned()?)
        } else {
            i64::try_from(self.unsigned()?).ok()
        }
    }

    /// The next number, held in 32 bits.
    #[inline]
    pub(crate) fn unsigned32(&mut self) -> Option<u32> {
        u32::try_from(self.unsigned()?).ok()
    }

    /// The next number, which may be negative, held in 32 bits.
    #[inline]
    pub(crate) fn signed32(&mut self) -> Option<i32> {
        i32::try_from(self.signed()?).ok()
    }

    /// Passes over words.
    #[inline]
    pub(crate) fn skip(&mut self, words: u32) {
        for _ in 0..words {
            self.blanks();
            while let [first, tail @ ..] = self.rest
                && !matches!(first, b' ' | b'\t' | b'\n')
            {
                self.rest = tail;
            }
        }
    }

    #[inline]
    fn blanks(&mut self) {
        while let [b' ' | b'\t', tail @ ..] = self.rest {
            self.rest = tail;
        }
    }
}

/// Parts a text at its first line feed; none if there is no line feed, because then the last line may be cut.
#[inline]
pub(crate) fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    // The line keeps its feed: it is the end of the last number in it.
    text.split_at_checked(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_may_be_cut_are_not_taken() {
        let mut scan = Scan::new(b"12 -3 45");
        assert_eq!(scan.unsigned(), Some(12));
        assert_eq!(scan.signed(), Some(-3));
        assert_eq!(scan.unsigned(), None);
        assert_eq!(Scan::new(b"18446744073709551616 ").unsigned(), None);
        assert_eq!(Scan::new(b"-9223372036854775808 ").signed(), Some(i64::MIN));
        assert_eq!(Scan::new(b"x ").unsigned(), None);
    }
}
