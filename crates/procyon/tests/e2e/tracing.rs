//! T1, T2: `procyon trace` as its users meet it, with both engines.

use std::process::Output;

use serde_json::Value;

use crate::harness::{run, stderr};
use crate::privileges::for_nobody;

const ENGINES: [&str; 2] = ["ebpf", "ptrace"];

/// Traces a command; none where this machine does not let us.
fn traced(engine: &str, options: &[&str], command: &[&str]) -> Option<Output> {
    let output = run(&[&["trace", "--engine", engine], options, &["--"], command].concat());
    (output.status.code() != Some(3) || !stderr(&output).contains("could not trace")).then_some(output)
}

#[test]
fn a_command_is_told_from_its_first_call_to_its_end_and_its_code_is_passed_on() {
    for engine in ENGINES {
        let Some(output) = traced(engine, &[], &["sh", "-c", "echo canary; exit 3"]) else { continue };
        let text = stderr(&output);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("warning")).collect();
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b"canary\n"[..]), "{engine}: {text}");
        assert!(
            lines[0].starts_with("execve(\"") && lines[0].contains("[\"sh\", \"-c\", \"echo canary; exit 3\"]"),
            "{text}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("write(1, \"canary\\n\", 7)") && line.ends_with("= 7")),
            "{text}"
        );
        assert_eq!(lines.last(), Some(&"+++ exited with 3 +++"), "{engine}: {text}");
        assert!(lines[lines.len() - 2].starts_with("exit_group(3)"), "{engine}: {text}");
    }
}

#[test]
fn a_command_that_is_killed_takes_procyon_along() {
    use std::os::unix::process::ExitStatusExt;
    for engine in ENGINES {
        let Some(output) = traced(engine, &["-e", "%process"], &["sh", "-c", "kill -KILL $$"]) else { continue };
        assert_eq!(output.status.signal(), Some(9), "{engine}");
        assert!(stderr(&output).ends_with("+++ killed by SIGKILL +++\n"), "{engine}: {}", stderr(&output));
    }
}

#[test]
fn children_are_followed_when_asked_for() {
    for engine in ENGINES {
        let command = ["sh", "-c", "true; /bin/echo child; true"];
        let wrote = "write(1, \"child\\n\", 6)";
        let Some(alone) = traced(engine, &[], &command) else { continue };
        assert!(!stderr(&alone).contains(wrote), "{engine}");
        let followed = stderr(&traced(engine, &["-f"], &command).unwrap());
        let line = followed.lines().find(|line| line.contains(wrote)).unwrap_or_else(|| panic!("{engine}: {followed}"));
        assert!(line.starts_with("[pid "), "{line}");
    }
}

#[test]
fn json_is_an_object_a_line() {
    let Some(output) = traced("ebpf", &["--json", "-e", "openat", "--failed"], &["cat", "/nonexistent/canary"]) else {
        return;
    };
    let text = stderr(&output);
    let objects: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let call = objects.iter().find(|object| object["args"].as_str().is_some_and(|text| text.contains("canary")));
    let call = call.unwrap_or_else(|| panic!("{text}"));
    assert_eq!((&call["name"], &call["error"], &call["value"]), (&"openat".into(), &"ENOENT".into(), &(-2).into()));
    assert!(call["duration"].as_f64().unwrap() > 0.0 && call["at"].as_f64().unwrap() > 1.7e12, "{call}");
}

#[test]
fn counting_prints_a_table() {
    for engine in ENGINES {
        let Some(output) = traced(engine, &["-c"], &["cat", "/nonexistent/canary"]) else { continue };
        let text = stderr(&output);
        assert!(text.contains("% time     seconds"), "{engine}: {text}");
        let total = text.lines().find(|line| line.ends_with(" total")).unwrap();
        assert!(total.starts_with("100.00"), "{engine}: {text}");
        assert!(text.lines().any(|line| line.ends_with(" execve")), "{engine}: {text}");
    }
}

#[test]
fn mistakes_are_told_in_words() {
    let unknown = run(&["trace", "-e", "opennat", "--", "true"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean openat?"), "{}", stderr(&unknown));
    let nobody = run(&["trace", "3999999"]);
    assert_eq!(nobody.status.code(), Some(4));
    assert!(stderr(&nobody).contains("there is no process 3999999"), "{}", stderr(&nobody));
    let nothing = run(&["trace"]);
    assert_eq!(nothing.status.code(), Some(2));
    let no_program = run(&["trace", "--", "no-such-program-of-procyon"]);
    assert_eq!(no_program.status.code(), Some(4));
    assert!(stderr(&no_program).contains("could not run `no-such-program-of-procyon`"), "{}", stderr(&no_program));
}

/// Without rights the one engine names them and offers the other; nothing is chosen silently.
#[test]
fn without_rights_the_other_engine_is_offered() {
    let (folder, program) = for_nobody();
    let nobody = |program: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--", program]);
        command
    };
    let mut target = nobody("sleep").arg("30").spawn().unwrap();
    let traced = nobody(&program.to_string_lossy())
        .args(["trace", "--duration", "1s", &target.id().to_string()])
        .env("NO_COLOR", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = stderr(&traced);
    target.kill().unwrap();
    target.wait().unwrap();
    assert_eq!(traced.status.code(), Some(3), "{text}");
    assert!(text.contains("CAP_BPF") && text.contains("--engine ptrace"), "{text}");
}
