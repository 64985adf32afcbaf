//! How processes ended, in words.

use procyon_wire::history::{Exit, Sender};

/// How a process ended, to follow "ended" or to stand alone: `with code 3`, `by SIGKILL from bash (pid 77, uid 0), out of memory`. Empty
/// where nothing is known.
pub(crate) fn how(exit: Option<&Exit>, sender: Option<&Sender>, oom: bool, core: bool) -> String {
    let ended = match exit.map(|exit| (exit.code, exit.signal.as_deref())) {
        Some((Some(code), _)) => format!("with code {code}"),
        Some((None, Some(signal))) => format!("by {signal}"),
        _ => String::new(),
    };
    let from =
        sender.map_or_else(String::new, |Sender { pid, uid, name }| format!(" from {name} (pid {pid}, uid {uid})"));
    let word = |so: bool, word: &str| if so { word.to_owned() } else { String::new() };
    let words = [ended, from, word(oom, ", out of memory"), word(core, ", with a core file")].concat();
    words.trim_start_matches([',', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        let code = Exit { code: Some(3), signal: None };
        let kill = Exit { code: None, signal: Some("SIGKILL".to_owned()) };
        let bash = Sender { pid: 77, uid: 0, name: "bash".to_owned() };
        assert_eq!(how(Some(&code), None, false, false), "with code 3");
        assert_eq!(how(Some(&kill), Some(&bash), false, false), "by SIGKILL from bash (pid 77, uid 0)");
        assert_eq!(how(Some(&kill), None, true, false), "by SIGKILL, out of memory");
        assert_eq!(how(Some(&kill), None, false, true), "by SIGKILL, with a core file");
        assert_eq!(how(None, None, true, false), "out of memory");
        assert_eq!(how(None, None, false, false), "");
    }
}
