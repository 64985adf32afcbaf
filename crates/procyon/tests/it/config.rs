//! Options: mistakes with line and remedy, layers with their origin.

use crate::bench::Bench;

#[test]
fn check_names_line_and_remedy_of_each_mistake() {
    let bench = Bench::new();
    for (name, text, expected) in [
        ("a.toml", "liste = \"127.0.0.1:1\"\n", vec![":1: unknown option liste; did you mean listen?"]),
        (
            "b.toml",
            "\n[collect]\ninterval = 5\nintervall = \"5s\"\n",
            vec![
                ":3: collect.interval: `5` has no unit",
                ":4: unknown option collect.intervall; did you mean collect.interval?",
            ],
        ),
        (
            "c.toml",
            "[log]\nlevel = \"inof\"\nformat = \"xml\"\n",
            vec![
                ":2: log.level: `inof` is none of them; did you mean info?",
                ":3: log.format: `xml` is none of them; expected text or json",
            ],
        ),
        ("d.toml", "listen = 127.0.0.1:9300\n", vec![":1: "]),
        (
            "e.conf",
            "listen=127.0.0.1:9300\nlog.levle=debug\n",
            vec![":2: unknown option log.levle; did you mean log.level?"],
        ),
    ] {
        let path = bench.file(name, text);
        let said = bench.run(&["config", "check", path.to_str().unwrap()]);
        assert_eq!(said.code, 1, "{name}: {}{}", said.out, said.err);
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{name}: {}", said.out);
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(&format!("{}{expected}", path.display())), "{line}\n{expected}");
        }
    }
}

#[test]
fn what_show_prints_is_a_file_that_check_accepts() {
    let bench = Bench::new();
    let shown = bench.run(&["config", "show", "--defaults"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    let file = bench.file("all.toml", &shown.out);
    let said = bench.run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!((said.code, said.out), (0, format!("{}: ok\n", file.display())));
}

#[test]
fn show_says_where_each_value_was_given() {
    let bench = Bench::new();
    let file = bench.file("p.toml", "listen = \"127.0.0.1:1\"\n[collect]\ninterval = \"2s\"\nusers = \"90s\"\n");
    let mut command = bench.command(&["config", "show", "--json", "--set", "collect.users=2min"]);
    command.env("PROCYON_CONFIG", &file).env("PROCYON_COLLECT__INTERVAL", "3s");
    let said = crate::bench::Said::from(command.output().unwrap());
    let options = said.json();
    let of = |name: &str| {
        let option = options.as_array().unwrap().iter().find(|option| option["option"] == name).unwrap().clone();
        (option["value"].as_str().unwrap().to_owned(), option["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("listen"), ("127.0.0.1:1".to_owned(), format!("{}:1", file.display())));
    assert_eq!(of("collect.interval"), ("3s".to_owned(), "PROCYON_COLLECT__INTERVAL".to_owned()));
    assert_eq!(of("collect.users"), ("2min".to_owned(), "--set collect.users=2min".to_owned()));
    assert_eq!(of("read_only"), ("false".to_owned(), "default".to_owned()));
}

#[test]
fn up_does_not_start_with_a_mistake() {
    let bench = Bench::new();
    let said = bench.run(&["up", "--set", "liste=1", "--set", "collect.interval=soon"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the options have 2 mistakes"), "{}", said.err);
    assert!(said.err.contains("did you mean listen?"), "{}", said.err);
    let said = bench.run(&["up", "--config", "/no/such/file.toml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("/no/such/file.toml: could not read the file"), "{}", said.err);
}
