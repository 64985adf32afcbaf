//! gzip with a compressor that is used again: its tables are a quarter of a megabyte, which to fill with zeros at each scrape
//! costs as much as some collectors.

use std::io;
use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Compresses answers.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    /// One that nobody uses now.
    idle: Mutex<Option<Compress>>,
}

/// Magic number, deflate, no flags, no time, fastest, unknown system (RFC 1952).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

impl Gzip {
    pub(super) fn compress(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut compressor = idle.unwrap_or_else(|| Compress::new(Compression::fast(), false));
        compressor.reset();
        let mut out = Vec::with_capacity(HEADER.len() + body.len() / 4);
        out.extend_from_slice(&HEADER);
        loop {
            let done = usize::try_from(compressor.total_in()).unwrap_or(usize::MAX);
            let rest = body.get(done..).unwrap_or_default();
            match compressor.compress_vec(rest, &mut out, FlushCompress::Finish).map_err(io::Error::other)? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => out.reserve(body.len() / 4 + HEADER.len()),
            }
        }
        let mut crc = Crc::new();
        crc.update(body);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(compressor);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_compressed_again_and_again_reads_as_it_was() {
        let gzip = Gzip::default();
        for body in [&b""[..], b"a", &b"node_load1 0.5\n".repeat(10_000), &(0..=255).collect::<Vec<u8>>()] {
            let small = gzip.compress(body).unwrap();
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&*small).read_to_end(&mut back).unwrap();
            assert!(back == body, "{} bytes", body.len());
        }
    }
}
