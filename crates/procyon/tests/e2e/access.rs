//! X1: who sees and may do what.

use serde_json::json;

use crate::harness::{Actor, Start, Up, as_nobody, process_columns, run, stderr};
use crate::http::{self, Place};

/// What only somebody with a token sees of a process.
const PRIVATE: &[&str] =
    &["exe", "cwd", "read", "write", "rchar", "wchar", "read_total", "write_total", "rx", "tx", "pss", "uss", "wchan"];
/// What everybody on the machine sees anyway.
const PUBLIC: &[&str] = &["pid", "user", "name", "cmd", "cpu", "rss", "state", "threads", "start"];

#[test]
fn without_a_token_one_sees_what_every_local_user_sees() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "watched", &["--some=argument"]);
    let key = up.key(actor.pid());
    // As operator everything is there, so that its absence below means something.
    let seen = up.row_where(actor.pid(), |row| row["read_total"].is_u64() && row["exe"].is_string());
    assert!(seen["exe"].as_str().unwrap().contains("procyon-workload"), "{seen}");

    assert_eq!(up.get_as(None, "/session").good()["role"], "anonymous");
    let list = up.get_as(None, &format!("/hosts/local/processes?columns=*&limit=0&q=pid%3D%3D{}", actor.pid())).good();
    let frame = up.get_as(None, "/hosts/local/frame").good();
    let in_frame =
        frame["processes"].as_array().unwrap().iter().find(|row| row["key"] == key.as_str()).expect("the row");
    let detail = up.get_as(None, &format!("/hosts/local/processes/{key}")).good();
    for row in [&list["items"][0], in_frame, &detail["values"]] {
        for column in PRIVATE {
            assert!(row.get(column).is_none_or(serde_json::Value::is_null), "{column}: {row}");
        }
        for column in PUBLIC {
            assert!(!row[column].is_null(), "{column}: {row}");
        }
    }
    assert!(detail["connections"].is_null() && detail["listening"].is_null(), "{detail}");
    assert_eq!(detail["signal"]["allowed"], false);

    // The live WebSocket leaves private columns out, whatever is asked for.
    let mut live = up.socket_at("/api/v1/hosts/local/live", None, &[]).expect("a WebSocket");
    assert_eq!(live.next()["role"], "anonymous");
    live.say(&crate::harness::subscribe(&process_columns(&up).iter().map(String::as_str).collect::<Vec<_>>()));
    let full = live.next_of("full");
    let columns: Vec<&str> = full["columns"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(PUBLIC.iter().all(|id| columns.contains(id)), "{columns:?}");
    assert!(!PRIVATE.iter().any(|id| columns.contains(id)), "{columns:?}");

    // What is private is not to be had by filter, order or group either, nor in a chart.
    for path in [
        "/hosts/local/processes?columns=exe",
        "/hosts/local/processes?sort=-write",
        "/hosts/local/processes?q=write%3E0",
        "/hosts/local/connections?q=pid%3E0",
        &format!("/hosts/local/connections?key={key}"),
        "/hosts/local/top?by=write",
        &format!("/hosts/local/processes/{key}/files"),
        &format!("/hosts/local/processes/{key}/connections"),
        &format!("/hosts/local/series?scope=process&keys={key}&columns=write"),
    ] {
        let answer = up.get_as(None, path);
        assert!([401, 403].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
    }
    // Sockets are in files that everybody may read; whose they are is not.
    let sockets = up.get_as(None, "/hosts/local/connections?limit=0").good();
    for socket in sockets["items"].as_array().unwrap() {
        assert!(["pid", "key", "name", "user", "label", "inode"].iter().all(|id| socket.get(id).is_none()), "{socket}");
    }
    // A client behind a proxy on this machine is not on this machine.
    let Place::Tcp(address) = &up.place else { unreachable!() };
    let forwarded = http::request(&up.place, "GET", "/api/v1/hosts", &[("X-Forwarded-For", "192.0.2.7")], b"");
    forwarded.problem(401, "unauthorized");
    assert!(address.ip().is_loopback());
}

#[test]
fn viewers_see_everything_and_touch_nothing_until_their_token_is_taken_back() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "target", &[]);
    let key = up.key(actor.pid());
    let viewer = up.new_token("watcher", "viewer");
    let signal = json!({"signal": "SIGTERM"});

    assert_eq!(up.get_as(Some(&viewer), "/session").good()["role"], "viewer");
    assert_eq!(up.get_as(Some(&viewer), &format!("/hosts/local/processes/{key}/files")).status, 200);
    up.post_as(Some(&viewer), &format!("/hosts/local/processes/{key}/signal"), &signal).problem(403, "forbidden");
    up.post_as(None, &format!("/hosts/local/processes/{key}/signal"), &signal).problem(401, "unauthorized");
    up.post_as(Some("wrong"), &format!("/hosts/local/processes/{key}/signal"), &signal).problem(401, "unauthorized");
    let kill = format!("/monitor/process/kill/{}", actor.pid());
    assert_eq!(up.ask(Some(&viewer), "POST", &kill, b"").json()["code"], 403);
    assert_eq!(up.ask(None, "GET", &kill, b"").json()["code"], 401);
    assert_eq!(up.row(actor.pid())["key"], key.as_str(), "it still runs");

    // A browser exchanges the token for a cookie; the cookie ends with the token.
    let signed_in = up.post_as(None, "/session", &json!({"token": viewer}));
    assert_eq!(signed_in.good()["role"], "viewer");
    let cookie = signed_in.header("set-cookie").expect("a cookie").to_owned();
    for part in ["procyon_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let by_cookie =
        |method: &str, path: &str, body: &[u8]| http::request(&up.place, method, path, &[("Cookie", &cookie)], body);
    assert_eq!(by_cookie("GET", "/api/v1/session", b"").good()["role"], "viewer");
    assert!(up.log().find(&viewer).is_none(), "the log holds the token");

    let output = up.cli(&["token", "revoke", "watcher"]);
    assert!(output.status.success(), "{}", stderr(&output));
    up.get_as(Some(&viewer), "/session").problem(401, "unauthorized");
    assert_eq!(by_cookie("GET", "/api/v1/session", b"").good()["role"], "anonymous");
    up.post_as(None, "/session", &json!({"token": viewer})).problem(401, "unauthorized");

    // Signing out ends a session while its token lives on.
    let signed_in = up.post_as(None, "/session", &json!({"token": up.token}));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let by_cookie =
        |method: &str| http::request(&up.place, method, "/api/v1/session", &[("Cookie", &cookie)], b"").good();
    assert_eq!(by_cookie("GET")["role"], "operator");
    by_cookie("DELETE");
    assert_eq!(by_cookie("GET")["role"], "anonymous");

    // What is kept of a token does not let anybody in.
    let kept = std::fs::read_to_string(up.state().join("tokens.json")).unwrap();
    assert!(!kept.contains(&up.token), "{kept}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(up.state().join("tokens.json")).unwrap());
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn read_only_takes_every_control_away() {
    let up = Start::new().arg("--read-only").up();
    let actor = Actor::start(up.folder(), "target", &[]);
    let key = up.key(actor.pid());
    assert_eq!(up.get("/session").good()["read_only"], true);
    assert_eq!(up.get(&format!("/hosts/local/processes/{key}")).good()["signal"]["allowed"], false);
    up.post_as(Some(&up.token), &format!("/hosts/local/processes/{key}/signal"), &json!({"signal": "SIGTERM"}))
        .problem(403, "forbidden");
    let answer = up.ask(Some(&up.token), "POST", &format!("/monitor/process/kill/{}", actor.pid()), b"");
    assert_eq!(answer.json()["code"], 403);
    assert_eq!(up.row(actor.pid())["key"], key.as_str(), "it still runs");
}

#[test]
fn the_kernel_vouches_for_users_of_the_local_socket() {
    let up = Up::start();
    let actor = Actor::start(up.folder(), "target", &[]);
    let key = up.key(actor.pid());
    let session = http::request(&up.socket(), "GET", "/api/v1/session", &[], b"").good();
    assert_eq!(
        (session["role"].as_str(), session["name"].as_str()),
        (Some("operator"), Some("uid 0")),
        "root by its uid"
    );
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The state folder lets nobody in, so the socket goes where everybody gets to.
    drop(up);
    let up = {
        let start = Start::new();
        let place = start.folder().join("open.sock");
        start.args(&["--socket", place.to_str().unwrap()]).up()
    };
    let place = up.folder().join("open.sock");
    let ask = |method: &str, path: &str, body: &str| {
        as_nobody(|| http::request(&Place::Local(place.clone()), method, path, &[], body.as_bytes()))
    };
    let session = ask("GET", "/api/v1/session", "").good();
    assert_eq!(
        (session["role"].as_str(), session["name"].as_str()),
        (Some("anonymous"), Some("uid 65534")),
        "{session}"
    );
    ask("POST", &format!("/api/v1/hosts/local/processes/{key}/signal"), "{\"signal\":\"SIGTERM\"}")
        .problem(401, "unauthorized");
    ask("GET", &format!("/api/v1/hosts/local/processes/{key}/files"), "").problem(401, "unauthorized");
    assert!(actor.runs());
    // The command line as root goes by the same socket.
    let listed = run(&[
        "ps",
        "--json",
        "--socket",
        place.to_str().unwrap(),
        "--columns",
        "pid,exe",
        "--filter",
        &format!("pid == {}", actor.pid()),
    ]);
    assert!(listed.status.success(), "{}", stderr(&listed));
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(listed["items"][0]["exe"].is_string(), "{listed}");
}

#[test]
fn other_sites_and_rebound_names_get_nothing() {
    let up = Up::start();
    let Place::Tcp(address) = up.place.clone() else { unreachable!() };
    let token = format!("Bearer {}", up.token);
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1"] {
        for path in ["/", "/api/v1/hosts", "/api/v1/session", "/api/v1/openapi.json"] {
            http::request(&up.place, "GET", path, &[("Host", host), ("Authorization", &token)], b"")
                .problem(403, "forbidden");
        }
        let envelope = http::request(&up.place, "GET", "/monitor/host/snapshot", &[("Host", host)], b"").json();
        assert_eq!(envelope["code"], 403, "{envelope}");
    }
    for host in [format!("localhost:{}", address.port()), format!("127.0.0.1:{}", address.port()), "[::1]".to_owned()] {
        assert_eq!(http::request(&up.place, "GET", "/api/v1/hosts", &[("Host", &host)], b"").status, 200, "{host}");
    }
    let live = "/api/v1/hosts/local/live";
    let other_port = format!("http://127.0.0.1:{}", if address.port() == 1 { 2 } else { address.port() - 1 });
    for origin in ["http://evil.example", "null", other_port.as_str()] {
        for path in [live, "/monitor/process/stream", "/monitor/host/stream"] {
            assert_eq!(
                up.socket_at(path, Some(&up.token), &[("Origin", origin)]).err(),
                Some(403),
                "{path} from {origin}"
            );
        }
        let headers = [("Origin", origin), ("Authorization", token.as_str())];
        let body = json!({"token": up.token}).to_string();
        http::request(&up.place, "POST", "/api/v1/session", &headers, body.as_bytes()).problem(403, "forbidden");
    }
    assert_eq!(up.socket_at(live, Some(&up.token), &[("Host", "evil.example")]).err(), Some(403));
    assert!(up.socket_at(live, Some(&up.token), &[("Origin", &format!("http://{address}"))]).is_ok());

    // A page of another port of this machine is another site, though cookies do not know ports.
    let signed_in = up.post_as(None, "/session", &json!({"token": up.token}));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let actor = Actor::start(up.folder(), "target", &[]);
    let kill = format!("/monitor/process/kill/{}", actor.pid());
    let image = http::request(&up.place, "GET", &kill, &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-site")], b"");
    assert_eq!(image.json()["code"], 403);
    let bare = http::request(&up.place, "GET", &kill, &[("Cookie", &cookie)], b"");
    assert_eq!(bare.json()["code"], 403);
    let form = [("Cookie", cookie.as_str()), ("Content-Type", "text/plain")];
    let key = up.key(actor.pid());
    http::request(
        &up.place,
        "POST",
        &format!("/api/v1/hosts/local/processes/{key}/signal"),
        &form,
        b"{\"signal\":\"SIGKILL\"}",
    )
    .problem(400, "bad-request");
    assert!(actor.runs());

    // Nothing that is answered may be framed, sniffed or kept.
    let page = http::request(&up.place, "GET", "/", &[], b"");
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    for part in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("access-control-allow-origin"), None);
}

#[test]
fn guessing_tokens_gets_slower_and_the_right_one_still_works() {
    let up = Up::start();
    let statuses: Vec<u16> = (0..12).map(|n| up.get_as(Some(&format!("guess{n}")), "/hosts").status).collect();
    assert_eq!(statuses.first(), Some(&401), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(up.get("/session").good()["role"], "operator");
}
