//! gzip (RFC 1952), part by part, with a compressor that is used again.

use std::sync::{Mutex, PoisonError};

use super::deflate::Deflate;

/// Compresses answers.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    /// A compressor that nobody uses now.
    idle: Mutex<Option<Deflate>>,
}

/// An answer that is being compressed.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    gzip: &'a Gzip,
    deflate: Deflate,
    checksum: crc32fast::Hasher,
    /// Bytes so far, modulo 2^32.
    length: u32,
    out: Vec<u8>,
}

/// Magic number, deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

impl Gzip {
    pub(super) fn begin(&self) -> Stream<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (deflate, checksum) = (idle.unwrap_or_default(), crc32fast::Hasher::new());
        Stream { gzip: self, deflate, checksum, length: 0, out: HEADER.to_vec() }
    }
}

impl Stream<'_> {
    /// Whether nothing was compressed yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the format has the length modulo 2^32")]
    pub(super) fn take(&mut self, part: &[u8]) {
        if part.is_empty() {
            return;
        }
        self.out.reserve(part.len() / 4);
        self.deflate.compress(part, &mut self.out);
        self.checksum.update(part);
        self.length = self.length.wrapping_add(part.len() as u32);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.deflate.finish(&mut self.out);
        self.out.extend_from_slice(&self.checksum.finalize().to_le_bytes());
        self.out.extend_from_slice(&self.length.to_le_bytes());
        *self.gzip.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.deflate);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_compressed_again_and_again_in_parts_reads_as_it_was() {
        let gzip = Gzip::default();
        for body in [&b""[..], b"a", &b"node_load1 0.5\n".repeat(10_000), &(0..=255).collect::<Vec<u8>>()] {
            for part in [1 << 20, 40_000, 7777] {
                let mut stream = gzip.begin();
                body.chunks(part).for_each(|part| stream.take(part));
                let small = stream.finish();
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&*small).read_to_end(&mut back).unwrap();
                assert!(back == body, "{} bytes in parts of {part}", body.len());
            }
        }
    }
}
