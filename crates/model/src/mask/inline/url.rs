//! `scheme://user:password@host`.

use super::super::Sink;
use super::super::names;
use super::{Scan, is_harmless, is_variable};

impl Scan<'_> {
    /// Masks the password of the URL whose authority begins at `start`; where to go on.
    pub(super) fn url(&self, sink: &mut Sink<'_>, start: usize) -> Option<usize> {
        let last_at = self.last_at.filter(|at| *at >= start)?;
        let rest = sink.bytes(&(start..self.range.end));
        let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'<' | b'>');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let authority = rest.get(..length).unwrap_or_default();
        let user = match authority.iter().rposition(|byte| *byte == b'@') {
            Some(at) => authority.get(..at).unwrap_or_default(),
            // No `@` before the first `/`: a password may hold a `/` itself, unless what follows the colon is a port.
            None => slashed(authority, rest.get(..last_at - start).unwrap_or_default())?,
        };
        let end = start + user.len();
        let secret = match user.iter().position(|byte| *byte == b':') {
            Some(colon) => start + colon + 1..end,
            // A token alone in front of the host.
            None if names::looks_random(user, 20) => start..end,
            None => return Some(end),
        };
        let value = sink.bytes(&secret);
        if !(is_harmless(value) || self.shell && is_variable(value)) {
            sink.mask(secret);
        }
        Some(end)
    }
}

/// Longest user and password with a `/` among them.
const MAX_USERINFO: usize = 1024;

/// User and password where the password holds a `/`.
fn slashed<'s>(authority: &[u8], up_to_last_at: &'s [u8]) -> Option<&'s [u8]> {
    let colon = authority.iter().position(|byte| *byte == b':')?;
    let after = authority.get(colon + 1..).unwrap_or_default();
    let port = after.iter().all(u8::is_ascii_digit);
    let sane = up_to_last_at.len() < MAX_USERINFO
        && !authority.contains(&b'[')
        && !up_to_last_at.iter().any(|byte| matches!(byte, b' ' | b'"' | b'\''));
    (!port && sane).then_some(up_to_last_at)
}
