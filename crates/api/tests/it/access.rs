//! Who may do what: roles, tokens, sessions, host names, origins.

use std::os::unix::net::UnixStream;

use procyon_api::access::tokens::Role;
use procyon_api::{Config, Server};
use procyon_units::SystemClock;
use serde_json::json;

use crate::client::Ask;
use crate::site::Site;

#[test]
fn without_a_token_loopback_reads_what_every_user_reads() {
    let site = Site::start();
    let own = site.key(std::process::id());
    let session = site.ask(&Ask::get("/api/v1/session")).json();
    assert_eq!(session, json!({ "role": "anonymous", "name": "anonymous", "read_only": false }));
    let table = site.ask(&Ask::get("/api/v1/hosts/local/processes?columns=*&limit=0")).json();
    let detail = site.ask(&Ask::get(&format!("/api/v1/hosts/local/processes/{own}"))).json();
    for hidden in ["cwd", "exe", "read", "write", "rchar_total", "rx"] {
        assert!(table["items"].as_array().unwrap().iter().all(|row| row.get(hidden).is_none()), "{hidden} is shown");
        assert!(detail["values"].get(hidden).is_none(), "{hidden} is shown");
        assert!(detail["absent"][hidden].as_str().unwrap().starts_with("forbidden"), "{hidden}");
        for path in [
            format!("/api/v1/hosts/local/processes?columns={hidden}"),
            format!("/api/v1/hosts/local/processes?sort=-{hidden}"),
            format!("/api/v1/hosts/local/processes?q=has({hidden})"),
        ] {
            assert_eq!(site.ask(&Ask::get(&path)).status, 401, "{path}");
        }
    }
    assert!(detail["connections"].is_null() && detail["listening"].is_null());
    for closed in ["files", "connections"] {
        assert_eq!(
            site.ask(&Ask::get(&format!("/api/v1/hosts/local/processes/{own}/{closed}"))).status,
            401,
            "{closed}"
        );
    }
    for path in ["/api/v1/hosts/local/series?scope=process&columns=write&from=-1m", "/api/v1/hosts/local/top?by=read"] {
        assert_eq!(site.ask(&Ask::get(path)).status, 401, "{path}");
    }
    let sockets = site.ask(&Ask::get("/api/v1/hosts/local/connections?limit=0")).json();
    assert!(sockets["items"].as_array().unwrap().iter().all(|socket| socket.get("pid").is_none()));
    assert_eq!(site.ask(&Ask::get("/api/v1/health")).json()["capabilities"], json!([]));
}

#[test]
fn metrics_tell_of_every_process_and_take_a_viewer() {
    let site = Site::start();
    assert_eq!(site.ask(&Ask::get("/metrics")).status, 401);
    let viewer = format!("Bearer {}", site.viewer);
    let ask = Ask::get("/metrics?collect[]=cpu").with("authorization", &viewer).with("accept", "text/plain");
    let reply = site.ask(&ask);
    assert_eq!((reply.status, reply.text().as_str()), (200, "query collect[]=cpu accept text/plain"));
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[test]
fn a_wrong_token_is_never_taken_for_none() {
    let site = Site::start();
    for wrong in ["Bearer banana", "Basic dTpw", "banana", "Bearer "] {
        let reply = site.ask(&Ask::get("/api/v1/hosts").with("authorization", wrong));
        assert!(matches!(reply.status, 401 | 429), "{wrong}: {}", reply.status);
    }
    assert_eq!(site.ask(&Ask::get(&format!("/api/v1/hosts?token={}", site.operator))).status, 400);
}

#[test]
fn guessing_is_slowed_down_and_locks_nobody_out() {
    let site = Site::start();
    let statuses: Vec<u16> = (0..7).map(|_| site.ask(&Ask::get("/api/v1/hosts").token("wrong")).status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let reply = site.ask(&Ask::get("/api/v1/hosts").token("wrong"));
    assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 2);
    assert_eq!(site.ask(&Ask::get("/api/v1/hosts").token(&site.viewer)).status, 200);
}

#[test]
fn roles_may_what_they_may() {
    let site = Site::start();
    let own = site.key(std::process::id());
    let path = format!("/api/v1/hosts/local/processes/{own}/signal");
    let ask = Ask::post(&path, &json!({ "signal": "TERM" }));
    assert_eq!(site.ask(&ask).status, 401);
    let viewer = site.ask(&ask.clone().token(&site.viewer));
    assert_eq!((viewer.status, &viewer.json()["type"]), (403, &"urn:procyon:forbidden".into()));
    let operator = site.ask(&ask.token(&site.operator));
    assert_eq!(
        (operator.status, &operator.json()["type"]),
        (403, &"urn:procyon:refused".into()),
        "{}",
        operator.text()
    );
}

#[test]
fn a_session_is_a_cookie_that_scripts_do_not_see() {
    let site = Site::start();
    let sign_in = Ask::post("/api/v1/session", &json!({ "token": site.viewer }));
    let reply = site.ask(&sign_in);
    assert_eq!((reply.status, &reply.json()["role"]), (200, &"viewer".into()));
    let cookie = reply.header("set-cookie").unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert!(!cookie.contains(site.viewer.trim_start_matches("procyon_")), "the cookie holds the token");
    let pair = cookie.split(';').next().unwrap().to_owned();
    let with_cookie = |path| site.ask(&Ask::get(path).with("cookie", pair.clone()));
    assert_eq!(with_cookie("/api/v1/session").json()["name"], "viewer");
    assert_eq!(with_cookie("/api/v1/hosts/local/processes?columns=cwd").status, 200);
    let out = site.ask(&Ask { method: "DELETE", ..Ask::get("/api/v1/session").with("cookie", pair.clone()) });
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(with_cookie("/api/v1/session").json()["role"], "anonymous", "a session that ended is none");
    assert_eq!(site.ask(&Ask::post("/api/v1/session", &json!({ "token": "wrong" }))).status, 401);
    assert_eq!(site.ask(&Ask::post("/api/v1/session", &json!({ "tokn": "x" }))).status, 400);
}

#[test]
fn a_token_that_was_revoked_ends_with_its_sessions() {
    let site = Site::start();
    let made = site.tokens.create("guest", Role::Viewer, &SystemClock).unwrap();
    let reply = site.ask(&Ask::post("/api/v1/session", &json!({ "token": made.secret })));
    let pair = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(site.tokens.revoke("guest").unwrap());
    assert_eq!(site.ask(&Ask::get("/api/v1/hosts").token(&made.secret)).status, 401);
    assert_eq!(site.ask(&Ask::get("/api/v1/session").with("cookie", pair)).json()["role"], "anonymous");
}

#[test]
fn foreign_names_and_pages_are_refused() {
    let site = Site::start();
    let port = site.address.port();
    for host in ["evil.example", "127.0.0.1.evil.example", "", "192.0.2.1:9300"] {
        let reply = site.ask(&Ask::get("/api/v1/hosts").with("host", host));
        assert_eq!(reply.status, 403, "{host}");
        assert_eq!(Ask::get("/").with("host", host).at(site.address).status, 403, "{host}");
    }
    for host in [format!("localhost:{port}"), "localhost".into(), "[::1]:1".into(), format!("127.0.0.1:{port}")] {
        assert_eq!(site.ask(&Ask::get("/api/v1/hosts").with("host", host.clone())).status, 200, "{host}");
    }
    let sign_in = Ask::post("/api/v1/session", &json!({ "token": site.operator }));
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(site.ask(&sign_in.clone().with("origin", origin)).status, 403, "{origin}");
    }
    assert_eq!(site.ask(&sign_in.clone().with("sec-fetch-site", "same-site")).status, 403);
    assert_eq!(site.ask(&sign_in.clone().with("origin", format!("http://127.0.0.1:{port}"))).status, 200);
    let form = Ask { headers: vec![("content-type", "text/plain".to_owned())], ..sign_in };
    assert_eq!(site.ask(&form).status, 400, "a form of another site could send this");
    let own = site.key(std::process::id());
    let trace = format!("/api/v1/hosts/local/processes/{own}/trace");
    let compatible = format!("/monitor/process/ptrace/{}", std::process::id());
    for stream in
        ["/api/v1/hosts/local/live", "/monitor/process/stream", "/monitor/host/stream", trace.as_str(), &compatible]
    {
        let upgrade = Ask::get(stream).with("upgrade", "websocket").with("origin", "http://evil.example");
        assert_eq!(upgrade.token(&site.operator).at(site.address).status, 403, "{stream}");
    }
}

#[test]
fn behind_a_proxy_nobody_is_local() {
    let site = Site::start();
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let reply = site.ask(&Ask::get("/api/v1/hosts").with(header, "203.0.113.9"));
        assert_eq!(reply.status, 401, "{header}");
    }
    let reply = site.ask(&Ask::get("/api/v1/hosts").with("via", "1.1 proxy").token(&site.viewer));
    assert_eq!(reply.status, 200);
}

#[test]
fn the_local_socket_knows_its_users() {
    let site = Site::start();
    let ask = |path| Ask::get(path).over(UnixStream::connect(site.socket()).unwrap(), "anything");
    let session = ask("/api/v1/session").json();
    assert_eq!(session["role"], "operator", "{session}");
    assert!(session["name"].as_str().unwrap().starts_with("uid "));
    assert_eq!(ask("/api/v1/hosts/local/processes?columns=cwd").status, 200);
    let proxied = Ask::get("/api/v1/session").with("x-forwarded-for", "192.0.2.1");
    let proxied = proxied.over(UnixStream::connect(site.socket()).unwrap(), "anything");
    assert_eq!(proxied.status, 401, "a proxy of root's speaks for others");
}

#[test]
fn another_user_at_the_local_socket_is_nobody_special() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        // Only root can play another user; the test above still shows whom the socket takes for an operator.
        return;
    }
    let site = Site::start();
    std::fs::set_permissions(site.state.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
        s.sendall(b'GET /api/v1/session HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n')\n\
        d=b''\nwhile True:\n  b=s.recv(9999)\n  if not b: break\n  d+=b\nsys.stdout.write(d.decode())";
    let mut command = std::process::Command::new("python3");
    let output = command.args(["-c", script]).arg(site.socket()).uid(65_534).gid(65_534).output();
    let output = output.or_else(|_| {
        // An interpreter in root's home is closed to others.
        std::process::Command::new("/usr/bin/python3")
            .args(["-c", script])
            .arg(site.socket())
            .uid(65_534)
            .gid(65_534)
            .output()
    });
    let session = crate::client::Reply::parse(&output.unwrap().stdout).json();
    assert_eq!((&session["role"], &session["name"]), (&"anonymous".into(), &"uid 65534".into()), "{session}");
}

#[test]
fn read_only_takes_every_control_away() {
    let site = Site::with(|config| Config { read_only: true, ..config });
    let own = site.key(std::process::id());
    let path = format!("/api/v1/hosts/local/processes/{own}/signal");
    let reply = site.ask(&Ask::post(&path, &json!({ "signal": "TERM" })).token(&site.operator));
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("read-only"));
    assert_eq!(site.ask(&Ask::get("/api/v1/session")).json()["read_only"], true);
    assert_eq!(Ask::get("/monitor/process/kill/1").token(&site.operator).at(site.address).status, 403);
}

#[test]
fn bad_addresses_are_refused_with_a_remedy() {
    let site = Site::start();
    let start = |config: Config| {
        let context = procyon_api::Context {
            hosts: Vec::new(),
            control: None,
            tokens: std::sync::Arc::clone(&site.tokens),
            clock: std::sync::Arc::new(SystemClock),
            capabilities: Box::new(Vec::new),
            metrics: None,
            tracer: None,
        };
        Server::start(config, context).map(drop).unwrap_err()
    };
    let taken = start(Config { listen: Some(site.address), ..Config::default() });
    assert!(
        taken.to_string().contains("could not listen") && taken.hints()[0].to_string().contains("ss -ltnp"),
        "{taken}"
    );
    let open = start(Config { listen: Some("0.0.0.0:0".parse().unwrap()), ..Config::default() });
    assert!(open.hints()[0].to_string().contains("--insecure"), "{open}");
    let socket = start(Config { listen: None, socket: Some(site.socket()), ..Config::default() });
    assert!(socket.to_string().contains("another procyon answers"), "{socket}");
}

#[test]
fn answers_protect_the_page() {
    let site = Site::start();
    for path in ["/", "/h/local", "/api/v1/hosts", "/assets/none.js"] {
        let reply = Ask::get(path).at(site.address);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
    let page = Ask::get("/h/local/p/1-2-00000003").at(site.address);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(Ask::get("/assets/none.js").at(site.address).status, 404);
    assert_eq!(Ask::get("/?command=status&service=all").at(site.address).status, 501);
}
