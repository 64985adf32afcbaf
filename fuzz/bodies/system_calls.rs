//! System calls: whatever a program passes, the line that tells it is short, printable and one line; whatever a person types as
//! a filter is one, or an error.

use procyon_trace::{Call, Filter, Memory, Options, Piece, Return, When, captures, line};

/// Longest line: what is copied of a thread's memory is limited, and so is what is told of it.
const LONGEST: usize = 64 * 1024;

/// Takes numbers from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Small numbers, the places where memory is, and any number.
    fn word(&mut self) -> u64 {
        match self.byte() {
            small @ 0..128 => u64::from(small),
            128..176 => 0x1000,
            176..208 => 0x2000,
            208..224 => u64::MAX,
            _ => self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }
}

pub fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(filter) = Filter::parse(text)
    {
        assert_eq!(filter.contains(0), filter.numbers()[0] & 1 == 1);
    }

    let mut bytes = Bytes(bytes);
    let number = u32::from(bytes.byte()) << 1 | u32::from(bytes.byte() & 1);
    let arguments = [(); 6].map(|()| bytes.word());
    let result = i64::from(bytes.byte().cast_signed());
    let mut memory = Memory::default();
    for (address, when) in [(0x1000, When::Exit), (0x2000, When::Exit), (0x1000, When::Enter), (0x2000, When::Enter)] {
        let length = usize::from(bytes.byte());
        memory.push(Piece { address, when, bytes: bytes.take(length).to_vec() });
    }
    let returned = (result != -128).then_some(Return { result, at: 1 });
    let call = Call { number, arguments, returned, memory, ..Call::default() };

    assert!(captures(number).iter().all(|capture| capture.argument < 6));
    let mut out = String::new();
    let told = line(&call, &Options::default(), &(), &mut out);
    assert!(out.len() <= LONGEST, "{} bytes", out.len());
    assert!(out.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{out:?}");
    for part in [told.name, told.arguments, told.result] {
        assert!(out.get(part).is_some());
    }
}
