//! Source text to tokens.

use std::ops::Range;

use crate::error::Fault;
use crate::number::Number;
use crate::unit;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A name or `true`, `false`, `null`, `in`.
    Word,
    Number(Literal),
    Text(Vec<u8>),
    /// An operator or bracket.
    Symbol(&'static str),
    End,
}

/// A number as written, wrapped so that tokens can be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Literal(pub(crate) Number);

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        self.0.order(other.0).is_eq()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ",", ".",
    "?", ":",
];

pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(crate) const fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Token, Fault> {
        self.skip_blank();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token { kind: TokenKind::End, span: start..start });
        };
        let second = self.rest().chars().nth(1);
        let kind = match first {
            '"' | '\'' => self.text(false, false)?,
            'r' | 'R' if matches!(second, Some('"' | '\'')) => {
                self.at += 1;
                self.text(true, false)?
            }
            'b' | 'B' if matches!(second, Some('"' | '\'')) => {
                self.at += 1;
                self.text(false, true)?
            }
            '0'..='9' => self.number()?,
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number()?,
            c if c.is_ascii_alphabetic() || c == '_' => {
                self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
                TokenKind::Word
            }
            c => self.symbol(c)?,
        };
        Ok(Token { kind, span: start..self.at })
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind, Fault> {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
            self.at += symbol.len();
            return Ok(TokenKind::Symbol(symbol));
        }
        let span = self.at..self.at + first.len_utf8();
        let meant = match first {
            '=' => Some("=="),
            '&' => Some("&&"),
            '|' => Some("||"),
            '“' | '”' | '„' | '‘' | '’' => Some("\""),
            '（' => Some("("),
            '）' => Some(")"),
            '，' => Some(","),
            '≥' => Some(">="),
            '≤' => Some("<="),
            '≠' => Some("!="),
            _ => None,
        };
        Err(Fault::syntax(span, format!("unexpected {first:?}").replace('\'', "")).suggest(meant))
    }

    fn number(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            let value = u64::from_str_radix(digits, 16).map(Number::Uint).ok();
            return self.end_of_number(start, value);
        }
        self.take_while(|c| c.is_ascii_digit());
        let mut whole = true;
        let mut after = self.rest().chars();
        // A dot belongs to the number only before a digit: in `10.GiB` it selects a unit.
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            whole = false;
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        if let Some(length) = exponent(self.rest()) {
            whole = false;
            self.at += length;
        }
        let digits = self.source.get(start..self.at).unwrap_or_default();
        let value = if whole {
            digits.parse().map(Number::Uint).ok()
        } else {
            digits.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
        };
        if whole && self.rest().starts_with(['u', 'U']) && !self.rest().starts_with("us") {
            self.at += 1;
        }
        self.end_of_number(start, value)
    }

    fn end_of_number(&mut self, start: usize, value: Option<Number>) -> Result<TokenKind, Fault> {
        let number = self.source.get(start..self.at).unwrap_or_default();
        let tail = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let span = start..self.at;
        if !tail.is_empty() {
            let known = unit::names().find(|name| *name == tail);
            let meant = known.or_else(|| crate::nearest::nearest(tail, unit::names()));
            return Err(Fault::syntax(span, format!("unexpected {tail} right after {number}"))
                .suggest(meant.map(|unit| format!("{number}.{unit}")))
                .hint("units stand behind a dot: 10.GiB"));
        }
        value.map(|value| TokenKind::Number(Literal(value))).ok_or_else(|| Fault::syntax(span, "number too large"))
    }

    fn text(&mut self, raw: bool, bytes: bool) -> Result<TokenKind, Fault> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('"', |(_, c)| c);
        let mut text = Vec::new();
        let mut buffer = [0; 4];
        while let Some((offset, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + offset + 1;
                    return Ok(TokenKind::Text(text));
                }
                '\n' => break,
                '\\' if !raw => {
                    let escape = start + offset;
                    let taken = chars.as_str();
                    let length =
                        unescape(taken, bytes, &mut text).ok_or_else(|| bad_escape(self.source, escape, taken))?;
                    for _ in 0..length {
                        chars.next();
                    }
                }
                c => text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        Err(Fault::syntax(start..start + 1, format!("text without closing {quote}")))
    }
}

/// Length of `e10`, `E-3` at the start of `rest`.
fn exponent(rest: &str) -> Option<usize> {
    let tail = rest.strip_prefix(['e', 'E'])?;
    let digits = tail.strip_prefix(['+', '-']).unwrap_or(tail);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then(|| rest.len() - digits.len() + length)
}

fn bad_escape(source: &str, at: usize, rest: &str) -> Fault {
    let end = rest.chars().next().map_or(at + 1, |c| at + 1 + c.len_utf8());
    let written = source.get(at..end).unwrap_or_default();
    Fault::syntax(at..end, format!("unknown escape {written}"))
        .hint("write r\"…\" for text with backslashes, such as regular expressions")
}

/// Appends what the escape behind a backslash stands for; how many characters it took.
fn unescape(rest: &str, bytes: bool, text: &mut Vec<u8>) -> Option<usize> {
    let kind = rest.chars().next()?;
    let plain = match kind {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        '\\' | '\'' | '"' | '`' | '?' => u8::try_from(kind).ok()?,
        'x' | 'X' => return code(rest.get(1..3)?, 16, bytes, text).map(|()| 3),
        'u' if !bytes => return code(rest.get(1..5)?, 16, false, text).map(|()| 5),
        'U' if !bytes => return code(rest.get(1..9)?, 16, false, text).map(|()| 9),
        '0'..='3' => return code(rest.get(0..3)?, 8, bytes, text).map(|()| 3),
        _ => return None,
    };
    text.push(plain);
    Some(1)
}

/// A character by number; in bytes literals a byte.
fn code(digits: &str, radix: u32, bytes: bool, text: &mut Vec<u8>) -> Option<()> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok()?;
    if bytes {
        text.push(u8::try_from(number).ok()?);
    } else {
        let mut buffer = [0; 4];
        text.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut buffer).as_bytes());
    }
    Some(())
}
