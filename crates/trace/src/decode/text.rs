//! Paths, texts and content in quotes, escaped as in C.

use super::printer::Printer;

/// Paths are told up to this many bytes, as the kernel takes no longer ones (`PATH_MAX`, with its zero byte).
const LONGEST_PATH: usize = 4095;

impl Printer<'_> {
    /// Bytes with everything escaped that is not printable ASCII, a quote, a backslash or one of `also`.
    pub(crate) fn escaped(&mut self, bytes: &[u8], also: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            match *byte {
                b'"' | b'\\' => {
                    self.out.push('\\');
                    self.out.push(char::from(*byte));
                }
                b'\n' => self.put("\\n"),
                b'\t' => self.put("\\t"),
                b'\r' => self.put("\\r"),
                b'\x0b' => self.put("\\v"),
                b'\x0c' => self.put("\\f"),
                b' '..=b'~' if !also.contains(byte) => self.out.push(char::from(*byte)),
                // A digit behind would be read as part of a short number.
                byte if bytes.get(index + 1).is_some_and(|next| (b'0'..=b'7').contains(next)) => {
                    self.format(format_args!("\\{byte:03o}"));
                }
                byte => self.format(format_args!("\\{byte:o}")),
            }
        }
    }

    /// Bytes in quotes.
    pub(crate) fn quoted(&mut self, bytes: &[u8]) {
        self.put("\"");
        self.escaped(bytes, b"");
        self.put("\"");
    }

    /// Bytes in quotes, each as a number.
    pub(crate) fn quoted_hex(&mut self, bytes: &[u8]) {
        self.put("\"");
        for byte in bytes {
            self.format(format_args!("\\x{byte:02x}"));
        }
        self.put("\"");
    }

    /// A text of at most `limit` bytes that ends with a zero byte, with a mark where it goes on.
    pub(crate) fn terminated(&mut self, bytes: &[u8], limit: usize) {
        let end = bytes.iter().position(|byte| *byte == 0);
        let shown = end.unwrap_or(bytes.len()).min(limit);
        self.quoted(bytes.get(..shown).unwrap_or(bytes));
        if end.is_none_or(|end| end > limit) {
            self.put("...");
        }
    }

    /// A path in the thread's memory.
    pub(crate) fn path(&mut self, address: u64) {
        match self.input(address) {
            Some(bytes) if address != 0 => self.terminated(bytes, LONGEST_PATH),
            _ => self.address(address),
        }
    }

    /// A text in the thread's memory that is not a path: cut where content is.
    pub(crate) fn text(&mut self, address: u64) {
        match self.input(address) {
            Some(bytes) if address != 0 => self.terminated(bytes, self.options.limit),
            _ => self.address(address),
        }
    }

    /// Content of a known length: cut where it is longer than what is shown.
    pub(crate) fn content(&mut self, address: u64, length: u64, known: Option<&[u8]>) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match known {
            _ if address == 0 => self.put("NULL"),
            _ if length == 0 => self.put("\"\""),
            Some(bytes) => {
                let shown = bytes.get(..length.min(self.options.limit)).unwrap_or(bytes);
                self.quoted(shown);
                if shown.len() < length {
                    self.put("...");
                }
            }
            None => self.address(address),
        }
    }
}
