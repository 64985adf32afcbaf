//! Exit codes, help, and a reader that leaves.

use std::process::{Command, Stdio};

use crate::bench::{Bench, Guard, Lines, Said, Up};

#[test]
fn every_outcome_has_its_exit_code() {
    let bench = Bench::new();
    for (arguments, code, says) in [
        (&["--version"][..], 0, "procyon 0."),
        (&["--help"], 0, "Exit codes:"),
        (&["up", "--help"], 0, "Examples:"),
        (&[], 2, "Usage:"),
        (&["pss"], 2, "similar subcommand"),
        (&["ps", "--lmit", "3"], 2, "--limit"),
        (&["up", "--lisen", "x"], 2, "--listen"),
        (&["up", "--listen", "9300"], 2, "has no port"),
        (&["ps", "--direct", "--columns", "rsss"], 2, "did you mean `rss`?"),
        (&["ps", "--direct", "--sort", "-cpuu"], 2, "did you mean `cpu`?"),
        (&["ps", "--direct", "--filter", "rss > "], 2, "bad filter"),
        (&["ps", "--direct", "--group", "usr"], 2, "did you mean `user`?"),
        (&["ps", "--host", "http://127.0.0.1:1"], 5, "could not ask the procyon at http://127.0.0.1:1"),
        (&["ps", "--socket", "/nonexistent"], 5, "no procyon answers"),
        (&["signal", "TREM", "1"], 2, "did you mean SIGTERM?"),
        (&["signal", "TERM", "x y"], 2, "names no process"),
        (&["signal", "TERM", "4194305"], 4, "there is no process 4194305"),
        (&["signal", "TERM", "1"], 3, "process 1"),
        (&["token", "revoke", "nobody"], 4, "there is no token"),
        (&["config", "check", "/nonexistent.toml"], 1, "could not read the file"),
        (&["completions", "fish"], 0, "complete -c procyon"),
        (&["up", "--listen", "0.0.0.0:0"], 2, "--insecure"),
    ] {
        let mut command = if arguments.is_empty() { bench.bare(arguments) } else { bench.command(arguments) };
        let said = Said::from(command.output().unwrap());
        assert_eq!(said.code, code, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.out.contains(says) || said.err.contains(says), "{arguments:?}: {}{}", said.out, said.err);
    }
}

#[test]
fn a_bad_filter_is_pointed_at() {
    let bench = Bench::new();
    let said = bench.run(&["ps", "--direct", "--filter", "rss > 1.MiB && nam == \"x\""]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("unknown field nam at column 16; did you mean name?"), "{}", said.err);
    let lines: Vec<&str> = said.err.lines().collect();
    let mark = lines.iter().position(|line| line.trim() == "^").unwrap();
    assert_eq!(lines[mark].find('^'), lines[mark - 1].find("nam"), "{}", said.err);
}

#[test]
fn a_running_procyon_points_at_a_bad_filter_as_well() {
    let bench = Bench::new();
    let _up = Up::start(&bench, &[]);
    let asked = ["ps", "--filter", "rss > 1.MiB && nam == \"x\""];
    let direct = bench.run(&[&asked[..], &["--direct"]].concat());
    let said = bench.run(&asked);
    assert_eq!((said.code, said.err), (2, direct.err));
    let said = bench.run(&["ps", "--group", "usr"]);
    assert!(said.code == 2 && said.err.contains("did you mean `user`?"), "{}", said.err);
}

#[test]
fn output_that_cannot_be_written_is_said_to_be_that() {
    let bench = Bench::new();
    for arguments in [&["mem"][..], &["disk", "--json"], &["config", "show"], &["ps", "--columns", "help"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let said = Said::from(bench.command(arguments).stdout(full).output().unwrap());
        assert_eq!(said.code, 1, "{arguments:?}");
        assert!(said.err.starts_with("error: could not write to standard output: "), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let bench = Bench::new();
    for arguments in [
        &["ps", "--direct", "--apart", "10ms"][..],
        &["ps", "--columns", "help"],
        &["--help"],
        &["completions", "bash"],
        &["config", "show"],
        &["doctor", "--json"],
    ] {
        let mut child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let err = Lines::of(child.stderr.take().unwrap());
        drop(child.stdout.take());
        let status = Guard(child).wait();
        assert_eq!(err.rest(), Vec::<String>::new(), "{arguments:?}");
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}

/// On a terminal, which `script` makes.
fn on_a_terminal(bench: &Bench, no_color: bool) -> String {
    let command =
        format!("{} ps --columns help --data {}", env!("CARGO_BIN_EXE_procyon"), bench.path("state").display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    if no_color {
        script.env("NO_COLOR", "1");
    }
    String::from_utf8(script.output().unwrap().stdout).unwrap()
}

#[test]
fn colours_are_for_terminals_whose_users_want_them() {
    let bench = Bench::new();
    let escape = '\u{1b}';
    assert!(on_a_terminal(&bench, false).contains(escape));
    assert!(!on_a_terminal(&bench, true).contains(escape));
    assert!(!bench.run(&["ps", "--columns", "help"]).out.contains(escape));
    assert!(!bench.run(&["nonsense"]).err.contains(escape));
}

#[test]
fn tokens_and_options_are_told_as_json() {
    let bench = Bench::new();
    let made = bench.run(&["token", "new", "--role", "viewer", "--name", "grafana", "--json"]).json();
    let secret = made["secret"].as_str().unwrap();
    assert!(made["link"].as_str().unwrap().ends_with(&format!("/#token={secret}")), "{made}");
    assert_eq!((&made["token"]["name"], &made["token"]["role"]), (&"grafana".into(), &"viewer".into()), "{made}");
    assert_eq!(bench.run(&["token", "--json"]).json()["token"]["role"], "operator");
    assert_eq!(
        bench.run(&["token", "revoke", "grafana", "--json"]).json(),
        serde_json::json!({ "revoked": "grafana" })
    );
    assert_eq!(bench.run(&["token", "revoke", "grafana", "--json"]).code, 4);

    let good = bench.run(&["config", "check", "--json"]).json();
    assert_eq!((&good["ok"], &good["mistakes"]), (&true.into(), &serde_json::json!([])), "{good}");
    let bad = bench.run(&["config", "check", "--json", "--set", "listne=127.0.0.1:1"]);
    assert_eq!(bad.code, 1, "{}", bad.err);
    let told: serde_json::Value = serde_json::from_str(&bad.out).unwrap();
    assert!(told["mistakes"][0].as_str().unwrap().contains("did you mean"), "{told}");
}
