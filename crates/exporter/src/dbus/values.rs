//! Values as they stand in a message: numbers on places that their size divides, strings with their length.

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// What a variant holds, of the kinds that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// `s`, `o` or `g`.
    Text(Box<str>),
    /// `b`.
    Flag(bool),
    /// `u`.
    U32(u32),
    /// `t`.
    U64(u64),
}

/// Reads one value after the other; none from where the bytes make no sense.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// From the start of the message, because places are counted from there.
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize, order: Order) -> Self {
        Self { bytes, at, order }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// Goes on to the next place that `size` divides.
    fn align(&mut self, size: usize) -> Option<()> {
        let end = self.at.checked_next_multiple_of(size)?;
        self.take(end - self.at).map(drop)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = *self.take(4)?.first_chunk()?;
        Some(if self.order == Order::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.align(8)?;
        let bytes = *self.take(8)?.first_chunk()?;
        Some(if self.order == Order::Little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }

    /// A string, or the path of an object.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.ended(length)
    }

    fn signature(&mut self) -> Option<&'a str> {
        let length = usize::from(self.byte()?);
        self.ended(length)
    }

    /// So many bytes of text, and the zero behind it.
    fn ended(&mut self, length: usize) -> Option<&'a str> {
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        (self.byte()? == 0).then_some(text)
    }

    /// An array of structures, at most so many.
    pub(crate) fn structures(&mut self, most: usize, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.align(8)?;
        let end = self.at.checked_add(length)?;
        let mut inside = Self { bytes: self.bytes.get(..end)?, ..*self };
        let mut count = 0;
        while inside.at < end {
            count += 1;
            if count > most {
                return None;
            }
            let before = inside.at;
            inside.align(8)?;
            each(&mut inside)?;
            if inside.at == before {
                return None;
            }
        }
        self.at = end;
        Some(())
    }

    pub(crate) fn variant(&mut self) -> Option<Value> {
        Some(match self.signature()? {
            "s" | "o" => Value::Text(self.text()?.into()),
            "g" => Value::Text(self.signature()?.into()),
            "b" => Value::Flag(match self.u32()? {
                0 => false,
                1 => true,
                _ => return None,
            }),
            "u" => Value::U32(self.u32()?),
            "t" => Value::U64(self.u64()?),
            _ => return None,
        })
    }
}

/// Writes one value after the other, the lower byte of numbers first.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn align(&mut self, size: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(size), 0);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    /// A string, or the path of an object; none where it is too long for one.
    pub(super) fn text(&mut self, text: &str) -> Option<()> {
        self.u32(u32::try_from(text.len()).ok()?);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
        Some(())
    }
}
