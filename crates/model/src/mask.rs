//! Takes secrets out of command lines before anything stores, sends or shows them.
//!
//! A word list alone is not enough (`mysql -pX`, `curl -u a:X` hold no telling word) and masks too much (`ssh -p 2222`,
//! `--tokenizer`), so masking reads a command line the way the commands themselves do:
//! - `command`: which program runs, also behind `sudo`, `env`, `docker exec`, `ssh host`, `sh -c '…'`, and which of its short
//!   options and arguments are secrets;
//! - `names`: which names of long options, variables, properties and JSON members stand for secrets;
//! - `inline`: secrets inside one argument: `NAME=value`, URLs with a password, query parameters, JSON, HTTP headers, and
//!   tokens that are known by their shape (GitHub, GitLab, Slack, JWT, PEM private keys and others) wherever they stand;
//! - `shell`: texts that are command lines themselves.
//!
//! Only the value is replaced, by [`MASK`]; every other byte stays as it is. What is left readable on purpose: user names,
//! paths of files that hold secrets (`--password-file=/etc/x`, `--private-key=/etc/key.pem`), AWS access key *ids*, `$VARIABLES` in
//! shell texts, and options that only ask (`--password-stdin`). In doubt a value is masked: a look-alike too many costs a reader a
//! moment, a secret too many costs the machine. No list is ever complete, hence `patterns` and `strip_args`.
//!
//! Pure functions on bytes in linear time. Nothing is allocated where nothing is masked. Environments of processes are never
//! read, here or elsewhere.

mod command;
mod inline;
mod line;
mod names;
mod shell;

use std::ops::Range;

use line::Line;
use names::Pattern;

/// What stands in place of a secret.
pub const MASK: &str = "••••";

/// Most patterns of [`Masker::new`].
pub const MAX_PATTERNS: usize = 100;

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// It would match everything or nothing.
    #[error("mask pattern {0:?} names nothing; write a word such as \"passcode\", or \"corp_*_pin\"")]
    Empty(String),
    /// More than [`MAX_PATTERNS`].
    #[error("more than {MAX_PATTERNS} mask patterns")]
    TooMany,
}

/// Masks command lines.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    patterns: Vec<Pattern>,
    strip_args: bool,
}

impl Masker {
    /// With further names whose values are secrets: a word (`passcode` finds `--passcode X`, `CORP_PASSCODE=X`), or a name
    /// with `*` for any letters (`corp_*_pin`). Case, `-` and `_` make no difference. With `strip_args` every argument
    /// is dropped, secret or not.
    pub fn new<S: AsRef<str>>(patterns: &[S], strip_args: bool) -> Result<Self, MaskError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(MaskError::TooMany);
        }
        let read =
            |pattern: &S| Pattern::new(pattern.as_ref()).ok_or_else(|| MaskError::Empty(pattern.as_ref().to_owned()));
        Ok(Self { patterns: patterns.iter().map(read).collect::<Result<_, _>>()?, strip_args })
    }

    /// Masks the arguments of a process, as `/proc/PID/cmdline` holds them: each ends with a NUL. Where something was masked
    /// the answer is true and `out` holds the new line; else `out` is empty and `argv` may be shown as it is.
    #[must_use = "when nothing was masked, the line is the argument and not `out`"]
    pub fn mask(&self, argv: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        if self.strip_args {
            let end = argv.iter().position(|byte| *byte == 0).unwrap_or(argv.len());
            // A process may write blanks over its NULs; the first word is what is left of the program then.
            let program = argv.get(..end).unwrap_or_default();
            let end = program.iter().position(|byte| *byte == b' ').unwrap_or(end);
            let rest = argv.get(end..).unwrap_or_default();
            if rest.iter().all(|byte| *byte == 0) {
                return false;
            }
            out.extend_from_slice(argv.get(..end).unwrap_or_default());
            return true;
        }
        let mut sink = Sink { source: argv, out, copied: 0, changed: false };
        self.arguments(argv, &mut sink);
        sink.finish()
    }

    fn arguments(&self, argv: &[u8], sink: &mut Sink<'_>) {
        let end = argv.len() - argv.iter().rev().take_while(|byte| **byte == 0).count();
        let only = !argv.iter().take(end).any(|byte| *byte == 0);
        let whole = 0..end;
        if only && line::has_blank(argv.get(whole.clone()).unwrap_or_default()) {
            // One argument with blanks: a title that the process wrote over its arguments, or a kernel-joined line.
            shell::text(self, sink, whole, shell::Trust::Command, 0);
            return;
        }
        let mut line = Line::new(self, 0);
        let mut start = 0;
        while start < end {
            let rest = argv.get(start..end).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            line.word(sink, start..start + length);
            start += length + 1;
        }
    }
}

/// The masked line while it is written: nothing is copied before the first secret.
struct Sink<'a> {
    source: &'a [u8],
    out: &'a mut Vec<u8>,
    copied: usize,
    changed: bool,
}

impl<'a> Sink<'a> {
    fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        self.source.get(range.clone()).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.get(at).copied()
    }

    /// Replaces a range. Ranges come from left to right; what was masked already stays so.
    fn mask(&mut self, range: Range<usize>) {
        let start = range.start.max(self.copied);
        if start >= range.end {
            return;
        }
        self.out.extend_from_slice(self.source.get(self.copied..start).unwrap_or_default());
        self.out.extend_from_slice(MASK.as_bytes());
        self.copied = range.end;
        self.changed = true;
    }

    fn finish(self) -> bool {
        if self.changed {
            self.out.extend_from_slice(self.source.get(self.copied..).unwrap_or_default());
        }
        self.changed
    }
}
