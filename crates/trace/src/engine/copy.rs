//! Copies what the captures of a call say from the memory of a thread: the same pieces that the program in the kernel copies.

#![expect(unsafe_code, reason = "reading another process's memory has no safe wrapper")]

use crate::call::Call;
use crate::capture::{Capture, Length, What, When};
use crate::memory::{Memory, Piece};
use crate::table;

const PAGE: u64 = 4096;
/// Limits of [`What`].
const LONGEST_TEXT: usize = 4096;
const LONGEST_BYTES: u64 = 1024;
const LONGEST_NAME: u64 = 128;
const MOST_VECTORS: u64 = 16;
const MOST_MESSAGES: u64 = 4;
const MOST_TEXTS: u64 = 33;
/// `struct iovec`, `struct msghdr`, `struct mmsghdr`.
const VECTOR: u64 = 16;
const MESSAGE: u64 = 56;
const MESSAGE_OF_MANY: u64 = 64;

/// Something whose memory can be read.
pub(super) trait Source {
    /// Reads from an address on, as much as can be read.
    fn read(&self, address: u64, length: usize) -> Vec<u8>;
}

/// The memory of a thread that is stopped.
pub(super) struct OfThread(pub(super) i32);

impl Source for OfThread {
    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0_u8; length];
        // The kernel reads each part whole or not at all, hence a part for each page.
        let mut parts = Vec::new();
        let (mut at, end) = (address, address.saturating_add(length as u64));
        while at < end {
            let next = ((at / PAGE + 1) * PAGE).min(end);
            let (Ok(base), Ok(size)) = (usize::try_from(at), usize::try_from(next - at)) else { break };
            parts.push(libc::iovec { iov_base: std::ptr::without_provenance_mut(base), iov_len: size });
            at = next;
        }
        let to = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        // SAFETY: the kernel writes at most as much as the buffer holds; what it reads belongs to the other process.
        let got = unsafe {
            libc::process_vm_readv(self.0, &raw const to, 1, parts.as_ptr(), parts.len() as libc::c_ulong, 0)
        };
        bytes.truncate(usize::try_from(got).unwrap_or(0));
        bytes
    }
}

/// What is known of a call when its memory is copied.
pub(super) struct Known<'a> {
    pub(super) number: u32,
    pub(super) arguments: &'a [u64; 6],
    pub(super) result: i64,
    /// Bytes of content that are told.
    pub(super) content: usize,
}

/// Copies what is to be copied at one end of a call.
pub(super) fn copy(source: &dyn Source, known: &Known<'_>, when: When, memory: &mut Memory) {
    for capture in table::captures(known.number).iter().filter(|capture| capture.when == when) {
        Copy { source, known, when, left: None, memory }.take(*capture);
    }
}

/// Looks at the memory of a thread that sleeps in a call, without stopping it: what it has asked for. Nothing is known where the
/// kernel does not let us. It can take for ever: see [`super::look()`].
pub(super) fn look(mut call: Call, content: usize) -> Call {
    let Ok(thread) = i32::try_from(call.thread) else { return call };
    // Its result is not known: what depends on it is left out.
    let known = Known { number: call.number, arguments: &call.arguments, result: -1, content };
    copy(&OfThread(thread), &known, When::Exit, &mut call.memory);
    call
}

struct Copy<'a> {
    source: &'a dyn Source,
    known: &'a Known<'a>,
    when: When,
    /// Bytes of content that may still be copied; none for no limit.
    left: Option<u64>,
    memory: &'a mut Memory,
}

impl Copy<'_> {
    fn argument(&self, at: u8) -> u64 {
        self.known.arguments.get(usize::from(at)).copied().unwrap_or(0)
    }

    fn take(&mut self, capture: Capture) {
        let address = self.argument(capture.argument);
        if address == 0 {
            return;
        }
        let result = u64::try_from(self.known.result).unwrap_or(0);
        match capture.what {
            What::Text => self.text(address, LONGEST_TEXT),
            What::Content(length) => self.content(address, self.length(length)),
            What::Bytes(length) => self.bytes(address, self.length(length).min(LONGEST_BYTES)),
            What::Vectors { count, result: limited } => {
                self.left = limited.then_some(result);
                self.vectors(address, self.argument(count));
            }
            What::Message { result: limited } => {
                self.left = limited.then_some(result);
                self.bytes(address, MESSAGE);
                self.message(address);
            }
            What::Messages { count, result: limited } => {
                let count = self.argument(count);
                self.messages(address, if limited { count.min(result) } else { count }, limited);
            }
            What::Texts => self.texts(address),
        }
    }

    fn length(&self, length: Length) -> u64 {
        match length {
            Length::Fixed(bytes) => bytes.into(),
            Length::Argument(argument, size) => self.argument(argument).saturating_mul(size.into()),
            Length::Result(size) => u64::try_from(self.known.result).unwrap_or(0).saturating_mul(size.into()),
            Length::Pointed(argument) => u64::from(self.u32_at(self.argument(argument)).unwrap_or(0)),
        }
    }

    fn u32_at(&self, address: u64) -> Option<u32> {
        Some(u32::from_ne_bytes(*self.source.read(address, 4).first_chunk()?))
    }

    fn push(&mut self, address: u64, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.memory.push(Piece { address, when: self.when, bytes });
        }
    }

    fn bytes(&mut self, address: u64, length: u64) {
        if address != 0 && length != 0 {
            // Lengths are below limits.
            let bytes = self.source.read(address, usize::try_from(length).unwrap_or(0));
            self.push(address, bytes);
        }
    }

    fn text(&mut self, address: u64, most: usize) {
        // Most are short, and read at once.
        let mut bytes = self.source.read(address, most.min(256));
        if bytes.len() == 256 && !bytes.contains(&0) {
            bytes = self.source.read(address, most);
        }
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end + 1);
        }
        self.push(address, bytes);
    }

    fn content(&mut self, address: u64, length: u64) {
        let mut length = length;
        if let Some(left) = &mut self.left {
            length = length.min(*left);
            *left -= length;
        }
        self.bytes(address, length.min(self.known.content as u64 + 1));
    }

    fn vectors(&mut self, address: u64, count: u64) {
        let length = count.min(MOST_VECTORS) * VECTOR;
        if address == 0 || length == 0 {
            return;
        }
        let vectors = self.source.read(address, usize::try_from(length).unwrap_or(0));
        for vector in vectors.chunks_exact(16) {
            self.content(word(vector, 0), word(vector, 1));
        }
        self.push(address, vectors);
    }

    fn message(&mut self, address: u64) {
        let header = self.source.read(address, usize::try_from(MESSAGE).unwrap_or(0));
        // Name, its length, vectors, how many, control data, its length, flags.
        self.bytes(word(&header, 0), (word(&header, 1) & 0xffff_ffff).min(LONGEST_NAME));
        self.vectors(word(&header, 2), word(&header, 3));
        self.bytes(word(&header, 4), word(&header, 5).min(LONGEST_BYTES));
    }

    fn messages(&mut self, address: u64, count: u64, limited: bool) {
        let count = count.min(MOST_MESSAGES);
        self.bytes(address, count * MESSAGE_OF_MANY);
        for at in 0..count {
            let from = address.saturating_add(at * MESSAGE_OF_MANY);
            self.left = limited.then(|| u64::from(self.u32_at(from.saturating_add(MESSAGE)).unwrap_or(0)));
            self.message(from);
        }
    }

    fn texts(&mut self, address: u64) {
        let mut pointers = self.source.read(address, usize::try_from(MOST_TEXTS * 8).unwrap_or(0));
        let count =
            (0..pointers.len() / 8).position(|at| word(&pointers, at) == 0).map_or(pointers.len() / 8, |end| end + 1);
        pointers.truncate(count * 8);
        for at in 0..count {
            let text = word(&pointers, at);
            if text != 0 {
                self.text(text, self.known.content + 1);
            }
        }
        self.push(address, pointers);
    }
}

/// A word of eight bytes; zero where it is missing.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at * 8..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_ne_bytes(*word))
}
