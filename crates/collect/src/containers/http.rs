//! `GET` over the socket of a container engine: one small question, bounded in time and size.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use procyon_units::{Clock, SystemClock};

/// An engine that has not answered in full by then is asked again next time.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
/// The most that an answer may hold.
const MAX_ANSWER: usize = 8 << 20;

/// The body of a `200` answer. HTTP 1.0, because then the answer ends with the connection; a proxy that sends it in chunks
/// all the same is understood.
pub(super) fn get(socket: &Path, path: &str) -> Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let question = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
    // In one piece: an engine that answers and closes before it has read everything would reset the connection.
    stream.write_all(question.as_bytes())?;
    let answer = read_all(&mut stream)?;
    body(&answer).ok_or_else(|| Error::other("no answer that can be understood"))
}

/// Reads to the end, within one deadline for all of it: an engine that sends a byte a second gets no further.
fn read_all(stream: &mut UnixStream) -> Result<Vec<u8>> {
    let begin = SystemClock.mono();
    let mut answer = Vec::new();
    let mut block = [0; 16 << 10];
    loop {
        let left = TIMEOUT.saturating_sub(SystemClock.mono().since(begin));
        if left.is_zero() {
            return Err(Error::from(ErrorKind::TimedOut));
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut block) {
            Ok(0) => return Ok(answer),
            Ok(got) if answer.len() + got > MAX_ANSWER => return Err(Error::other("too long an answer")),
            Ok(got) => answer.extend_from_slice(block.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // What the kernel says when the time of one reading is over.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(Error::from(ErrorKind::TimedOut)),
            Err(error) => return Err(error),
        }
    }
}

fn body(answer: &[u8]) -> Option<Vec<u8>> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (answer.get(..end)?, answer.get(end + 4..)?);
    if head.split(|byte| *byte == b' ').nth(1)? != b"200" {
        return None;
    }
    let head = head.to_ascii_lowercase();
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let chunked =
        lines.any(|line| line.strip_prefix(b"transfer-encoding:").is_some_and(|value| value.ends_with(b"chunked")));
    if chunked { joined(body) } else { Some(body.to_vec()) }
}

/// Puts chunks together: `SIZE[;…]\r\nBYTES\r\n` again and again, the last one of size 0.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n")?;
        let size = chunks.get(..end)?.split(|byte| *byte == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let rest = chunks.get(end + 2..)?;
        body.extend_from_slice(rest.get(..size)?);
        chunks = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n[{\r\nB\r\n\"Id\":\"7\"}]\n\r\n0\r\n\r\n";
        assert_eq!(body(answer).unwrap(), b"[{\"Id\":\"7\"}]\n");
        for cut in 20..answer.len() - 5 {
            assert_eq!(body(&answer[..cut]), None, "cut at {cut}");
        }
        let huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx";
        assert_eq!(body(huge), None);
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        for text in ["", "HTTP/1.1 500 x\r\n\r\n[]", "HTTP/1.1 200 OK", "HTTP/1.1"] {
            assert_eq!(body(text.as_bytes()), None, "{text}");
        }
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\n[]").unwrap(), b"[]");
    }
}
