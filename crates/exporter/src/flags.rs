//! The command line in upstream's manner: `--collector.cpu`, `--no-collector.cpu`, `--path.procfs=/proc` or
//! `--path.procfs /proc`, one dash or two, `@file` for a file of arguments.

use std::collections::{BTreeMap, HashMap};

use procyon_diag::Fault;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing: it is on, or off with `--no-`.
    Switch {
        /// What it is when nobody says.
        on: bool,
    },
    /// A word; the last one counts.
    Word {
        /// What it is when nobody says.
        default: &'static str,
    },
    /// Any number of words.
    List,
}

/// One flag.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name without dashes.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// Not shown by `--help`.
    pub hidden: bool,
}

impl Flag {
    /// A switch that is off unless given.
    pub const fn off(name: &'static str, help: &'static str) -> Self {
        Self { name, help, shape: Shape::Switch { on: false }, hidden: false }
    }

    /// A switch that is on unless taken back.
    pub const fn on(name: &'static str, help: &'static str) -> Self {
        Self { name, help, shape: Shape::Switch { on: true }, hidden: false }
    }

    /// A word with a default.
    pub const fn word(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, help, shape: Shape::Word { default }, hidden: false }
    }

    /// Words.
    pub const fn list(name: &'static str, help: &'static str) -> Self {
        Self { name, help, shape: Shape::List, hidden: false }
    }

    /// The same flag, not shown by `--help`.
    #[must_use]
    pub const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
}

/// A mistake on the command line.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// No such flag.
    #[error("unknown long flag '--{name}'")]
    Unknown {
        /// What was given.
        name: String,
        /// The flag that was meant, perhaps.
        near: Option<String>,
    },
    /// A flag that takes a value has none.
    #[error("expected argument for flag '--{0}'")]
    NoValue(String),
    /// A flag that takes none has one.
    #[error("--{name} takes no value, and '{value}' is not true or false")]
    NotASwitch {
        /// The flag.
        name: String,
        /// What was given.
        value: String,
    },
    /// A word that belongs to no flag.
    #[error("unexpected argument '{0}'")]
    Stray(String),
    /// A value that makes no sense.
    #[error("--{name}: '{value}' {problem}")]
    Value {
        /// The flag.
        name: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two flags that exclude each other.
    #[error("--{one} and --{other} are mutually exclusive")]
    Exclusive {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Rules for groups of processes that make no sense.
    #[error("{0}")]
    Rules(String),
    /// A file of arguments that could not be read.
    #[error("could not read the file of arguments {path}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl FlagError {
    pub(crate) const fn exclusive(one: &'static str, other: &'static str) -> Self {
        Self::Exclusive { one, other }
    }

    pub(crate) fn pattern(flag: &str, pattern: &str, error: &regex::Error) -> Self {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Self::value(flag, pattern, format!("is no regular expression: {reason}"))
    }

    pub(crate) fn value(flag: &str, value: &str, problem: impl Into<String>) -> Self {
        Self::Value { name: flag.to_owned(), value: value.to_owned(), problem: problem.into() }
    }
}

impl From<FlagError> for Fault {
    fn from(error: FlagError) -> Self {
        let fault = Self::usage(error.to_string());
        match error {
            FlagError::Unknown { near: Some(near), .. } => fault.hint(format!("did you mean `--{near}`?")),
            FlagError::Exclusive { other, .. } => fault.hint(format!("leave one of them out, say --{other}")),
            FlagError::File { source, .. } => fault.because(source),
            _ => fault.hint("`procyon exporter --help` lists every flag"),
        }
    }
}

#[derive(Debug, Clone)]
struct Declared {
    shape: Shape,
    help: String,
    hidden: bool,
}

/// The flags that there are, and what was given.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    declared: BTreeMap<String, Declared>,
    given: HashMap<String, Vec<String>>,
}

/// The most arguments that files of arguments may bring.
const MOST_ARGUMENTS: usize = 10_000;

impl Flags {
    /// Declares flags.
    pub fn declare(&mut self, flags: &[Flag]) {
        for flag in flags {
            self.declare_one(flag.name.to_owned(), flag.help.to_owned(), flag.shape, flag.hidden);
        }
    }

    /// Declares a flag whose name is made of another one.
    pub fn declare_one(&mut self, name: String, help: String, shape: Shape, hidden: bool) {
        self.declared.insert(name, Declared { shape, help, hidden });
    }

    /// Takes the arguments.
    pub fn parse(&mut self, arguments: impl IntoIterator<Item = String>) -> Result<(), FlagError> {
        let mut words = std::collections::VecDeque::new();
        for argument in arguments {
            match argument.strip_prefix('@') {
                Some(path) => words.extend(file_of_arguments(path)?),
                None => words.push_back(argument),
            }
        }
        while let Some(word) = words.pop_front() {
            let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|name| !name.is_empty())
            else {
                return Err(FlagError::Stray(word));
            };
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let (name, value) = self.resolve(name, value)?;
            let value = match value {
                Some(value) => value,
                None => words.pop_front().ok_or_else(|| FlagError::NoValue(name.clone()))?,
            };
            self.given.entry(name).or_default().push(value);
        }
        Ok(())
    }

    /// The flag that is meant and its value; none where the value is the next word.
    fn resolve(&self, name: &str, value: Option<&str>) -> Result<(String, Option<String>), FlagError> {
        if let Some(flag) = self.declared.get(name) {
            let value = match (flag.shape, value) {
                (Shape::Switch { .. }, None | Some("true" | "True" | "TRUE" | "1" | "t" | "T")) => {
                    Some("true".to_owned())
                }
                (Shape::Switch { .. }, Some("false" | "False" | "FALSE" | "0" | "f" | "F")) => Some("false".to_owned()),
                (Shape::Switch { .. }, Some(value)) => {
                    return Err(FlagError::NotASwitch { name: name.to_owned(), value: value.to_owned() });
                }
                (_, value) => value.map(str::to_owned),
            };
            return Ok((name.to_owned(), value));
        }
        let positive = name.strip_prefix("no-");
        if let Some(name) = positive
            && let Some(Declared { shape: Shape::Switch { .. }, .. }) = self.declared.get(name)
        {
            return match value {
                None => Ok((name.to_owned(), Some("false".to_owned()))),
                Some(value) => Err(FlagError::NotASwitch { name: format!("no-{name}"), value: value.to_owned() }),
            };
        }
        Err(FlagError::Unknown { name: name.to_owned(), near: self.near(name) })
    }

    /// The declared flag that is spelled most like this one.
    fn near(&self, name: &str) -> Option<String> {
        let (no, name) = name.strip_prefix("no-").map_or(("", name), |name| ("no-", name));
        let shown = self.declared.iter().filter(|(_, flag)| !flag.hidden);
        let (distance, near) = shown.map(|(declared, _)| (distance(name, declared), declared)).min()?;
        (distance <= name.len() / 3).then(|| format!("{no}{near}"))
    }

    /// Whether a flag was given.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        match self.given.get(name).and_then(|values| values.last()) {
            Some(value) => value == "true",
            None => self.declared.get(name).is_some_and(|flag| flag.shape == Shape::Switch { on: true }),
        }
    }

    /// The value of a flag that takes a word; its default where it was not given.
    pub fn text(&self, name: &str) -> &str {
        match (self.given.get(name).and_then(|values| values.last()), self.declared.get(name)) {
            (Some(value), _) => value,
            (None, Some(Declared { shape: Shape::Word { default }, .. })) => default,
            (None, _) => "",
        }
    }

    /// Every value of a flag.
    pub fn list(&self, name: &str) -> &[String] {
        self.given.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// A length of time, as `5s`, `1m30s` or `250ms`.
    pub fn duration(&self, name: &str) -> Result<std::time::Duration, FlagError> {
        let text = self.text(name);
        duration(text).ok_or_else(|| FlagError::value(name, text, "is no length of time, as 5s or 500ms"))
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<usize, FlagError> {
        let text = self.text(name);
        text.parse().map_err(|_| FlagError::value(name, text, "is no whole number"))
    }

    /// What `--help` shows: one flag a paragraph.
    pub fn help(&self) -> String {
        use std::fmt::Write;
        let mut out = String::new();
        for (name, flag) in self.declared.iter().filter(|(_, flag)| !flag.hidden) {
            let (no, value) = match flag.shape {
                Shape::Switch { .. } => ("[no-]", String::new()),
                Shape::Word { default } => ("", format!("={default:?}")),
                Shape::List => ("", "=... (may be given again)".to_owned()),
            };
            // Writing to a string does not fail.
            let _written = write!(out, "  --{no}{name}{value}\n        {}\n", flag.help);
        }
        out
    }
}

/// Lines of a file, each one an argument; empty lines and lines that begin with `#` are passed over.
fn file_of_arguments(path: &str) -> Result<Vec<String>, FlagError> {
    let text = std::fs::read_to_string(path).map_err(|source| FlagError::File { path: path.to_owned(), source })?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    Ok(lines.take(MOST_ARGUMENTS).map(str::to_owned).collect())
}

/// Go's lengths of time: numbers with units, one after the other.
pub(crate) fn duration(text: &str) -> Option<std::time::Duration> {
    if text == "0" {
        return Some(std::time::Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match rest.get(..end)? {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = rest.get(end..)?;
    }
    (!text.is_empty()).then(|| std::time::Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// How many letters have to be changed, put in or taken out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut before = number;
        let mut left = number + 1;
        for (place, candidate) in row.iter_mut().skip(1).zip(&other) {
            let cost = (*place + 1).min(left + 1).min(before + usize::from(letter != *candidate));
            before = *place;
            *place = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = number + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::on("collector.cpu", "c"),
        Flag::off("collector.perf", "p"),
        Flag::word("path.procfs", "/proc", "procfs"),
        Flag::list("collector.sysctl.include", "s"),
    ];

    fn parse(arguments: &[&str]) -> Result<Flags, FlagError> {
        let mut flags = Flags::default();
        flags.declare(FLAGS);
        flags.parse(arguments.iter().map(|argument| (*argument).to_owned()))?;
        Ok(flags)
    }

    #[test]
    fn one_dash_or_two_a_value_behind_an_equals_sign_or_a_blank() {
        for arguments in
            [&["--path.procfs=/x"][..], &["-path.procfs=/x"], &["--path.procfs", "/x"], &["-path.procfs", "/x"]]
        {
            assert_eq!(parse(arguments).unwrap().text("path.procfs"), "/x");
        }
        assert_eq!(parse(&[]).unwrap().text("path.procfs"), "/proc");
    }

    #[test]
    fn switches_are_taken_back_with_no_and_the_last_word_counts() {
        let flags = parse(&["--no-collector.cpu", "--collector.perf"]).unwrap();
        assert!(!flags.is_on("collector.cpu") && flags.is_on("collector.perf"));
        let flags = parse(&["--no-collector.cpu", "-collector.cpu", "--collector.perf=false"]).unwrap();
        assert!(flags.is_on("collector.cpu") && !flags.is_on("collector.perf"));
    }

    #[test]
    fn switches_take_the_words_that_go_takes() {
        for (words, expected) in
            [(["1", "t", "T", "true", "True", "TRUE"], true), (["0", "f", "F", "false", "False", "FALSE"], false)]
        {
            for word in words {
                let flags = parse(&[&format!("--collector.perf={word}")]).unwrap();
                assert_eq!(flags.is_on("collector.perf"), expected, "{word}");
            }
        }
        assert!(parse(&["--collector.perf=tRUE"]).is_err());
    }

    #[test]
    fn lists_keep_every_value() {
        let flags = parse(&["--collector.sysctl.include=a", "--collector.sysctl.include", "b"]).unwrap();
        assert_eq!(flags.list("collector.sysctl.include"), ["a", "b"]);
    }

    #[test]
    fn mistakes_name_the_flag_and_what_was_meant() {
        let error = parse(&["--colector.cpu"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown long flag '--colector.cpu'");
        assert!(matches!(&error, FlagError::Unknown { near: Some(near), .. } if near == "collector.cpu"));
        assert!(matches!(parse(&["--path.procfs"]), Err(FlagError::NoValue(name)) if name == "path.procfs"));
        assert!(matches!(parse(&["--collector.cpu=maybe"]), Err(FlagError::NotASwitch { .. })));
        assert!(matches!(parse(&["--no-path.procfs"]), Err(FlagError::Unknown { .. })));
        assert!(matches!(parse(&["up"]), Err(FlagError::Stray(_))));
        assert!(matches!(parse(&["--"]), Err(FlagError::Unknown { .. } | FlagError::Stray(_))));
        assert!(matches!(parse(&["@/nowhere/at/all"]), Err(FlagError::File { .. })));
    }

    #[test]
    fn a_file_brings_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flags");
        std::fs::write(&path, "--no-collector.cpu\n# a comment\n\n--path.procfs=/y\n").unwrap();
        let flags = parse(&[&format!("@{}", path.display())]).unwrap();
        assert_eq!((flags.is_on("collector.cpu"), flags.text("path.procfs")), (false, "/y"));
    }

    #[test]
    fn lengths_of_time_are_read_as_go_reads_them() {
        for (text, millis) in
            [("5s", Some(5000)), ("1m30s", Some(90_000)), ("250ms", Some(250)), ("0", Some(0)), ("1.5s", Some(1500))]
        {
            assert_eq!(duration(text).map(|time| time.as_millis()), millis, "{text}");
        }
        for text in ["", "5", "s", "5x", "-1s", "1e9h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
