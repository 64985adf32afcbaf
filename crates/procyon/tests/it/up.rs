//! `procyon up` from start to end.

use std::os::unix::process::ExitStatusExt;

use crate::bench::{Bench, Guard, Said, Up, eventually};

/// Asks with curl's stand-in: our own client through `--host`.
fn ps(bench: &Bench, up: &Up, token: Option<&str>) -> Said {
    let mut command =
        bench.command(&["ps", "--host", &up.base, "--json", "--columns", "pid,name,read", "--limit", "3"]);
    if let Some(token) = token {
        command.env("PROCYON_TOKEN", token);
    }
    command.output().unwrap().into()
}

#[test]
fn the_first_start_prints_a_link_and_later_ones_do_not() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    let token = up.token.clone().expect("the first start prints a sign-in link");
    let said = ps(&bench, &up, Some(&token));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.json()["items"].as_array().unwrap().len(), 3);
    let kept = std::fs::read_to_string(bench.path("state/tokens.json")).unwrap();
    assert!(!kept.contains(token.trim_start_matches("procyon_")), "only the hash is kept");
    let log = up.stop().join("\n");
    assert!(log.contains("started") && log.contains("stopping") && log.contains("stopped"), "{log}");
    assert!(!log.contains(&token), "no secret in the log");

    let up = Up::start(&bench, &[]);
    assert_eq!(up.token, None);
    let line = up.out.find("link");
    assert!(
        line.contains(&format!("{} token", env!("CARGO_BIN_EXE_procyon"))),
        "what to type, wherever the binary is: {line}"
    );
    assert_eq!(ps(&bench, &up, Some(&token)).code, 0, "the token outlives a restart");
    up.stop();
}

#[test]
fn who_has_no_token_sees_what_everybody_may_see() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    let said = ps(&bench, &up, None);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.err.contains("token"), "{}", said.err);
    assert_eq!(ps(&bench, &up, Some("procyon_wrong")).code, 3);
    let said = bench.run(&["ps", "--host", &up.base, "--limit", "2"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("Read/s"), "{}", said.out);
}

#[test]
fn without_anonymous_nobody_sees_anything_without_a_token() {
    let bench = Bench::new();
    let up = Up::start(&bench, &["--set", "api.anonymous=false"]);
    let said = bench.run(&["ps", "--host", &up.base, "--limit", "2"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("without a token, nobody is answered"), "{}", said.err);
    assert_eq!(ps(&bench, &up, up.token.as_deref()).code, 0);
}

/// With the certificate that the API's tests use: signed by itself, for localhost.
#[test]
fn a_certificate_that_one_signed_oneself_is_named() {
    let bench = Bench::new();
    let file = |name: &str| format!("{}/../api/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let (certificate, key) = (file("localhost.crt"), file("localhost.key"));
    let mut command = bench.command(&["up", "--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    let up = Up::spawn_at(&mut command, "https://");
    let ask = |arguments: &[&str]| {
        let mut command = bench.command(&["ps", "--host", &up.base, "--limit", "1"]);
        Said::from(command.args(arguments).env("PROCYON_TOKEN", up.token.as_deref().unwrap()).output().unwrap())
    };
    let said = ask(&["--cacert", &certificate]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = ask(&[]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("hint: name the server's certificate"), "{}", said.err);
}

#[test]
fn a_certificate_signs_in_from_the_command_line() {
    let bench = Bench::new();
    let file = |name: &str| format!("{}/../api/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let (certificate, key) = (file("localhost.crt"), file("localhost.key"));
    let authority = procyon_testkit::certificate::Authority::new("clients");
    let write = |name: &str, text: &str| {
        let path = bench.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let clients = write("clients.pem", &authority.certificate);
    let mut command = bench.command(&["up", "--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    command.args(["--tls-client-ca", &clients, "--set", "api.tls_client_operators=alice"]);
    let up = Up::spawn_at(&mut command, "https://");
    let alice = authority.client("alice");
    let bob = authority.client("bob");
    let stranger = procyon_testkit::certificate::Authority::new("clients").client("alice");
    let child = Guard::spawn("sleep", &["600"]);
    let signal = |name: &str, who: &procyon_testkit::certificate::Certified| {
        let (cert, key) = (write(&format!("{name}.pem"), &who.certificate), write(&format!("{name}.key"), &who.key));
        let pid = child.pid().to_string();
        let mut command =
            bench.command(&["signal", "CONT", &pid, "--yes", "--host", &up.base, "--cacert", &certificate]);
        command.args(["--cert", &cert, "--key", &key]);
        eventually("the process is seen", || {
            let said = Said::from(command.output().unwrap());
            (said.code != 4).then_some(said)
        })
    };
    let said = signal("alice", &alice);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = signal("bob", &bob);
    assert!(said.code != 0 && said.err.contains("`bob` is viewer"), "{}", said.err);
    let said = signal("stranger", &stranger);
    assert!(said.code == 5 && said.err.contains("does not accept our certificate"), "{}", said.err);
    // Half of it, or without TLS, is a mistake.
    assert_eq!(bench.run(&["ps", "--host", &up.base, "--cert", &clients]).code, 2);
    let plain = bench.run(&["ps", "--host", "http://127.0.0.1:1", "--cert", &clients, "--key", &key]);
    assert!(plain.code == 2 && plain.err.contains("https://"), "{}", plain.err);
    let said = Bench::new().run(&["up", "--listen", "127.0.0.1:0", "--tls-client-ca", &clients]);
    assert!(said.code == 2 && said.err.contains("need HTTPS"), "{}", said.err);
}

#[test]
fn a_token_whose_time_is_over_is_void() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    let token = bench.run(&["token", "new", "--expires", "2s", "--quiet"]).out.trim().to_owned();
    eventually("the token runs out", || (ps(&bench, &up, Some(&token)).code == 3).then_some(()));
    let token = bench.run(&["token", "new", "--expires", "1h", "--quiet"]).out.trim().to_owned();
    assert_eq!(ps(&bench, &up, Some(&token)).code, 0);
    assert_eq!(bench.run(&["token", "new", "--expires", "1"]).code, 2);
}

#[test]
fn a_link_leads_to_the_procyon_that_runs() {
    let bench = Bench::new();
    // Nobody runs: what the options say.
    let said = bench.run(&["token", "--set", "listen=127.0.0.1:9399"]);
    assert!(said.out.starts_with("http://127.0.0.1:9399/#token="), "{}", said.out);
    let mut up = Up::start(&bench, &[]);
    let said = bench.run(&["token"]);
    let link = said.out.lines().next().unwrap();
    let token = link.strip_prefix(&format!("{}/#token=", up.base)).unwrap_or_else(|| panic!("{link}"));
    assert_eq!(ps(&bench, &up, Some(token)).code, 0);
    let listed = bench.run(&["token", "list"]).out;
    assert!(listed.lines().skip(1).all(|line| line.ends_with("no end")), "{listed}");
    // Whatever socket it has.
    let other = Bench::new();
    let elsewhere = Up::start(&other, &["--socket", other.path("s.sock").to_str().unwrap()]);
    let said = other.run(&["token"]);
    assert!(said.out.starts_with(&format!("{}/#token=", elsewhere.base)), "{}", said.out);
    // One that was killed has left its address behind.
    up.process.0.kill().unwrap();
    up.process.wait();
    let said = bench.run(&["token", "--set", "listen=127.0.0.1:9399"]);
    assert!(said.out.starts_with("http://127.0.0.1:9399/#token="), "{}", said.out);
}

#[test]
fn tokens_are_made_and_taken_back_while_it_runs() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    let said = bench.run(&["token", "new", "--role", "viewer", "--name", "grafana", "--quiet"]);
    let token = said.out.trim().to_owned();
    assert_eq!(ps(&bench, &up, Some(&token)).code, 0);
    assert_eq!(bench.run(&["token", "new", "--name", "grafana"]).code, 2);
    let child = Guard::spawn("sleep", &["600"]);
    let mut signal = bench.command(&["signal", "KILL", &child.pid().to_string(), "--host", &up.base]);
    let said = eventually("the process is seen", || {
        let said = Said::from(signal.env("PROCYON_TOKEN", &token).output().unwrap());
        (said.code != 4).then_some(said)
    });
    assert_eq!(said.code, 3, "a viewer sends nothing: {}", said.err);
    let listed = bench.run(&["token", "list", "--json"]).json();
    assert!(
        listed.as_array().unwrap().iter().any(|token| token["name"] == "grafana" && token["role"] == "viewer"),
        "{listed}"
    );
    assert_eq!(bench.run(&["token", "revoke", "grafana"]).code, 0);
    eventually("the token is void", || (ps(&bench, &up, Some(&token)).code == 3).then_some(()));
}

#[test]
fn the_local_socket_knows_its_user() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    // Through the socket of the state folder: no token, and yet everything.
    let said = bench.run(&["ps", "--json", "--columns", "pid,read"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let mut child = Guard::spawn("sleep", &["600"]);
    let said = bench.run(&["signal", "TERM", &child.pid().to_string()]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(child.wait().signal(), Some(15));
    let audit = bench.audit();
    assert_eq!(audit.len(), 2);
    assert!(
        audit[0]["from"].as_str().unwrap().contains("uid") || audit[0]["name"].as_str().unwrap().contains("uid"),
        "{}",
        audit[0]
    );
    let said = bench.run(&["signal", "TERM", &up.process.pid().to_string()]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("does not signal itself"), "{}", said.err);
}

#[test]
fn a_port_in_use_names_its_holder_and_the_remedy() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    let address = up.base.trim_start_matches("http://");
    let other = Bench::new();
    let said = other.run(&["up", "--listen", address]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains(&format!("the port is in use by procyon (pid {})", up.process.pid())), "{}", said.err);
    assert!(said.err.contains("--listen"), "{}", said.err);
    let said = bench.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains(&format!("another procyon (pid {})", up.process.pid())), "{}", said.err);
}

#[test]
fn a_hangup_reads_the_options_again_and_a_bad_file_changes_nothing() {
    let bench = Bench::new();
    let file = bench.file("p.toml", "[log]\nlevel = \"info\"\n");
    let up = Up::start(&bench, &["--config", file.to_str().unwrap()]);
    std::fs::write(&file, "[log]\nlevle = \"debug\"\n").unwrap();
    up.signal("HUP");
    let line = up.err.find("mistake");
    assert!(line.contains("p.toml:2: unknown option log.levle; did you mean log.level?"), "{line}");
    assert_eq!(ps(&bench, &up, up.token.as_deref()).code, 0, "it runs on");
    std::fs::write(&file, "[log]\nlevel = \"debug\"\nformat = \"json\"\n").unwrap();
    up.signal("HUP");
    let line = up.err.find("started anew");
    assert!(line.contains("waiting=\"log.format\""), "{line}");
    up.stop();
}

#[test]
fn a_hangup_puts_new_options_in_force() {
    let bench = Bench::new();
    let file = bench.file("p.toml", "");
    let sleeper = Guard::spawn("sleep", &["600.125"]);
    let up = Up::start(&bench, &["--config", file.to_str().unwrap()]);
    let arguments = || {
        let filter = format!("pid == {}", sleeper.pid());
        let mut command = bench.command(&["ps", "--host", &up.base, "--json", "--columns", "cmd", "--filter", &filter]);
        let said = Said::from(command.env("PROCYON_TOKEN", up.token.as_deref().unwrap()).output().unwrap());
        (said.code == 0).then(|| said.json()["items"][0]["cmd"].clone())
    };
    eventually("the process is seen", || arguments().filter(|cmd| cmd == "sleep 600.125"));
    std::fs::write(&file, "[mask]\nstrip_args = true\n").unwrap();
    up.signal("HUP");
    // The same address, the same token, and what the option says.
    eventually("arguments are dropped", || arguments().filter(|cmd| cmd == "sleep"));
    // Options that nobody can start with change nothing.
    std::fs::write(
        &file,
        "[mask]\nstrip_args = true\n[history]\ndir = \"/proc/nowhere\"\n[api]\ntls_cert = \"/nowhere\"\n",
    )
    .unwrap();
    up.signal("HUP");
    up.err.find("the old ones stay in force");
    eventually("it goes on", || arguments().filter(|cmd| cmd == "sleep"));
    up.stop();
}

#[test]
fn the_log_goes_to_a_file_as_json() {
    let bench = Bench::new();
    let log = bench.path("log/procyon.log");
    let up = Up::start(&bench, &["--log-file", log.to_str().unwrap(), "--log-format", "json"]);
    let token = up.token.clone().unwrap();
    assert_eq!(up.stop(), Vec::<String>::new(), "nothing on standard error");
    let text = std::fs::read_to_string(&log).unwrap();
    let entries: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = entries.iter().filter_map(|entry| entry["message"].as_str()).collect();
    for message in ["started", "stopping", "stopped"] {
        assert!(messages.contains(&message), "{messages:?}");
    }
    assert!(entries.iter().all(|entry| entry["timestamp"].is_string() && entry["level"].is_string()));
    assert!(!text.contains(&token));
}

#[test]
fn the_socket_goes_with_the_program() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    assert!(bench.path("state/procyon.sock").exists());
    up.stop();
    assert!(!bench.path("state/procyon.sock").exists());
    // Killed, it leaves its socket behind; the next start takes it over.
    let mut up = Up::start(&bench, &[]);
    up.signal("KILL");
    assert_eq!(up.process.wait().signal(), Some(9));
    let up = Up::start(&bench, &[]);
    assert_eq!(bench.run(&["ps", "--limit", "1"]).code, 0);
    up.stop();
}

#[test]
fn read_only_takes_every_control_away() {
    let bench = Bench::new();
    let up = Up::start(&bench, &["--read-only"]);
    let mut child = Guard::spawn("sleep", &["600"]);
    let mut signal = bench.command(&["signal", "KILL", &child.pid().to_string(), "--host", &up.base]);
    signal.env("PROCYON_TOKEN", up.token.as_deref().unwrap());
    let said = eventually("the process is seen", || {
        let said = Said::from(signal.output().unwrap());
        (said.code != 4).then_some(said)
    });
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("read-only"), "{}", said.err);
    assert!(child.0.try_wait().unwrap().is_none());
    up.stop();
}
