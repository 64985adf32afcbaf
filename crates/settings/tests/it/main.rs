//! Options from real files: layers, mistakes, remedies.

#![expect(clippy::unwrap_used, reason = "tests may stop where they fail")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procyon_settings::{Flag, Loaded, Mistakes, Origin, Share, Sources, load};
use procyon_units::Bytes;

procyon_settings::options! {
    /// The options of a small program.
    struct Program {
        /// Where it listens.
        listen: SocketAddr = "127.0.0.1:9300",
        /// Where it keeps its state.
        data: Option<PathBuf> = "",
        /// Whether it may change anything.
        read_only: bool = "false",
    }
    groups {
        /// Its log.
        log: Log,
        /// Its collector.
        collect: Collect,
    }
}

procyon_settings::options! {
    /// The options of its log.
    struct Log {
        /// The least important messages that are kept.
        level: String = "info",
        /// Size at which the file is rotated.
        max_size: Bytes = "20MiB",
        /// Whose messages are dropped.
        drop: Vec<String> = "",
    }
    groups {}
}

procyon_settings::options! {
    /// The options of its collector.
    struct Collect {
        /// Time between two frames.
        interval: Duration = "1s",
        /// Share of one core for proportional memory.
        pss_budget: Share = "0.5%",
    }
    groups {}
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn from_file(path: &Path) -> Result<Loaded<Program>, Mistakes> {
    load(&Sources { file: Some(path.to_owned()), ..Sources::default() })
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn defaults_hold_where_nobody_says_otherwise() {
    let loaded: Loaded<Program> = load(&Sources::default()).unwrap();
    assert_eq!(loaded.settings.listen, "127.0.0.1:9300".parse().unwrap());
    assert_eq!(loaded.settings.data, None);
    assert_eq!(loaded.settings.log.max_size, Bytes(20 << 20));
    assert_eq!(loaded.settings.collect, Collect { interval: Duration::from_secs(1), pss_budget: Share(0.005) });
    assert!(loaded.effective.iter().all(|option| option.origin == Origin::Default));
    assert_eq!(loaded.effective[0].declared.help, "Where it listens.");
}

#[test]
fn later_layers_win_and_every_value_knows_where_it_came_from() {
    let dir = Dir::new();
    let file = dir.file(
        "procyon.toml",
        "listen = \"127.0.0.1:1\"\n[log]\nlevel = \"error\"\nmax_size = \"1MiB\"\ndrop = [\"a\", \"b\"]\n[collect]\ninterval = \"2s\"\npss_budget = 0.01\n",
    );
    let loaded: Loaded<Program> = load(&Sources {
        file: Some(file.clone()),
        usual_file: None,
        environment: vec![
            pair("PROCYON_LISTEN", "127.0.0.1:2"),
            pair("PROCYON_LOG__MAX_SIZE", "2MiB"),
            pair("PROCYON_COLLECT__INTERVAL", "3s"),
            pair("HOME", "/root"),
            pair("PROCYON_TOKEN", "secret"),
        ],
        set: vec!["collect.interval=4s".to_owned(), "listen=127.0.0.1:3".to_owned()],
        flags: vec![Flag { path: "listen", name: "--listen", value: "127.0.0.1:4".to_owned() }],
    })
    .unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.listen.port(), 4);
    assert_eq!(settings.collect.interval, Duration::from_secs(4));
    assert_eq!(settings.log.max_size, Bytes(2 << 20));
    assert_eq!(settings.log.level, "error");
    assert_eq!(settings.log.drop, ["a", "b"]);
    assert_eq!(settings.collect.pss_budget, Share(0.01));
    let origin =
        |path: &str| loaded.effective.iter().find(|option| option.declared.path == path).unwrap().origin.to_string();
    assert_eq!(origin("listen"), "--listen");
    assert_eq!(origin("collect.interval"), "--set collect.interval=4s");
    assert_eq!(origin("log.max_size"), "PROCYON_LOG__MAX_SIZE");
    assert_eq!(origin("log.level"), format!("{}:3", file.display()));
    assert_eq!(origin("data"), "default");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_plain_file_takes_unquoted_lines() {
    let dir = Dir::new();
    let file =
        dir.file("procyon.conf", "# comment\n\nlisten=127.0.0.1:7\n log.level = debug \nlog.drop=a,b\nread_only=yes\n");
    let settings = from_file(&file).unwrap().settings;
    assert_eq!((settings.listen.port(), settings.log.level.as_str(), settings.read_only), (7, "debug", true));
    assert_eq!(settings.log.drop, ["a", "b"]);
}

/// Each mistake with its line and what to do.
#[test]
fn every_mistake_names_its_line_and_remedy() {
    for (name, text, expected) in [
        ("a.toml", "liste = \"x\"\n", vec!["a.toml:1: unknown option liste; did you mean listen?"]),
        (
            "b.toml",
            "# head\nread_only = true\n\n[log]\nlevel = \"info\"\nmax-size = \"1MiB\"\n",
            vec!["b.toml:6: unknown option log.max-size; did you mean log.max_size?"],
        ),
        (
            "c.toml",
            "[colect]\ninterval = \"1s\"\npss_budget = 1\n",
            vec!["c.toml:1: unknown section colect; did you mean collect?"],
        ),
        (
            "d.toml",
            "listen = 9300\n[collect]\ninterval = 10\n[log]\nmax_size = \"20\"\n",
            vec![
                "d.toml:1: listen: `9300` has no port; expected an address and port such as 127.0.0.1:9300",
                "d.toml:3: collect.interval: `10` has no unit; write \"10s\" if you mean seconds; expected a duration such as 500ms, 10s, 5min, 2h, 30d",
                "d.toml:5: log.max_size: `20` has no unit; write \"20MiB\" if you mean mebibytes; expected a size such as 64KiB, 30MiB, 10GiB",
            ],
        ),
        (
            "e.toml",
            "log = \"debug\"\n",
            vec!["e.toml:1: log is a section; its options are log.drop, log.level, log.max_size"],
        ),
        ("f.toml", "[listen]\nport = 1\n", vec!["f.toml:1: listen is an option, not a section; write listen = …"]),
        ("g.toml", "interval = \"1s\"\n", vec!["g.toml:1: unknown option interval; did you mean collect.interval?"]),
        ("h.toml", "bananas = 3\n", vec!["h.toml:1: unknown option bananas; `procyon config show` lists all of them"]),
        (
            "i.conf",
            "listen 1\nlog.levle=x\nlisten=:1\nlisten=:2\n",
            vec![
                "i.conf:1: `listen 1` is no option; a line reads option=value",
                "i.conf:2: unknown option log.levle; did you mean log.level?",
                "i.conf:4: listen stands twice, first on line 3; remove one",
            ],
        ),
    ] {
        let dir = Dir::new();
        let path = dir.file(name, text);
        let mistakes = from_file(&path).unwrap_err();
        let prefix = format!("{}/", dir.0.path().display());
        let said: Vec<String> = mistakes.0.iter().map(|mistake| mistake.to_string().replace(&prefix, "")).collect();
        assert_eq!(said, expected, "{name}");
    }
}

#[test]
fn broken_syntax_names_its_line_and_the_usual_slip() {
    let dir = Dir::new();
    let file = dir.file("a.toml", "read_only = true\nlisten = 127.0.0.1:9300\n");
    let said = from_file(&file).unwrap_err().to_string();
    assert!(said.contains("a.toml:2: "), "{said}");
    assert!(said.contains("write listen = \"127.0.0.1:9300\""), "{said}");

    let file = dir.file("b.toml", "read_only = true\nread_only = false\n");
    let said = from_file(&file).unwrap_err().to_string();
    assert!(said.contains("b.toml:2: ") && said.contains("duplicate"), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake_only_when_it_was_named() {
    let missing = PathBuf::from("/no/such/procyon.toml");
    let said = from_file(&missing).unwrap_err().to_string();
    assert!(said.starts_with("/no/such/procyon.toml: could not read the file: "), "{said}");
    let sources = Sources { usual_file: Some(missing), ..Sources::default() };
    assert_eq!(load::<Program>(&sources).unwrap().file, None);

    let dir = Dir::new();
    let said = from_file(dir.0.path()).unwrap_err().to_string();
    assert!(said.contains("it is a directory"), "{said}");
    let path = dir.0.path().join("bytes.toml");
    std::fs::write(&path, b"listen = \"\xff\"\n").unwrap();
    assert!(from_file(&path).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn a_stranger_in_the_environment_is_a_warning_and_a_bad_value_a_mistake() {
    let sources = Sources {
        environment: vec![pair("PROCYON_LISTN", "x"), pair("PROCYON_PORT", "tcp://1")],
        ..Sources::default()
    };
    let warnings = load::<Program>(&sources).unwrap().warnings;
    assert_eq!(warnings[0].to_string(), "PROCYON_LISTN: unknown option listn; did you mean PROCYON_LISTEN?");
    assert_eq!(warnings.len(), 2);

    let sources = Sources { environment: vec![pair("PROCYON_COLLECT__INTERVAL", "soon")], ..Sources::default() };
    let said = load::<Program>(&sources).unwrap_err().to_string();
    assert!(
        said.starts_with("PROCYON_COLLECT__INTERVAL: collect.interval: `soon` does not start with a number"),
        "{said}"
    );
}

#[test]
fn set_needs_a_value_and_a_known_option() {
    let sources = Sources { set: vec!["listen".to_owned(), "log.lvl=debug".to_owned()], ..Sources::default() };
    let mistakes = load::<Program>(&sources).unwrap_err();
    let said: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "--set listen: `listen` gives no value; write --set listen=VALUE",
            "--set log.lvl=debug: unknown option log.lvl; did you mean log.level?",
        ]
    );
}

#[path = "../../../../fuzz/bodies/options.rs"]
mod options;

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_file_is_answered(text in "([a-z.]{1,8} ?= ?|\\[[a-z.]{0,6}\\]\n|\"|'|[0-9.]{1,6}|[a-zA-Z%:é]{0,4}|\n|more|time|size|#|,|\\[|\\]){0,30}") {
        let dir = Dir::new();
        options::run(text.as_bytes(), &dir.0.path().join("options.toml"));
    }
}
