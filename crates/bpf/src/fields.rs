//! Bytes of our programs' records, field by field.

/// Takes fields one after the other. What is missing reads as zero; sizes are checked before.
#[derive(Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next bytes, at most so many.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> u32 {
        let Some((value, rest)) = self.0.split_first_chunk() else { return 0 };
        self.0 = rest;
        u32::from_ne_bytes(*value)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> u64 {
        let Some((value, rest)) = self.0.split_first_chunk() else { return 0 };
        self.0 = rest;
        u64::from_ne_bytes(*value)
    }
}
