//! How processes ended, in words.

use procyon_wire::history::{Ending, Sender};

/// How a process ended, to follow "ended" or to stand alone: `with code 3`, `by SIGKILL from bash (pid 77, uid 0), out of memory`. Empty
/// where nothing is known.
pub(crate) fn how(ending: &Ending) -> String {
    let ended = match ending.exit.as_ref().map(|exit| (exit.code, exit.signal.as_deref())) {
        Some((Some(code), _)) => format!("with code {code}"),
        Some((None, Some(signal))) => format!("by {signal}"),
        _ => String::new(),
    };
    let from = ending
        .sender
        .as_ref()
        .map_or_else(String::new, |Sender { pid, uid, name }| format!(" from {name} (pid {pid}, uid {uid})"));
    let word = |so: Option<bool>, word: &str| if so == Some(true) { word.to_owned() } else { String::new() };
    let words = [ended, from, word(ending.oom, ", out of memory"), word(ending.core, ", with a core file")].concat();
    words.trim_start_matches([',', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use procyon_wire::history::Exit;

    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        let code = Some(Exit { code: Some(3), signal: None });
        let kill = Some(Exit { code: None, signal: Some("SIGKILL".to_owned()) });
        let bash = Some(Sender { pid: 77, uid: 0, name: "bash".to_owned() });
        let (none, so) = (Ending::default(), Some(true));
        assert_eq!(how(&Ending { exit: code, oom: Some(false), ..none.clone() }), "with code 3");
        let killed = Ending { exit: kill, ..none.clone() };
        assert_eq!(how(&Ending { sender: bash, ..killed.clone() }), "by SIGKILL from bash (pid 77, uid 0)");
        assert_eq!(how(&Ending { oom: so, ..killed.clone() }), "by SIGKILL, out of memory");
        assert_eq!(how(&Ending { core: so, ..killed }), "by SIGKILL, with a core file");
        assert_eq!(how(&Ending { oom: so, ..none.clone() }), "out of memory");
        assert_eq!(how(&none), "");
    }
}
