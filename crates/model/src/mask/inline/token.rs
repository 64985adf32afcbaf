//! Tokens that are known by their shape, wherever they stand.

/// Beginning and least number of token characters behind it.
const SHAPES: &[(&[u8], usize)] = &[
    (b"ghp_", 16),
    (b"gho_", 16),
    (b"ghu_", 16),
    (b"ghs_", 16),
    (b"ghr_", 16),
    (b"github_pat_", 16),
    (b"glpat-", 16),
    (b"xoxb-", 10),
    (b"xoxa-", 10),
    (b"xoxp-", 10),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
    (b"xapp-", 10),
    (b"sk_live_", 10),
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"npm_", 30),
    (b"pypi-", 30),
    (b"hf_", 30),
    (b"hvs.", 20),
    (b"dop_v1_", 30),
    (b"AIza", 30),
    (b"SG.", 30),
];
/// Our own: hexadecimal digits behind `procyon_`, which also begins names.
const OURS: (&[u8], usize) = (b"procyon_", 64);
/// Least length behind `sk-`, which also begins ordinary words: a digit has to be among them.
const SECRET_KEY: usize = 20;
const PEM: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"-----END";
/// How far behind `BEGIN` the words `PRIVATE KEY` stand.
const PEM_TITLE: usize = 48;

/// Whether a token may begin with this byte.
pub(super) const fn may_start(byte: u8) -> bool {
    matches!(byte, b'g' | b'x' | b's' | b'r' | b'n' | b'p' | b'h' | b'd' | b'A' | b'S' | b'e' | b'-')
}

/// The token at the start of `text`: how many bytes were looked at, and whether they are one.
pub(super) fn read(text: &[u8]) -> (usize, bool) {
    if text.starts_with(b"-") {
        return pem(text);
    }
    if text.starts_with(b"eyJ") {
        return jwt(text);
    }
    if let Some(rest) = text.strip_prefix(b"sk-") {
        let length = run(rest);
        let digits = rest.iter().take(length).any(u8::is_ascii_digit);
        return (3 + length, length >= SECRET_KEY && digits);
    }
    if let Some(rest) = text.strip_prefix(OURS.0) {
        let length = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return (OURS.0.len() + length, length == OURS.1);
    }
    for (prefix, least) in SHAPES {
        if let Some(rest) = text.strip_prefix(*prefix) {
            let length = run(rest);
            return (prefix.len() + length, length >= *least);
        }
    }
    (1, false)
}

fn run(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count()
}

/// Three parts of base64url, the first an object (`{"` is `eyJ`).
fn jwt(text: &[u8]) -> (usize, bool) {
    let length = run(text);
    let token = text.get(..length).unwrap_or_default();
    let mut parts = token.split(|byte| *byte == b'.');
    let long = |part: Option<&[u8]>| part.is_some_and(|part| part.len() >= 4);
    (length, long(parts.next()) && long(parts.next()) && long(parts.next()))
}

/// A private key with its armour, or what of it fits the argument.
fn pem(text: &[u8]) -> (usize, bool) {
    if !text.starts_with(PEM) {
        // All dashes of a run are the same try.
        return (text.iter().take_while(|byte| **byte == b'-').count().max(1).saturating_sub(5).max(1), false);
    }
    let title = text.get(..text.len().min(PEM_TITLE)).unwrap_or_default();
    if find(title, b"PRIVATE KEY").is_none() {
        return (PEM.len(), false);
    }
    let Some(end) = find(text, PEM_END) else {
        return (text.len(), true);
    };
    let behind = text.get(end + PEM_END.len()..).unwrap_or_default();
    let length = find(behind, b"-----").map_or(behind.len(), |close| close + 5);
    (end + PEM_END.len() + length, true)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
