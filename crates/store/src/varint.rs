//! Whole numbers in as few bytes as they need.

/// Appends a number, seven bits a byte.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// Appends a length.
pub(crate) fn put_len(out: &mut Vec<u8>, length: usize) {
    put(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Appends a signed number, small ones of either sign short.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Reads what was appended. What is not there is an error, because a checksum said that it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

/// Bytes that are no record of ours although their checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonsense;

impl<'a> Cursor<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Nonsense> {
        let (first, rest) = self.0.split_first().ok_or(Nonsense)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Nonsense> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Nonsense)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Nonsense> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn length(&mut self) -> Result<usize, Nonsense> {
        usize::try_from(self.number()?).map_err(|_| Nonsense)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Nonsense> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Nonsense)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_read_back(values: Vec<(u64, i64)>) {
            let mut bytes = Vec::new();
            for (a, b) in &values {
                put(&mut bytes, *a);
                put_signed(&mut bytes, *b);
            }
            let mut cursor = Cursor(&bytes);
            for (a, b) in values {
                prop_assert_eq!(cursor.number(), Ok(a));
                prop_assert_eq!(cursor.signed(), Ok(b));
            }
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut cursor = Cursor(&bytes);
            while cursor.signed().is_ok() {}
        }
    }
}
