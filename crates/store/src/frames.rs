//! Records in a file: `length · length unpacked · CRC-32 of both and of what follows · zstd`. What does not add up is the end.

use std::io::{self, BufReader, ErrorKind, Read};

use zstd::bulk::{Compressor, Decompressor};

use crate::kinds::{COUNT, width};

/// The first bytes of a log.
const MAGIC: &[u8; 16] = b"procyon log 1\n\0\0";
/// How long what precedes the records is: the mark, and how many columns each kind of rows has.
pub(crate) const HEADER: usize = 32;

/// What precedes the records.
pub(crate) fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let widths = (0..COUNT).map(|kind| u8::try_from(width(kind)).unwrap_or(u8::MAX));
    for (place, byte) in header.iter_mut().zip(MAGIC.iter().copied().chain(widths)) {
        *place = byte;
    }
    header
}

/// A record is no longer than this, packed or not.
const MOST: usize = 64 << 20;
/// How long what precedes a record is.
pub(crate) const HEAD: usize = 12;
/// Fast, and the block after it packs better anyway.
const LEVEL: i32 = 1;

/// Packs records.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(LEVEL)? })
    }

    /// The bytes of a record in the file.
    pub(crate) fn pack(&mut self, record: &[u8]) -> io::Result<Vec<u8>> {
        let packed = self.compressor.compress(record)?;
        let too_long = || io::Error::new(ErrorKind::InvalidInput, "a record of this length cannot be kept");
        if record.len() > MOST || packed.len() > MOST {
            return Err(too_long());
        }
        let mut out = Vec::with_capacity(packed.len() + HEAD);
        for length in [packed.len(), record.len()] {
            out.extend_from_slice(&u32::try_from(length).map_err(|_| too_long())?.to_le_bytes());
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&out);
        crc.update(&packed);
        out.extend_from_slice(&crc.finalize().to_le_bytes());
        out.extend_from_slice(&packed);
        Ok(out)
    }
}

/// Reads records one after the other.
pub(crate) struct Records<R> {
    input: BufReader<R>,
    decompressor: Decompressor<'static>,
    packed: Vec<u8>,
    record: Vec<u8>,
    head: [u8; HEAD],
    /// Where the last whole record ends.
    end: u64,
}

impl<R: Read> Records<R> {
    /// Reads from a file on, from where a record begins.
    pub(crate) fn new(input: R, at: u64) -> io::Result<Self> {
        Ok(Self {
            input: BufReader::with_capacity(64 << 10, input),
            decompressor: Decompressor::new()?,
            packed: Vec::new(),
            record: Vec::new(),
            head: [0; HEAD],
            end: at,
        })
    }

    /// Where the last whole record ends.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// What precedes the last record.
    pub(crate) const fn head(&self) -> [u8; HEAD] {
        self.head
    }

    /// The next record; none at the end, which is also where something is torn or damaged.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let mut head = [0; HEAD];
        if !whole(&mut self.input, &mut head)? {
            return Ok(None);
        }
        let [length, unpacked, checksum] = words(head);
        let unpacked = usize::try_from(unpacked).unwrap_or(usize::MAX);
        let packed_length = usize::try_from(length).unwrap_or(usize::MAX);
        if packed_length > MOST || unpacked > MOST {
            return Ok(None);
        }
        self.packed.clear();
        let wanted = u64::from(length);
        if self.input.by_ref().take(wanted).read_to_end(&mut self.packed)? != packed_length {
            return Ok(None);
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(head.get(..8).unwrap_or_default());
        crc.update(&self.packed);
        if crc.finalize() != checksum {
            return Ok(None);
        }
        self.record.clear();
        self.record.reserve(unpacked);
        if self.decompressor.decompress_to_buffer(&self.packed, &mut self.record).is_err()
            || self.record.len() != unpacked
        {
            return Ok(None);
        }
        self.head = head;
        self.end += wanted + u64::try_from(HEAD).unwrap_or(0);
        Ok(Some(&self.record))
    }
}

/// Where the record that begins at `start` ends, as far as it says so.
pub(crate) fn next_end(input: &mut impl Read, start: u64) -> io::Result<Option<u64>> {
    let mut head = [0; HEAD];
    if !whole(input, &mut head)? {
        return Ok(None);
    }
    let [length, ..] = words(head);
    Ok(start.checked_add(u64::from(length) + u64::try_from(HEAD).unwrap_or(0)))
}

/// Three numbers of 32 bits.
fn words(head: [u8; HEAD]) -> [u32; 3] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(head.chunks_exact(4)) {
        *word = bytes.try_into().map_or(0, u32::from_le_bytes);
    }
    words
}

/// Fills the buffer; no when the input ends before.
pub(crate) fn whole(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
