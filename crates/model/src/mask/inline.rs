//! Secrets inside one argument, whatever the command.

mod token;
mod url;

use std::ops::Range;

use super::names::{self, Place, Secret};
use super::{MASK, Masker, Sink};

/// Masks what is secret in `range`. With `shell`, a value that is a variable stays readable.
pub(super) fn scan(masker: &Masker, sink: &mut Sink<'_>, range: Range<usize>, shell: bool) {
    let word = sink.bytes(&range);
    if !word.iter().any(|byte| is_trigger(*byte)) {
        return;
    }
    let last_at = word.iter().rposition(|byte| *byte == b'@').map(|at| range.start + at);
    let scan = Scan { masker, range: range.clone(), last_at, shell };
    let mut at = range.start;
    // Where the last try to read a token by its shape ended: a failed one is not tried again from its middle.
    let mut tried = range.start;
    while at < range.end {
        let next = match sink.byte(at) {
            Some(b':') => scan.colon(sink, at),
            Some(b'=') => scan.assignment(sink, at),
            Some(byte) if at >= tried && token::may_start(byte) && scan.at_border(sink, at) => {
                let (end, known) = token::read(sink.bytes(&(at..range.end)));
                tried = at + end;
                known.then(|| {
                    sink.mask(at..at + end);
                    at + end
                })
            }
            _ => None,
        };
        at = next.unwrap_or(at + 1).max(at + 1);
    }
}

/// Without one of these there is nothing to find: assignments, URLs, JSON, headers, tokens.
const fn is_trigger(byte: u8) -> bool {
    matches!(byte, b'=' | b':') || token::may_start(byte)
}

struct Scan<'m> {
    masker: &'m Masker,
    range: Range<usize>,
    last_at: Option<usize>,
    shell: bool,
}

impl Scan<'_> {
    fn at_border(&self, sink: &Sink<'_>, at: usize) -> bool {
        at == self.range.start || sink.byte(at - 1).is_some_and(|byte| !byte.is_ascii_alphanumeric())
    }

    /// Where the name that ends at `end` begins.
    fn name_start(&self, sink: &Sink<'_>, end: usize) -> usize {
        let before = sink.bytes(&(self.range.start..end));
        let length = before.iter().rev().take_while(|byte| is_name(**byte)).count();
        // Bounded, so that a value full of `=` costs no more than its length.
        end - length
    }

    /// `name=value` at its `=`.
    fn assignment(&self, sink: &mut Sink<'_>, at: usize) -> Option<usize> {
        let start = self.name_start(sink, at);
        let mut name = sink.bytes(&(start..at));
        while let Some((b'-', rest)) = name.split_first() {
            name = rest;
        }
        let before =
            start.checked_sub(1).filter(|before| *before >= self.range.start).and_then(|before| sink.byte(before));
        let query = matches!(before, Some(b'?' | b'&'));
        let place = if query { Place::Query } else { Place::Attached };
        // `==` and `=>` compare and point; they assign nothing.
        if matches!(sink.byte(at + 1), Some(b'=' | b'>')) && !query && before.is_some() {
            return None;
        }
        let alone = before.is_none()
            || before == Some(b'=')
            || start == self.range.start + 1 && matches!(before, Some(b'"' | b'\''));
        let value = || if alone { self.rest(sink, at + 1) } else { self.until_delimiter(sink, at + 1, query) };
        if let Some(kind) = names::secret(name, place, &self.masker.patterns) {
            let value = value();
            return self.mask_value(sink, value.clone(), kind).then_some(value.end);
        }
        if !(name.eq_ignore_ascii_case(b"key") || query && name.ends_with(b"key")) {
            return None;
        }
        // A value that stays is looked at again from its middle, so no more of it is read than a key can be long.
        let near = Scan { range: self.range.start..self.range.end.min(at + 2 + names::MAX_KEY), ..*self };
        let value = if alone { value() } else { near.until_delimiter(sink, at + 1, query) };
        let random = names::looks_random(sink.bytes(&value), if query { 16 } else { 20 });
        (random && self.mask_value(sink, value.clone(), Secret::Value)).then_some(value.end)
    }

    /// A colon: of a URL, a JSON member or an HTTP header.
    fn colon(&self, sink: &mut Sink<'_>, at: usize) -> Option<usize> {
        if sink.bytes(&(at..self.range.end)).starts_with(b"://") {
            return self.url(sink, at + 3);
        }
        if let Some(end) = self.without_scheme(sink, at) {
            return Some(end);
        }
        let before = sink.bytes(&(self.range.start..at));
        let blanks = before.iter().rev().take_while(|byte| **byte == b' ').count();
        let quoted = before.get(..before.len() - blanks).unwrap_or_default();
        if let Some((quote @ (b'"' | b'\''), inner)) = quoted.split_last() {
            let inner = inner.strip_suffix(b"\\").unwrap_or(inner);
            let end = self.range.start + inner.len();
            let start = self.name_start(sink, end);
            let opened = start > self.range.start && sink.byte(start - 1) == Some(*quote);
            return opened.then(|| self.member(sink, start..end, at + 1)).flatten();
        }
        let start = self.name_start(sink, at);
        let name = sink.bytes(&(start..at));
        let opened =
            start.checked_sub(1).filter(|before| *before >= self.range.start).and_then(|before| sink.byte(before));
        if opened == Some(b'{') {
            return self.member(sink, start..at, at + 1);
        }
        // `/password:value` of programs from Windows.
        if opened == Some(b'/') && start == self.range.start + 1 {
            let value = self.rest(sink, at + 1);
            let secret = names::secret(name, Place::Attached, &self.masker.patterns)?;
            return self.mask_value(sink, value.clone(), secret).then_some(value.end);
        }
        names::secret_header(name, &self.masker.patterns).then(|| self.header(sink, at + 1)).flatten()
    }

    /// The value of a JSON member.
    fn member(&self, sink: &mut Sink<'_>, name: Range<usize>, after: usize) -> Option<usize> {
        let secret = names::secret(sink.bytes(&name), Place::Attached, &self.masker.patterns)?;
        let blanks = sink.bytes(&(after..self.range.end)).iter().take_while(|byte| **byte == b' ').count();
        let value = self.until_delimiter(sink, after + blanks, false);
        self.mask_value(sink, value.clone(), secret).then_some(value.end)
    }

    /// The value of a header: to the end of the text, the scheme in front kept (`Bearer`).
    pub(super) fn header(&self, sink: &mut Sink<'_>, after: usize) -> Option<usize> {
        let rest = sink.bytes(&(after..self.range.end));
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let value = rest.get(blanks..).unwrap_or_default();
        let start = after + blanks;
        let length = value.iter().position(|byte| matches!(byte, b'"' | b'\'' | b'\n' | b'\r')).unwrap_or(value.len());
        let value = value.get(..length).unwrap_or_default();
        // `-storepass:env NAME` of keytool names where it is.
        if matches!(value, b"env" | b"file") {
            return None;
        }
        let scheme = value.iter().position(|byte| *byte == b' ').filter(|end| {
            let scheme = value.get(..*end).unwrap_or_default();
            [&b"bearer"[..], b"basic", b"token", b"digest", b"apikey", b"negotiate"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
        });
        let skip = scheme.map_or(0, |end| end + 1);
        self.mask_value(sink, start + skip..start + length, Secret::Value).then_some(start + length)
    }

    /// Everything up to the end, less the quotes around it.
    fn rest(&self, sink: &Sink<'_>, start: usize) -> Range<usize> {
        unquoted(sink, start..self.range.end)
    }

    /// A value among others: up to its closing quote, or to what separates it from the next.
    fn until_delimiter(&self, sink: &Sink<'_>, start: usize, query: bool) -> Range<usize> {
        let rest = sink.bytes(&(start..self.range.end));
        let escaped = rest.first() == Some(&b'\\') && matches!(rest.get(1), Some(b'"' | b'\''));
        let open = usize::from(escaped);
        if let Some(quote @ (b'"' | b'\'')) = rest.get(open) {
            let mut skip = false;
            let inner = rest.get(open + 1..).unwrap_or_default();
            let length = inner.iter().position(|byte| {
                let closes = byte == quote && (!skip || escaped);
                skip = *byte == b'\\' && !skip;
                closes
            });
            let length = length.map_or(inner.len(), |length| {
                // In `\"value\"` the backslash belongs to the closing quote.
                if escaped && length > 0 && inner.get(length - 1) == Some(&b'\\') { length - 1 } else { length }
            });
            return start + open + 1..start + open + 1 + length;
        }
        let ends = |byte: &u8| match byte {
            b'&' | b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'`' | b'<' | b'>' => true,
            b'#' => query,
            b',' | b';' | b')' | b'}' | b']' | b'|' | b'\\' => !query,
            _ => false,
        };
        start..start + rest.iter().position(ends).unwrap_or(rest.len())
    }

    fn mask_value(&self, sink: &mut Sink<'_>, value: Range<usize>, secret: Secret) -> bool {
        let bytes = sink.bytes(&value);
        if is_harmless(bytes)
            || secret == Secret::ValueOrPath && names::is_path(bytes)
            || self.shell && is_variable(bytes)
        {
            return false;
        }
        sink.mask(value);
        true
    }
}

/// Without the quotes around it; an opening quote alone goes as well.
pub(super) fn unquoted(sink: &Sink<'_>, range: Range<usize>) -> Range<usize> {
    match sink.bytes(&range) {
        [first @ (b'"' | b'\''), .., last] if first == last => range.start + 1..range.end - 1,
        [b'"' | b'\'', _, ..] => range.start + 1..range.end,
        _ => range,
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Values that are no secret: nothing, switches, what is masked already.
pub(super) fn is_harmless(value: &[u8]) -> bool {
    const WORDS: &[&str] = &["true", "false", "yes", "no", "none", "null", "on", "off"];
    value == MASK.as_bytes()
        || value.iter().all(|byte| *byte == b'*')
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// Longer ones are not looked through for what may be secret in them.
const MAX_VARIABLE: usize = 4096;

/// `$NAME`, `${NAME}`, `$(command)`: what a shell puts in later.
pub(super) fn is_variable(value: &[u8]) -> bool {
    if value.len() > MAX_VARIABLE {
        return false;
    }
    let name =
        |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match value {
        [b'$', b'{', inner @ .., b'}'] => name(inner),
        [b'$', b'(', .., b')'] => true,
        [b'$', inner @ ..] => name(inner),
        _ => false,
    }
}

/// A value that another part of the line showed to be a secret header.
pub(super) fn header_value(masker: &Masker, sink: &mut Sink<'_>, range: Range<usize>, after: usize, shell: bool) {
    let scan = Scan { masker, range, last_at: None, shell };
    scan.header(sink, after);
}
