//! Prints an error and its causes once, at the edge.

use std::error::Error;
use std::io;

use crate::fault::{Fault, Hint};
use crate::kind::Kind;
use crate::paint::{Palette, Tone};

/// The kind of an error: that of the outermost [`Fault`] in its chain; an I/O error by its own kind.
pub fn kind_of(error: &(dyn Error + 'static)) -> Kind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.kind();
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::PermissionDenied => return Kind::NotPermitted,
                io::ErrorKind::NotFound => return Kind::NotFound,
                _ => {}
            }
        }
        next = error.source();
    }
    Kind::Failed
}

/// The hints of the outermost [`Fault`] that has any.
pub fn hint_of<'a>(error: &'a (dyn Error + 'static)) -> &'a [Hint] {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<Fault>() {
            Some(fault) if !fault.hints().is_empty() => return fault.hints(),
            _ => next = error.source(),
        }
    }
    &[]
}

/// The messages of an error and its causes, joined by colons. A cause that only repeats what stands before is left out.
pub fn message_of(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !message.is_empty() && !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = cause.source();
    }
    text
}

/// Writes `error: could not …: cause` and a line `hint: …` for each hint.
pub fn report(out: &mut dyn io::Write, palette: Palette, error: &(dyn Error + 'static)) -> io::Result<()> {
    writeln!(out, "{} {}", palette.paint(Tone::Bad, "error:"), message_of(error))?;
    for hint in hint_of(error) {
        writeln!(out, "{} {hint}", palette.paint(Tone::Hint, "hint:"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &(dyn Error + 'static)) -> String {
        let mut out = Vec::new();
        report(&mut out, Palette::Plain, error).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_chain_is_printed_once_and_the_hint_after_it() {
        let cause = io::Error::from_raw_os_error(1);
        let error = Fault::new(Kind::NotPermitted, "could not load the exec probe")
            .hint("grant it with `setcap cap_bpf+ep procyon`")
            .because(cause);
        assert_eq!(
            text(&error),
            "error: could not load the exec probe: Operation not permitted (os error 1)\n\
             hint: grant it with `setcap cap_bpf+ep procyon`\n"
        );
        assert_eq!(kind_of(&error), Kind::NotPermitted);
    }

    #[derive(Debug)]
    struct Context(Fault);

    impl std::fmt::Display for Context {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("could not do it")
        }
    }

    impl Error for Context {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_fault_deep_in_the_chain_decides_kind_and_hint() {
        let inner = Fault::new(Kind::NotFound, "no process 7").hint("list them with `procyon ps`");
        let outer = Context(inner);
        assert_eq!(kind_of(&outer), Kind::NotFound);
        assert_eq!(hint_of(&outer).len(), 1);
    }

    #[test]
    fn a_cause_that_repeats_the_message_is_not_said_twice() {
        let error = Fault::new(Kind::Failed, "could not open /x: no").because("no");
        assert_eq!(message_of(&error), "could not open /x: no");
    }
}
