//! Colours on a terminal, none elsewhere. Nothing is said by colour alone.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::IsTerminal;

/// What a piece of text means; the palette turns it into a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something failed.
    Bad,
    /// Something is worth a look.
    Warn,
    /// All is well.
    Good,
    /// What to do.
    Hint,
    /// Heads and names.
    Strong,
    /// Less important than the rest.
    Faint,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Palette {
    /// No escape sequences at all.
    #[default]
    Plain,
    /// The sixteen colours of every terminal.
    Ansi,
}

impl Palette {
    /// Colours if `stream` is a terminal that has them and the user did not decline (`NO_COLOR`, <https://no-color.org>).
    pub fn of(stream: &impl IsTerminal) -> Self {
        Self::choose(stream.is_terminal(), std::env::var_os("NO_COLOR").as_deref(), std::env::var_os("TERM").as_deref())
    }

    fn choose(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let declined = no_color.is_some_and(|value| !value.is_empty());
        let dumb = term.is_none_or(|value| value == "dumb" || value.is_empty());
        if terminal && !declined && !dumb { Self::Ansi } else { Self::Plain }
    }

    /// `text` in this tone.
    pub fn paint(self, tone: Tone, text: impl Display) -> String {
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Warn => "33",
            Tone::Good => "32",
            Tone::Hint => "1;36",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        match self {
            Self::Plain => text.to_string(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_need_a_terminal_and_nobody_who_declines() {
        let xterm = Some(OsStr::new("xterm-256color"));
        assert_eq!(Palette::choose(true, None, xterm), Palette::Ansi);
        assert_eq!(Palette::choose(true, Some(OsStr::new("")), xterm), Palette::Ansi, "empty is as good as unset");
        assert_eq!(Palette::choose(true, Some(OsStr::new("1")), xterm), Palette::Plain);
        assert_eq!(Palette::choose(false, None, xterm), Palette::Plain);
        assert_eq!(Palette::choose(true, None, Some(OsStr::new("dumb"))), Palette::Plain);
        assert_eq!(Palette::choose(true, None, None), Palette::Plain);
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Palette::Plain.paint(Tone::Bad, "error"), "error");
        assert!(Palette::Ansi.paint(Tone::Bad, "error").contains("error"));
    }
}
