//! What a call returned.

use super::printer::{Printer, low};
use crate::names::errors;

/// How a result is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// A number with its sign.
    Number,
    /// A number in base 16.
    Hex,
    /// Rights of a file.
    Octal,
    /// A descriptor.
    Descriptor,
    /// A number that is never an error.
    Always,
    /// The call does not come back.
    Never,
    /// By a function.
    By(fn(&mut Printer<'_>, u64)),
}

impl Printer<'_> {
    /// Tells the result; the error's name of a call that failed.
    pub(crate) fn result(&mut self, answer: Answer) -> Option<&'static str> {
        match self.call.returned {
            _ if matches!(answer, Answer::Never) => self.put("?"),
            None => self.put("?"),
            Some(_) => {
                if !matches!(answer, Answer::Always)
                    && let Some(error) = self.error()
                {
                    return Some(self.failure(error));
                }
                let value = self.call.returned.map_or(0, |returned| returned.result).cast_unsigned();
                match answer {
                    Answer::Hex => self.hex(value),
                    Answer::Octal => self.octal(value),
                    Answer::Descriptor if value <= 0x7fff_ffff => self.descriptor(low(value)),
                    Answer::By(tell) => tell(self, value),
                    _ => self.signed(value.cast_signed()),
                }
            }
        }
        None
    }

    fn failure(&mut self, error: u64) -> &'static str {
        if let Some((name, words)) = errors::restart(error) {
            self.format(format_args!("? {name} ({words})"));
            return name;
        }
        if let Some((name, words)) = errors::error(error) {
            self.format(format_args!("-1 {name} ({words})"));
            return name;
        }
        self.format(format_args!("-1 (errno {error})"));
        ""
    }
}
