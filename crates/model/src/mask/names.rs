//! Which names stand for secrets.

/// How sure a name is, which decides what its value may still be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// A password, token or secret: always masked.
    Value,
    /// Most likely a key; where the value is a path it names a file.
    ValueOrPath,
}

/// What stands behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `name=value`: the name alone decides.
    Attached,
    /// `--name value`: the option might be a switch, so the telling word has to come last.
    Following,
    /// `?name=value` of a URL.
    Query,
}

/// Most words of a name that are looked at, from its end.
const MAX_WORDS: usize = 8;
/// Longer values of a bare `key=` are no keys.
pub(super) const MAX_KEY: usize = 1024;
/// Longer names are code, not names.
const MAX_NAME: usize = 128;

/// Telling anywhere in a name: `DB_PASSWORD_PROD=`.
const STRONG: &[&str] = &["password", "passwd", "passphrase", "secret", "passwort"];
/// Telling as the end of the last word: `dbpassword`, `authToken`, `X-Api-Key`.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "passcode",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "authkey",
    "privatekey",
    "accountkey",
    "pwd",
    "psk",
    "masterauth",
];
/// Telling before `key`: `api-key`, `SECRET_ACCESS_KEY`.
const KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "auth",
    "account",
    "shared",
    "app",
    "application",
    "subscription",
    "storage",
    "admin",
    "webhook",
    "license",
];
/// Telling before `key`, but the value is often a file.
const FILE_KEYS: &[&str] = &["private", "signing", "encryption", "master"];
/// Words that end in `pass` and are none.
const NO_PASS: &[&str] = &[
    "askpass",
    "bypass",
    "compass",
    "encompass",
    "surpass",
    "underpass",
    "overpass",
    "multipass",
    "onepass",
    "twopass",
    "renderpass",
    "trespass",
];
/// A token of these is a word of a text, a page of a list, a number.
const NO_TOKEN: &[&str] = &[
    "pad",
    "eos",
    "bos",
    "sep",
    "mask",
    "cls",
    "unk",
    "next",
    "starting",
    "page",
    "continuation",
    "continue",
    "max",
    "min",
    "num",
    "stop",
    "per",
    "special",
    "image",
    "time",
];
/// What turns a name into one of something else: where the secret is, how it is handled.
const ABOUT: &[&str] = &[
    "file",
    "files",
    "path",
    "dir",
    "stdin",
    "fd",
    "prompt",
    "name",
    "names",
    "id",
    "ids",
    "type",
    "policy",
    "url",
    "uri",
    "endpoint",
    "length",
    "len",
    "size",
    "count",
    "expiry",
    "expires",
    "expiration",
    "ttl",
    "timeout",
    "min",
    "max",
    "field",
    "mode",
    "algorithm",
    "format",
    "rotation",
    "command",
    "cmd",
    "callback",
    "source",
    "location",
    "provider",
    "enabled",
    "required",
    "reset",
    "limit",
    "version",
    "arn",
    "ref",
    "selector",
    "class",
    "namespace",
    "age",
    "days",
    "check",
    "helper",
    "auth",
    "authentication",
    "method",
    "manager",
    "engine",
    "store",
    "backend",
    "scan",
    "scanner",
    "agent",
    "server",
    "service",
    "plugin",
];
/// A name that begins so says whether there is a secret, not which.
const SWITCH: &[&str] = &[
    "no",
    "with",
    "without",
    "ask",
    "prompt",
    "use",
    "show",
    "read",
    "force",
    "require",
    "disable",
    "enable",
    "allow",
    "skip",
    "reset",
    "change",
    "print",
    "generate",
    "save",
    "remember",
    "hide",
    "expire",
    "need",
    "get",
    "list",
    "export",
    "nopassword",
    "nopasswd",
];

/// A further name from the configuration.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Box<[u8]>);

impl Pattern {
    pub(super) fn new(text: &str) -> Option<Self> {
        let normal: Vec<u8> = text.trim().trim_start_matches('-').bytes().map(normal).collect();
        let telling = normal.iter().any(u8::is_ascii_alphanumeric) || !normal.is_ascii();
        (telling && normal.len() <= MAX_NAME).then(|| Self(normal.into()))
    }

    /// A word matches a word of the name or all of it; a pattern with `*` matches all of it.
    fn matches(&self, name: &[u8]) -> bool {
        if self.0.contains(&b'*') {
            return glob(&self.0, name);
        }
        let same = |part: &[u8]| part.len() == self.0.len() && part.iter().zip(&self.0).all(|(a, b)| normal(*a) == *b);
        same(name) || name.split(|byte| matches!(normal(*byte), b'_' | b'.' | b':')).any(same)
    }
}

const fn normal(byte: u8) -> u8 {
    if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() }
}

/// `*` stands for any bytes; goes back at most to the last one.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(wanted) if *wanted == normal(*byte) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, at)) = star else { return false };
                star = Some((after, at + 1));
                p = after;
                n = at + 1;
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Whether a value of this name is a secret.
pub(super) fn secret(name: &[u8], place: Place, patterns: &[Pattern]) -> Option<Secret> {
    if name.is_empty() || name.len() > MAX_NAME || name.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    if patterns.iter().any(|pattern| pattern.matches(name)) {
        return Some(Secret::Value);
    }
    let mut words: [&[u8]; MAX_WORDS] = [&[]; MAX_WORDS];
    let count = split(name, &mut words);
    let words = words.get(..count).unwrap_or_default();
    let (last, before) = (word(words, 0), word(words, 1));
    // The first word of a name longer than what is kept cannot be a switch.
    let first = words.last().copied().unwrap_or_default();
    if words.len() > 1 && place == Place::Following && is_one_of(first, SWITCH)
        || is_one_of(last, &["nopassword", "nopasswd", "oldpwd"])
    {
        return None;
    }
    if words.len() > 1 && is_one_of(first, &["no", "without"]) {
        return None;
    }
    if place == Place::Query && is_one_of(last, &["sig", "signature"]) {
        return Some(Secret::Value);
    }
    if same(last, "pwd") {
        // PWD alone is the working directory, Pwd is part of a connection string.
        return (words.len() > 1 || name != b"PWD").then_some(Secret::ValueOrPath);
    }
    if same(last, "token") && is_one_of(before, NO_TOKEN)
        || same(last, "secret") && is_one_of(before, &["pull", "tls", "existing"])
    {
        return None;
    }
    if ENDINGS.iter().any(|ending| ends_with(last, ending)) {
        return Some(if ends_with(last, "privatekey") { Secret::ValueOrPath } else { Secret::Value });
    }
    if ends_with(last, "pass") && !is_one_of(last, NO_PASS) {
        return Some(Secret::Value);
    }
    if is_one_of(last, &["pw", "bearer", "cookie", "otp"]) {
        return Some(Secret::Value);
    }
    if same(last, "key") {
        if is_one_of(before, KEYS) {
            return Some(Secret::Value);
        }
        if is_one_of(before, FILE_KEYS) {
            return Some(Secret::ValueOrPath);
        }
    }
    if same(last, "base") && same(before, "key") || same(last, "auth") && name.first() == Some(&b'_') {
        return Some(Secret::Value);
    }
    let anywhere = words.iter().skip(1).any(|part| STRONG.iter().any(|strong| same(part, strong)));
    (place != Place::Following && anywhere && !is_one_of(last, ABOUT)).then_some(Secret::Value)
}

/// Whether the value of this option is `user:password`.
pub(super) fn is_login(name: &[u8]) -> bool {
    is_one_of(
        name,
        &["auth", "basic-auth", "http-auth", "basic", "credentials", "creds", "login", "user-pass", "userpass"],
    )
}

/// HTTP headers whose value is a secret.
pub(super) fn secret_header(name: &[u8], patterns: &[Pattern]) -> bool {
    let option = name.len() > 2 && name.starts_with(b"-");
    let name = name.strip_prefix(b"--").unwrap_or(name);
    is_one_of(name, &["authorization", "proxy-authorization", "cookie", "set-cookie"])
        || (option || name.contains(&b'-')) && secret(name, Place::Attached, patterns).is_some()
}

/// Whether a bare `key=` has a value that looks like one: long, letters and digits, no path.
pub(super) fn looks_random(value: &[u8], least: usize) -> bool {
    value.len() >= least
        && value.len() <= MAX_KEY
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !is_path(value)
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'=' | b'/'))
}

/// Whether a value names a file. What is longer than the kernel's `PATH_MAX` does not.
pub(super) fn is_path(value: &[u8]) -> bool {
    const PATH_MAX: usize = 4096;
    const STARTS: &[&[u8]] = &[b"/", b"./", b"../", b"~", b"file:", b"@", b"$HOME"];
    const ENDS: &[&[u8]] = &[b".pem", b".key", b".crt", b".json", b".p12", b".pub", b".txt"];
    value.len() < PATH_MAX
        && (STARTS.iter().any(|start| value.starts_with(start)) || ENDS.iter().any(|end| value.ends_with(end)))
}

fn word<'w>(words: &[&'w [u8]], from_end: usize) -> &'w [u8] {
    words.get(from_end).copied().unwrap_or_default()
}

fn same(word: &[u8], other: &str) -> bool {
    word.eq_ignore_ascii_case(other.as_bytes())
}

fn ends_with(word: &[u8], ending: &str) -> bool {
    word.len().checked_sub(ending.len()).and_then(|at| word.get(at..)).is_some_and(|tail| same(tail, ending))
}

fn is_one_of(word: &[u8], others: &[&str]) -> bool {
    others.iter().any(|other| same(word, other))
}

/// The words of a name, last first: split at `-_.:/`, where small letters turn large, and without digits at their ends.
/// How many there are.
fn split<'n>(name: &'n [u8], words: &mut [&'n [u8]]) -> usize {
    let mut count = 0;
    let mut end = name.len();
    let mut at = name.len();
    while at > 0 && count < words.len() {
        at -= 1;
        let byte = name.get(at).copied().unwrap_or_default();
        let separator = !byte.is_ascii_alphanumeric();
        let before = at.checked_sub(1).and_then(|before| name.get(before)).copied().unwrap_or(b'_');
        let hump = byte.is_ascii_uppercase() && before.is_ascii_lowercase();
        if !(separator || hump || at == 0) {
            continue;
        }
        let start = if separator { at + 1 } else { at };
        let part = name.get(start..end).unwrap_or_default();
        let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let part = part.get(..part.len() - digits).unwrap_or_default();
        if let (false, Some(slot)) = (part.is_empty(), words.get_mut(count)) {
            *slot = part;
            count += 1;
        }
        end = at;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "db-password",
            "dbPassword",
            "MYSQL_PWD",
            "spring.datasource.password",
            "storepass",
            "requirepass",
            "api_key",
            "apikey",
            "X-Api-Key",
            "AWS_SECRET_ACCESS_KEY",
            "accessToken",
            "SECRET_KEY_BASE",
            "Pwd",
            "clientSecret",
            "password1",
            "_auth",
            "SharedAccessKey",
            "dbPASSWORD",
        ] {
            assert!(secret(name.as_bytes(), Place::Attached, &[]).is_some(), "{name}");
        }
        assert!(secret(b"DB_PASSWORD_PROD", Place::Attached, &[]).is_some());
    }

    #[test]
    fn names_that_only_look_so() {
        for name in [
            "PWD",
            "OLDPWD",
            "tokenizer",
            "passive",
            "keyspace",
            "password-file",
            "token-file",
            "password-stdin",
            "no-password",
            "bypass",
            "max-tokens",
            "AWS_ACCESS_KEY_ID",
            "key",
            "ssh-key",
            "eos-token",
            "secret-name",
            "next_token",
            "monkey",
            "passthrough",
            "key-file",
        ] {
            assert!(secret(name.as_bytes(), Place::Attached, &[]).is_none(), "{name}");
        }
        assert!(secret(b"with-token", Place::Following, &[]).is_none());
    }

    #[test]
    fn patterns_are_words_or_globs() {
        let pattern = |text: &str| Pattern::new(text).unwrap();
        assert!(pattern("pin-code").matches(b"pin_code"));
        assert!(pattern("zahl").matches(b"GEHEIM_ZAHL"));
        assert!(!pattern("zahl").matches(b"anzahl"));
        assert!(pattern("corp_*_pin").matches(b"CORP-DOOR-PIN"));
        assert!(!pattern("corp_*_pin").matches(b"corp_door_pins"));
        assert!(Pattern::new("*").is_none() && Pattern::new("  ").is_none());
    }
}
