//! Starting and stopping: what stands in the way is named, with the remedy.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use procyon_testkit::eventually;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Actor, SOON, Start, Up, open_folder, run, stderr, subscribe};
use crate::http::Place;

/// It ends with this code and says these words, without a panic.
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
    assert!(!said.contains("panick"), "{said}");
}

#[test]
fn a_port_in_use_names_who_uses_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = open_folder();
    let state = folder.path().join("state");
    let output = run(&["up", "--listen", &address, "--data", state.to_str().unwrap()]);
    let pid = std::process::id().to_string();
    fails(&output, 5, &[&address, "in use", &pid, "e2e", "--listen"]);
    // A start that failed does not use up the link that is printed once.
    drop(listener);
    let up = Start::program(&[], &crate::harness::procyon(), folder).up();
    assert!(up.link.contains("#token="));
}

#[test]
fn mistakes_in_options_name_place_and_remedy() {
    let folder = open_folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path("state");
    let up = |more: &[&str]| run(&[&["up", "--listen", "127.0.0.1:0", "--data", &data][..], more].concat());
    fails(&up(&["--lisen", "127.0.0.1:1"]), 2, &["--lisen", "--listen"]);
    fails(&run(&["upp"]), 2, &["upp", "up"]);
    fails(&up(&["--set", "collect.intervall=1s"]), 2, &["collect.intervall", "collect.interval"]);
    fails(&up(&["--set", "collect.interval=soon"]), 2, &["collect.interval", "soon"]);
    fails(&run(&["up", "--listen", "127.0.0.1", "--data", &data]), 2, &["127.0.0.1"]);
    fs::write(path("procyon.toml"), "listen = \"127.0.0.1:0\"\n\n[collect]\ninterval = \"1s\"\nintervall = \"2s\"\n")
        .unwrap();
    let file = format!("{}:5", path("procyon.toml"));
    fails(&up(&["--config", &path("procyon.toml")]), 2, &[&file, "intervall", "interval"]);
    fs::write(path("procyon.conf"), "listen=127.0.0.1:0\nread_onyl=true\n").unwrap();
    let file = format!("{}:2", path("procyon.conf"));
    fails(&up(&["--config", &path("procyon.conf")]), 2, &[&file, "read_onyl", "read_only"]);
    fails(&up(&["--config", &path("absent.toml")]), 2, &["absent.toml"]);
    // Off loopback nothing is served without TLS, unless somebody takes the blame.
    fails(&run(&["up", "--listen", "0.0.0.0:0", "--data", &data]), 2, &["0.0.0.0", "--tls-cert", "--insecure"]);
    fs::write(path("bad.pem"), "nonsense").unwrap();
    let bad = path("bad.pem");
    let output = up(&["--tls-cert", &bad, "--tls-key", &bad]);
    fails(&output, output.status.code().unwrap(), &["bad.pem"]);
    assert!(!output.status.success());
}

#[test]
fn folders_that_cannot_be_written_are_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = open_folder();
    let program = folder.path().join("procyon");
    fs::copy(crate::harness::procyon(), &program).unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = |arguments: &[&str]| {
        Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"])
            .arg(&program)
            .args(arguments)
            .env("HOME", "/nonexistent")
            .output()
            .unwrap()
    };
    let state = closed.join("state");
    fails(
        &nobody(&["up", "--listen", "127.0.0.1:0", "--data", state.to_str().unwrap()]),
        3,
        &[state.to_str().unwrap(), "ermission denied", "--data"],
    );
    fails(
        &nobody(&["up", "--listen", "127.0.0.1:0", "--data", closed.to_str().unwrap()]),
        3,
        &[closed.to_str().unwrap(), "ermission denied"],
    );
    // A file where the folder should be.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = run(&["up", "--listen", "127.0.0.1:0", "--data", file.to_str().unwrap()]);
    fails(&output, output.status.code().unwrap(), &[file.to_str().unwrap()]);
    assert!(!output.status.success());
    // Tokens that are no tokens.
    let damaged = folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("tokens.json"), "{").unwrap();
    fails(&run(&["up", "--listen", "127.0.0.1:0", "--data", damaged.to_str().unwrap()]), 1, &["tokens.json"]);
}

/// Runs a shell script that ends in procyon, with a file system of 64 KiB at `state`, seen by nobody else.
fn on_a_small_disk(folder: &std::path::Path, then: &str) -> String {
    let state = folder.join("state");
    fs::create_dir(&state).unwrap();
    format!("mount -t tmpfs -o size=64k,mode=700 none '{0}' && {then} && exec \"$@\"", state.display())
}

#[test]
fn a_full_disk_stops_neither_the_monitor_nor_the_truth() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // Full from the start: it says what it could not write.
    let folder = open_folder();
    let state = folder.path().join("state");
    let script =
        on_a_small_disk(folder.path(), &format!("{{ cat /dev/zero > '{}/fill' 2>/dev/null; true; }}", state.display()));
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", &script, "sh"])
        .arg(crate::harness::procyon())
        .args(["up", "--listen", "127.0.0.1:0", "--data", state.to_str().unwrap()])
        .output()
        .unwrap();
    fails(&output, 1, &[state.to_str().unwrap(), "o space left"]);

    // Full while it runs: frames go on, but no signal is sent that cannot be written down.
    let folder = open_folder();
    let script = on_a_small_disk(folder.path(), "true");
    let mut up = Start::program(&["unshare", "-m", "sh", "-c", &script, "sh"], &crate::harness::procyon(), folder).up();
    let inside = std::path::PathBuf::from(format!("/proc/{}/root{}", up.pid(), up.state().display()));
    let mut fill = fs::File::create(inside.join("fill")).unwrap();
    while std::io::Write::write_all(&mut fill, &[0; 4096]).is_ok() {}
    let actor = Actor::start(up.folder(), "bystander", &[]);
    let key = up.key(actor.pid());
    let signal = format!("/hosts/local/processes/{key}/signal");
    let problem = up.post_as(Some(&up.token), &signal, &json!({"signal": "SIGKILL"})).problem(500, "internal");
    assert!(problem["detail"].as_str().unwrap().contains("o space left"), "{problem}");
    assert!(actor.runs());
    let mut live = up.live(&subscribe(&["pid"]));
    live.next_of("full");
    live.next_of("delta");
    up.still_runs();
    // Room again: it works again, by itself.
    drop(fill);
    fs::remove_file(inside.join("fill")).unwrap();
    up.post_as(Some(&up.token), &signal, &json!({"signal": "SIGKILL"})).good();
    let audit = fs::read_to_string(inside.join("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"], "sent", "{audit}");
}

#[test]
fn one_state_folder_has_one_procyon() {
    let up = Up::start();
    let state = up.state();
    let output = run(&["up", "--listen", "127.0.0.1:0", "--data", state.to_str().unwrap()]);
    fails(&output, 5, &[state.to_str().unwrap(), &up.pid().to_string(), "--data"]);
    assert_eq!(up.get("/hosts").status, 200);
}

#[test]
fn it_ends_cleanly_and_starts_again_where_it_was() {
    for signal in [Signal::TERM, Signal::INT] {
        let up = Up::start();
        let state = up.state();
        let mut live = up.live(&subscribe(&["pid"]));
        live.next_of("full");
        let id = up.get("/hosts").good()["items"][0]["id"].clone();
        let token = up.token.clone();
        let (status, log) = up.end_but_keep(signal, |up| {
            // A client that is connected is told.
            let end = loop {
                match live.0.read() {
                    Ok(tungstenite::Message::Close(frame)) => break frame.map(|frame| u16::from(frame.code)),
                    Ok(_) => {}
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(end, Some(1001));
            // Nothing is left that would stand in the way; what has to stay has stayed.
            eventually("the end of its socket", SOON, || {
                (!state.join("procyon.sock").try_exists().unwrap()).then_some(())
            });
            let again = up.restart();
            assert_eq!(again.get_as(Some(&token), "/session").good()["role"], "operator");
            assert_eq!(again.get("/hosts").good()["items"][0]["id"], id);
        });
        assert!(status.success(), "{status}: {log}");
        assert!(log.contains("stopped") && !log.contains("panick") && !log.contains("ERROR"), "{log}");
    }
}

#[test]
fn a_kill_leaves_nothing_that_stands_in_the_way() {
    let up = Up::start();
    let state = up.state();
    let (_, log) = up.end_but_keep(Signal::KILL, |up| {
        assert!(state.join("procyon.sock").try_exists().unwrap(), "a killed one cannot clean up");
        let again = up.restart();
        assert_eq!(again.get("/session").good()["role"], "operator");
        let Place::Local(socket) = again.socket() else { unreachable!() };
        assert!(std::os::unix::net::UnixStream::connect(socket).is_ok());
    });
    assert!(!log.contains("panick"), "{log}");
}

#[test]
fn it_says_at_which_address_it_answers() {
    let up = Up::start();
    let Place::Tcp(address) = &up.place else { unreachable!() };
    assert!(address.ip().is_loopback() && address.port() > 0);
    let page = crate::http::request(&up.place, "GET", "/", &[], b"");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    // Every path that the page has leads to the page.
    let deep = crate::http::request(&up.place, "GET", "/host/local/connections", &[], b"");
    assert_eq!((deep.status, deep.body == page.body), (200, true));
}

#[test]
fn file_systems_are_left_out_by_mount_and_by_size() {
    let sizes = |up: &Up| {
        eventually("the file systems were asked", SOON, || {
            let figures = up.get("/hosts/local/figures?only=filesystems").good();
            let found = figures["filesystems"].as_array()?.iter();
            let found: Vec<_> =
                found.map(|one| (one["mount"].as_str().unwrap().to_owned(), one["size"].as_u64())).collect();
            (!found.is_empty()).then_some(found)
        })
    };
    let all = sizes(&Start::new().up());
    let largest = all.iter().filter_map(|(_, size)| *size).max().unwrap();
    let up = Start::new().args(&["--set", &format!("collect.smallest_filesystem={largest}B")]).up();
    assert!(sizes(&up).iter().all(|(_, size)| size.is_none_or(|size| size >= largest)));
    let Some((left_out, _)) = all.iter().find(|(mount, _)| mount != "/") else { return };
    let up = Start::new().args(&["--set", &format!("collect.skip_mounts={left_out}")]).up();
    assert!(sizes(&up).iter().all(|(mount, _)| mount != left_out), "{left_out}");
}
