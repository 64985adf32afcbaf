//! gzip (RFC 1952), part by part, with a compressor that is used again: its tables are a quarter of a megabyte, which to fill with zeros
//! at each scrape costs as much as some collectors.

use std::io;
use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Compresses answers.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    /// A compressor that nobody uses now.
    idle: Mutex<Option<Compress>>,
}

/// An answer that is being compressed.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    gzip: &'a Gzip,
    compressor: Compress,
    checksum: Crc,
    out: Vec<u8>,
}

/// Magic number, deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];
/// Room that is made for what is compressed, at the least.
const ROOM: usize = 4 << 10;

impl Gzip {
    pub(super) fn begin(&self) -> Stream<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut compressor = idle.unwrap_or_else(|| Compress::new(Compression::fast(), false));
        compressor.reset();
        Stream { gzip: self, compressor, checksum: Crc::new(), out: HEADER.to_vec() }
    }
}

impl Stream<'_> {
    /// Whether nothing was compressed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.compressor.total_in() == 0
    }

    pub(super) fn take(&mut self, part: &[u8]) -> io::Result<()> {
        self.checksum.update(part);
        let before = self.compressor.total_in();
        loop {
            let done = usize::try_from(self.compressor.total_in() - before).unwrap_or(usize::MAX);
            let rest = part.get(done..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            self.out.reserve((rest.len() / 4).max(ROOM));
            self.compressor.compress_vec(rest, &mut self.out, FlushCompress::None).map_err(io::Error::other)?;
        }
    }

    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        loop {
            self.out.reserve(ROOM);
            let status = self.compressor.compress_vec(&[], &mut self.out, FlushCompress::Finish);
            if status.map_err(io::Error::other)? == Status::StreamEnd {
                break;
            }
        }
        self.out.extend_from_slice(&self.checksum.sum().to_le_bytes());
        self.out.extend_from_slice(&self.checksum.amount().to_le_bytes());
        *self.gzip.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.compressor);
        Ok(self.out)
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
                body.chunks(part).for_each(|part| stream.take(part).unwrap());
                let small = stream.finish().unwrap();
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&*small).read_to_end(&mut back).unwrap();
                assert!(back == body, "{} bytes in parts of {part}", body.len());
            }
        }
    }
}
