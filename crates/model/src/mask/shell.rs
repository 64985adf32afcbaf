//! Texts that are command lines themselves: `sh -c '…'`, `ssh host '…'`, the title that a process gave itself.

use std::ops::Range;

use super::line::Line;
use super::{Masker, Sink};

/// How deep command lines nest: `ssh a "ssh b 'sh -c …'"`.
pub(super) const MAX_DEPTH: u8 = 4;

/// What a text with blanks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// A command line for sure.
    Command,
    /// Perhaps prose (`git commit -m "…"`): an option without `=` says nothing about the next word.
    Prose,
}

/// Masks what is secret in a text that a shell would split into words.
pub(super) fn text(masker: &Masker, sink: &mut Sink<'_>, range: Range<usize>, trust: Trust, depth: u8) {
    let start = Line::of_text(masker, trust, depth);
    let mut line = start.clone();
    let mut at = range.start;
    while at < range.end {
        let byte = sink.byte(at).unwrap_or_default();
        match byte {
            b' ' | b'\t' | 0 => at += 1,
            b';' | b'|' | b'\n' | b'(' | b')' | b'`' | b'{' | b'}' => {
                line = start.clone();
                at += 1;
            }
            // `&&` and `&` end a command; `>&2` does not.
            b'&' => {
                line = start.clone();
                at += 1;
            }
            _ => {
                let end = word_end(sink, at, range.end);
                line.word(sink, at..end);
                at = end;
            }
        }
    }
}

/// Where the word that begins at `start` ends: at a blank or an operator outside quotes.
fn word_end(sink: &Sink<'_>, start: usize, end: usize) -> usize {
    let word = sink.bytes(&(start..end));
    let mut quote = None;
    let mut skip = false;
    // Inside `$( … )` and `${ … }` blanks do not end the word.
    let mut open = 0_u32;
    let mut query = false;
    let mut previous = 0;
    for (length, byte) in word.iter().copied().enumerate() {
        if skip {
            skip = false;
        } else if byte == b'\\' && quote != Some(b'\'') {
            skip = true;
        } else if let Some(opened) = quote {
            if byte == opened {
                quote = None;
            }
        } else {
            match byte {
                b'"' | b'\'' => quote = Some(byte),
                b'(' | b'{' if previous == b'$' => open += 1,
                b')' | b'}' if open > 0 => open -= 1,
                b'?' => query = true,
                // In http://h/?a=1&token=x without quotes a reader sees one word, where a shell sees two commands.
                b'&' if query && !matches!(word.get(length + 1), Some(b'&' | b' ') | None) => {}
                b' ' | b'\t' | b'\n' | b';' | b'|' | b'&' | b'`' | b')' if open == 0 => return start + length,
                _ => {}
            }
        }
        previous = byte;
    }
    end
}
