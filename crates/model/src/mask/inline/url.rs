//! `scheme://user:password@host`.

use super::super::Sink;
use super::super::names;
use super::{Scan, is_harmless, is_variable};

/// Addresses of chat robots, whose path is the secret.
const HOOKS: &[&str] = &[
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "discord.com/api/webhooks/",
    "open.feishu.cn/open-apis/bot/v2/hook/",
    "open.larksuite.com/open-apis/bot/v2/hook/",
];

impl Scan<'_> {
    /// A colon of what is like a URL but has no scheme: `user:X@tcp(host)` of Go programs, `jdbc:oracle:thin:user/X@host`,
    /// `123456789:X` of Telegram robots. The colon stands at `at`; where to go on.
    pub(super) fn without_scheme(&self, sink: &mut Sink<'_>, at: usize) -> Option<usize> {
        let start = self.name_start(sink, at);
        let name = sink.bytes(&(start..at));
        if name.len() >= 6 && name.iter().rev().take(6).all(u8::is_ascii_digit) {
            let behind = sink.bytes(&(at + 1..self.range.end));
            let length =
                behind.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
            if (30..=64).contains(&length) {
                sink.mask(at + 1..at + 1 + length);
                return Some(at + 1 + length);
            }
        }
        let last_at = self.last_at.filter(|last| *last > at)?;
        let host = sink.bytes(&(last_at + 1..self.range.end));
        if [&b"tcp("[..], b"unix(", b"udp("].iter().any(|kind| host.starts_with(kind)) {
            let opened = start == self.range.start || matches!(sink.byte(start - 1), Some(b'=' | b'"' | b'\''));
            let secret = at + 1..last_at;
            if opened && !(self.shell && is_variable(sink.bytes(&secret))) {
                sink.mask(secret);
                return Some(last_at);
            }
        }
        if matches!(name, b"thin" | b"oci") && !sink.bytes(&(at + 1..last_at)).starts_with(b"@") {
            let user = sink.bytes(&(at + 1..last_at)).iter().take(MAX_USERINFO).position(|byte| *byte == b'/')?;
            sink.mask(at + 2 + user..last_at);
            return Some(last_at);
        }
        None
    }

    /// Masks the password of the URL whose authority begins at `start`; where to go on.
    pub(super) fn url(&self, sink: &mut Sink<'_>, start: usize) -> Option<usize> {
        let rest = sink.bytes(&(start..self.range.end));
        if let Some(hook) = HOOKS.iter().find(|hook| rest.starts_with(hook.as_bytes())) {
            let path = rest.get(hook.len()..).unwrap_or_default();
            let length = path
                .iter()
                .position(|byte| matches!(byte, b'?' | b'#' | b'"' | b'\'' | b' ' | b'\n'))
                .unwrap_or(path.len());
            sink.mask(start + hook.len()..start + hook.len() + length);
            return Some(start + hook.len() + length);
        }
        let last_at = self.last_at.filter(|at| *at >= start)?;
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
