//! Signals by name and number.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use procyon_diag::nearest;

/// A signal that can be sent, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

/// Names and signals in the order of their numbers on x86-64 and aarch64. Source: `signal(7)`.
pub const SIGNALS: &[(&str, Signal)] = {
    use rustix::process::Signal as S;
    const fn of(signal: S) -> Signal {
        Signal(signal.as_raw())
    }
    &[
        ("SIGHUP", of(S::HUP)),
        ("SIGINT", of(S::INT)),
        ("SIGQUIT", of(S::QUIT)),
        ("SIGILL", of(S::ILL)),
        ("SIGTRAP", of(S::TRAP)),
        ("SIGABRT", of(S::ABORT)),
        ("SIGBUS", of(S::BUS)),
        ("SIGFPE", of(S::FPE)),
        ("SIGKILL", of(S::KILL)),
        ("SIGUSR1", of(S::USR1)),
        ("SIGSEGV", of(S::SEGV)),
        ("SIGUSR2", of(S::USR2)),
        ("SIGPIPE", of(S::PIPE)),
        ("SIGALRM", of(S::ALARM)),
        ("SIGTERM", of(S::TERM)),
        ("SIGSTKFLT", of(S::STKFLT)),
        ("SIGCHLD", of(S::CHILD)),
        ("SIGCONT", of(S::CONT)),
        ("SIGSTOP", of(S::STOP)),
        ("SIGTSTP", of(S::TSTP)),
        ("SIGTTIN", of(S::TTIN)),
        ("SIGTTOU", of(S::TTOU)),
        ("SIGURG", of(S::URG)),
        ("SIGXCPU", of(S::XCPU)),
        ("SIGXFSZ", of(S::XFSZ)),
        ("SIGVTALRM", of(S::VTALARM)),
        ("SIGPROF", of(S::PROF)),
        ("SIGWINCH", of(S::WINCH)),
        ("SIGIO", of(S::IO)),
        ("SIGPWR", of(S::POWER)),
        ("SIGSYS", of(S::SYS)),
    ]
};

/// Numbers of the real-time signals as programs see them; the C library keeps the two below for itself, but the kernel
/// delivers these as well. Source: `signal(7)`, the same on every Linux but MIPS.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// Other names of the same signals.
const ALIASES: &[(&str, &str)] = &[("SIGPOLL", "SIGIO"), ("SIGIOT", "SIGABRT"), ("SIGCLD", "SIGCHLD")];

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(rustix::process::Signal::TERM.as_raw());
    /// Ends a process without asking.
    pub const KILL: Self = Self(rustix::process::Signal::KILL.as_raw());

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Its name, as `SIGTERM` or `SIGRTMIN+3`; its number where it has none.
    pub fn name(self) -> Cow<'static, str> {
        let (first, last) = (REAL_TIME.start(), REAL_TIME.end());
        match SIGNALS.iter().find(|(_, signal)| *signal == self) {
            Some((name, _)) => Cow::Borrowed(name),
            None if self.0 == *first => Cow::Borrowed("SIGRTMIN"),
            None if self.0 == *last => Cow::Borrowed("SIGRTMAX"),
            None if REAL_TIME.contains(&self.0) => Cow::Owned(format!("SIGRTMIN+{}", self.0 - first)),
            None => Cow::Owned(self.0.to_string()),
        }
    }

    /// Reads `SIGRTMIN`, `SIGRTMIN+3`, `SIGRTMAX-2`.
    fn real_time(name: &str) -> Option<Self> {
        let steps = |rest: &str, sign: char| match rest {
            "" => Some(0),
            _ => rest.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from),
        };
        let number = match name.strip_prefix("SIGRTMIN") {
            Some(rest) => REAL_TIME.start() + steps(rest, '+')?,
            None => REAL_TIME.end() - steps(name.strip_prefix("SIGRTMAX")?, '-')?,
        };
        REAL_TIME.contains(&number).then_some(Self(number))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no signal{}", .meant.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
pub struct NotASignal {
    /// What was typed.
    pub text: String,
    /// What was meant, perhaps.
    pub meant: Option<&'static str>,
}

impl FromStr for Signal {
    type Err = NotASignal;

    /// Reads `SIGTERM`, `sigterm`, `TERM`, `-TERM`, `15`, `RTMIN+3`, and every number from 1 to 64.
    fn from_str(text: &str) -> Result<Self, NotASignal> {
        let word = text.trim().trim_start_matches('-').to_ascii_uppercase();
        let name = if word.starts_with("SIG") { word.clone() } else { format!("SIG{word}") };
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, name)| name);
        let number = word.parse::<i32>().ok();
        let by_name = || SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal);
        let by_number = number.filter(|number| (1..=*REAL_TIME.end()).contains(number)).map(Self);
        by_number.or_else(by_name).or_else(|| Self::real_time(name)).ok_or_else(|| NotASignal {
            text: text.to_owned(),
            meant: nearest(name, SIGNALS.iter().map(|(known, _)| *known))
                .filter(|_| number.is_none() && !word.is_empty() && !name.starts_with("SIGRT")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_in_any_usual_way() {
        for text in ["SIGTERM", "TERM", "sigterm", "term", "15", "-TERM", "-15"] {
            assert_eq!(text.parse(), Ok(Signal::TERM), "{text}");
        }
        assert_eq!("IOT".parse::<Signal>().unwrap().name(), "SIGABRT");
        for (text, says) in [
            ("TREM", "`TREM` is no signal; did you mean SIGTERM?"),
            ("0", "`0` is no signal"),
            ("65", "`65` is no signal"),
            ("99", "`99` is no signal"),
            ("SIGRTMIN+31", "`SIGRTMIN+31` is no signal"),
            ("SIGRTMAX-31", "`SIGRTMAX-31` is no signal"),
            ("SIGRTMIN-1", "`SIGRTMIN-1` is no signal"),
            ("SIGRTMIN+-1", "`SIGRTMIN+-1` is no signal"),
            ("", "`` is no signal"),
            ("SIGBANANA", "`SIGBANANA` is no signal"),
        ] {
            assert_eq!(text.parse::<Signal>().unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn names_and_numbers_agree() {
        for (name, signal) in SIGNALS {
            assert_eq!(signal.name(), *name);
            assert_eq!(signal.number().to_string().parse(), Ok(*signal));
        }
        for number in 1..=64 {
            let signal: Signal = number.to_string().parse().unwrap();
            assert_eq!(signal.number(), number);
            assert_eq!(signal.name().parse(), Ok(signal), "{signal}");
        }
    }

    #[test]
    fn real_time_signals_have_numbers_and_names() {
        for (text, number, name) in [
            ("SIGRTMIN", 34, "SIGRTMIN"),
            ("RTMIN+0", 34, "SIGRTMIN"),
            ("sigrtmin+3", 37, "SIGRTMIN+3"),
            ("-RTMAX-2", 62, "SIGRTMIN+28"),
            ("SIGRTMAX", 64, "SIGRTMAX"),
            ("64", 64, "SIGRTMAX"),
            ("32", 32, "32"),
        ] {
            let signal: Signal = text.parse().unwrap();
            assert_eq!((signal.number(), &*signal.name()), (number, name), "{text}");
        }
    }
}
