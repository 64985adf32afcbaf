//! A server over frames of this machine, made when the test says so.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use procyon_api::access::tokens::{Role, Tokens};
use procyon_api::{Config, Context, HostContext, Kept, Metrics, Scraped, Server};
use procyon_collect::Collector;
use procyon_control::{Audit, Control};
use procyon_history::memory::Memory;
use procyon_model::feed::Feed;
use procyon_model::inspect::{CgroupLimits, Inspect, InspectError, Limit, OpenFile, Thread};
use procyon_model::process::ProcessState;
use procyon_model::{Frame, HostId, ProcessKey};
use procyon_series::{Limits, Series};
use procyon_trace::engine::ptrace::Program;
use procyon_units::{Bytes, CpuTime, Reading, SystemClock};
use procyon_wire::Capability;
use serde_json::Value;

use crate::client::{Ask, Reply};

/// Answers scrapes with what was asked.
struct Said;

impl Metrics for Said {
    fn answer(&self, query: &str, header: &dyn Fn(&str) -> String) -> Scraped {
        let body = format!("query {query} accept {}", header("accept")).into();
        Scraped { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", encoding: None, body }
    }
}

/// A server and what feeds it.
pub struct Site {
    pub server: Option<Server>,
    pub address: SocketAddr,
    pub feed: Arc<Feed>,
    pub series: Arc<Series>,
    pub past: Memory,
    pub state: tempfile::TempDir,
    pub tokens: Arc<Tokens>,
    pub viewer: String,
    pub operator: String,
    collector: Mutex<Collector>,
}

impl Site {
    pub fn start() -> Self {
        Self::with(|config| config)
    }

    pub fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let past = Memory::new(10_000);
        Self::keeping(change, past.clone(), Kept::On(Arc::new(past)))
    }

    /// With a history like this.
    pub fn keeping(change: impl FnOnce(Config) -> Config, past: Memory, kept: Kept) -> Self {
        let tracer = Program { file: procyon(), arguments: vec!["trace-by-ptrace".to_owned()] };
        Self::all(change, past, kept, tracer)
    }

    /// Where another program is started to trace by ptrace.
    pub fn tracing_by(tracer: Program) -> Self {
        let past = Memory::new(10);
        Self::all(|config| config, past.clone(), Kept::On(Arc::new(past)), tracer)
    }

    fn all(change: impl FnOnce(Config) -> Config, past: Memory, kept: Kept, tracer: Program) -> Self {
        let state = tempfile::tempdir().unwrap();
        let config = change(Config {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            socket: Some(state.path().join("procyon.sock")),
            ..Config::default()
        });
        let collecting =
            procyon_collect::Config { pss_budget: 1.0, slow_budget: 1.0, ..procyon_collect::Config::default() };
        let mut collector = Collector::new(&collecting, HostId(7), Arc::new(SystemClock)).unwrap();
        let feed = Arc::new(Feed::new());
        let series = Arc::new(Series::new(Limits::default()));
        let first = collector.tick().unwrap();
        let tokens = Arc::new(Tokens::open(state.path()).unwrap());
        let viewer = tokens.create("viewer", Role::Viewer, &SystemClock).unwrap().secret;
        let operator = tokens.create("operator", Role::Operator, &SystemClock).unwrap().secret;
        let control = Control::new(Audit::in_directory(state.path()), first.host.boot.short(), Arc::new(SystemClock));
        let control = if config.read_only { control.read_only() } else { control };
        let context = Context {
            hosts: vec![HostContext {
                feed: Arc::clone(&feed),
                series: Arc::clone(&series),
                inspect: Arc::new(Canned),
                history: kept,
            }],
            control: Some(Arc::new(control)),
            tokens: Arc::clone(&tokens),
            clock: Arc::new(SystemClock),
            capabilities: Box::new(|| {
                vec![Capability { id: "CAP_KILL".into(), held: true, gives: "signals".into(), grant: "sudo".into() }]
            }),
            metrics: Some(Arc::new(Said)),
            tracer: Some(tracer),
        };
        let server = Server::start(config, context).unwrap();
        let address = server.address().unwrap();
        let site = Self {
            server: Some(server),
            address,
            feed,
            series,
            past,
            state,
            tokens,
            viewer,
            operator,
            collector: Mutex::new(collector),
        };
        site.publish(&first);
        site.tick();
        site
    }

    /// Makes a frame of the machine and publishes it.
    pub fn tick(&self) -> Arc<Frame> {
        let frame = self.collector.lock().unwrap().tick().unwrap();
        self.publish(&frame);
        frame
    }

    pub fn publish(&self, frame: &Arc<Frame>) {
        self.past.push(frame);
        self.series.record(frame);
        self.feed.publish(frame);
    }

    pub fn socket(&self) -> PathBuf {
        self.state.path().join("procyon.sock")
    }

    /// Asks, and holds the answer against the OpenAPI document.
    pub fn ask(&self, ask: &Ask<'_>) -> Reply {
        let reply = ask.at(self.address);
        hold_against_document(ask, &reply);
        reply
    }

    /// Asks as an operator for JSON that must be there.
    pub fn json(&self, path: &str) -> Value {
        let reply = self.ask(&Ask::get(path).token(&self.operator));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// Asks as an operator for a problem of this status.
    pub fn problem(&self, path: &str, status: u16) -> Value {
        let reply = self.ask(&Ask::get(path).token(&self.operator));
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        reply.json()
    }

    /// The key of a living process.
    pub fn key(&self, pid: u32) -> String {
        self.feed.latest().unwrap().process_by_pid(pid).unwrap().key.to_string()
    }
}

/// The program itself: the one that is named, or the one that was built beside the tests.
pub fn procyon() -> PathBuf {
    let beside = || std::env::current_exe().unwrap().parent().unwrap().with_file_name("procyon");
    std::env::var_os("PROCYON_BIN").map_or_else(beside, PathBuf::from)
}

/// The document, as the server serves it to everybody.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let site = Site::start();
    let reply = Ask::get("/api/v1/openapi.json").at(site.address);
    assert_eq!(reply.status, 200);
    reply.json()
});

/// The pattern of the document that a path fits.
fn pattern_of(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let fits = |pattern: &str| {
        let known: Vec<&str> = pattern.split('/').collect();
        known.len() == parts.len()
            && known.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
    };
    DOCUMENT["paths"].as_object().unwrap().keys().find(|pattern| fits(pattern)).map(String::as_str)
}

/// Fails when an answer of `/api/v1` is not what the document says.
pub fn hold_against_document(ask: &Ask<'_>, reply: &Reply) {
    if !ask.path.starts_with("/api/v1") || reply.status == 101 || reply.status == 307 {
        return;
    }
    let kind = reply.header("content-type").unwrap_or_default();
    let schema = match pattern_of(ask.path) {
        Some(pattern) if reply.status < 300 => {
            assert_eq!(kind, "application/json", "{}", ask.path);
            let operation = &DOCUMENT["paths"][pattern][ask.method.to_lowercase()];
            operation["responses"]["200"]["content"]["application/json"]["schema"].clone()
        }
        _ => {
            assert_eq!(kind, "application/problem+json", "{} {}", ask.path, reply.status);
            assert_eq!(reply.json()["status"], reply.status, "{}", ask.path);
            serde_json::json!({ "$ref": "#/components/schemas/Problem" })
        }
    };
    validate(&schema, &reply.json(), ask.path);
}

/// Fails when a value does not fit a schema of the document.
pub fn validate(schema: &Value, value: &Value, what: &str) {
    assert!(schema.is_object(), "the document does not describe {what}");
    let mut schema = schema.clone();
    schema["components"] = DOCUMENT["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(value).take(3).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
}

/// Details of a process that no kernel has to give.
struct Canned;

impl Inspect for Canned {
    fn threads(&self, key: &ProcessKey) -> Result<Vec<Thread>, InspectError> {
        if !std::path::Path::new(&format!("/proc/{}", key.pid)).is_dir() {
            return Err(InspectError::Ended(*key));
        }
        Ok(vec![Thread {
            start: procyon_units::Ticks(1),
            tid: key.pid,
            name: (*b"main").into(),
            state: ProcessState(b'S'),
            user: CpuTime(1_000_000_000),
            system: CpuTime(500_000_000),
            processor: 0,
            nice: 0,
            policy: 0,
            wchan: Reading::Forbidden,
            voluntary: Reading::Known(1),
            involuntary: Reading::Known(2),
        }])
    }

    fn files(&self, key: &ProcessKey) -> Result<Vec<OpenFile>, InspectError> {
        if key.pid == 1 {
            return Err(InspectError::Forbidden { key: *key, file: "fd", needs: "CAP_SYS_PTRACE" });
        }
        Ok(vec![OpenFile {
            fd: 3,
            kind: "file",
            target: (*b"/tmp/\xff").into(),
            position: Some(12),
            flags: Some(0o100_002),
            inode: None,
        }])
    }

    fn limits(&self, _key: &ProcessKey) -> Result<Vec<Limit>, InspectError> {
        Ok(vec![Limit { name: "nofile".into(), soft: Some(1024), hard: None, unit: "files".into(), used: Some(4) }])
    }

    fn cgroup_limits(&self, _key: &ProcessKey) -> Result<CgroupLimits, InspectError> {
        Ok(CgroupLimits { memory: Some(Bytes(1 << 30)), cpu: Some(1.5) })
    }
}
