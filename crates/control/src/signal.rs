//! Signals by name and number.

use std::fmt;
use std::str::FromStr;

use procyon_diag::nearest;

/// A signal that can be sent by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(rustix::process::Signal);

/// Names and signals in the order of their numbers on x86-64 and aarch64. Source: `signal(7)`.
pub const SIGNALS: &[(&str, Signal)] = {
    use rustix::process::Signal as S;
    &[
        ("SIGHUP", Signal(S::HUP)),
        ("SIGINT", Signal(S::INT)),
        ("SIGQUIT", Signal(S::QUIT)),
        ("SIGILL", Signal(S::ILL)),
        ("SIGTRAP", Signal(S::TRAP)),
        ("SIGABRT", Signal(S::ABORT)),
        ("SIGBUS", Signal(S::BUS)),
        ("SIGFPE", Signal(S::FPE)),
        ("SIGKILL", Signal(S::KILL)),
        ("SIGUSR1", Signal(S::USR1)),
        ("SIGSEGV", Signal(S::SEGV)),
        ("SIGUSR2", Signal(S::USR2)),
        ("SIGPIPE", Signal(S::PIPE)),
        ("SIGALRM", Signal(S::ALARM)),
        ("SIGTERM", Signal(S::TERM)),
        ("SIGSTKFLT", Signal(S::STKFLT)),
        ("SIGCHLD", Signal(S::CHILD)),
        ("SIGCONT", Signal(S::CONT)),
        ("SIGSTOP", Signal(S::STOP)),
        ("SIGTSTP", Signal(S::TSTP)),
        ("SIGTTIN", Signal(S::TTIN)),
        ("SIGTTOU", Signal(S::TTOU)),
        ("SIGURG", Signal(S::URG)),
        ("SIGXCPU", Signal(S::XCPU)),
        ("SIGXFSZ", Signal(S::XFSZ)),
        ("SIGVTALRM", Signal(S::VTALARM)),
        ("SIGPROF", Signal(S::PROF)),
        ("SIGWINCH", Signal(S::WINCH)),
        ("SIGIO", Signal(S::IO)),
        ("SIGPWR", Signal(S::POWER)),
        ("SIGSYS", Signal(S::SYS)),
    ]
};

/// Other names of the same signals.
const ALIASES: &[(&str, &str)] = &[("SIGPOLL", "SIGIO"), ("SIGIOT", "SIGABRT"), ("SIGCLD", "SIGCHLD")];

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(rustix::process::Signal::TERM);
    /// Ends a process without asking.
    pub const KILL: Self = Self(rustix::process::Signal::KILL);

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0.as_raw()
    }

    /// Its name, as `SIGTERM`.
    pub fn name(self) -> &'static str {
        SIGNALS.iter().find(|(_, signal)| *signal == self).map_or("signal", |(name, _)| name)
    }

    pub(crate) const fn raw(self) -> rustix::process::Signal {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

    /// Reads `SIGTERM`, `sigterm`, `TERM`, `-TERM`, `15`.
    fn from_str(text: &str) -> Result<Self, NotASignal> {
        let word = text.trim().trim_start_matches('-').to_ascii_uppercase();
        let name = if word.starts_with("SIG") { word.clone() } else { format!("SIG{word}") };
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, name)| name);
        let by_number = word.parse::<i32>().ok();
        SIGNALS
            .iter()
            .find(|(known, signal)| *known == name || by_number == Some(signal.number()))
            .map(|(_, signal)| *signal)
            .ok_or_else(|| NotASignal {
                text: text.to_owned(),
                meant: nearest(name, SIGNALS.iter().map(|(known, _)| *known))
                    .filter(|_| by_number.is_none() && !word.is_empty()),
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
            ("99", "`99` is no signal"),
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
    }
}
