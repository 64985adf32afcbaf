//! One layer of options: what a file, the environment or `--set` says, still as text.

use std::collections::HashMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{Mistake, Origin};

/// Largest options file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Most levels of sections within sections.
const MAX_DEPTH: usize = 8;

/// Variables of the environment that begin like options and are not.
const NOT_OPTIONS: &[&str] = &["PROCYON_CONFIG", "PROCYON_TOKEN", "PROCYON_HOST", "PROCYON_SOCKET", "PROCYON_CACERT"];

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// One value.
    Text(String),
    /// A list of values.
    List(Vec<String>),
}

/// One option as a layer gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Full name, as `log.level`.
    pub path: String,
    /// Its value; none when a section stands where the name is.
    pub raw: Option<Raw>,
    /// Where.
    pub origin: Origin,
}

/// Reads a file: plain `option=value` lines when its name ends in `.conf`, TOML otherwise.
pub fn file(path: &Path, mistakes: &mut Vec<Mistake>) -> Vec<Entry> {
    let whole = Origin::File(path.to_owned(), 0);
    let text = match read(path) {
        Ok(text) => text,
        Err(problem) => {
            mistakes.push(Mistake { origin: whole, message: problem, remedy: String::new() });
            return Vec::new();
        }
    };
    if path.extension().is_some_and(|extension| extension == "conf") {
        plain(path, &text, mistakes)
    } else {
        toml(path, &text, mistakes)
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("could not read the file: {error}"))?;
    if size.is_dir() {
        return Err("could not read the file: it is a directory".to_owned());
    }
    if size.len() > MAX_FILE_BYTES {
        return Err(format!("could not read the file: it is larger than {MAX_FILE_BYTES} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("could not read the file: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "could not read the file: it is not UTF-8 text".to_owned())
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

fn toml(path: &Path, text: &str, mistakes: &mut Vec<Mistake>) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        mistakes.push(Mistake {
            origin: Origin::File(path.to_owned(), line),
            message,
            remedy: remedy_for_syntax(text, line),
        });
    }
    let broken: Vec<usize> =
        errors.iter().filter_map(toml::de::Error::span).map(|span| line_of(text, span.start)).collect();
    let mut entries = Vec::new();
    let mut walk = Walk { path, text, entries: &mut entries, mistakes };
    walk.table("", table.get_ref(), 0);
    // What the parser made of a broken line was not meant by anybody.
    entries.retain(|entry| !matches!(&entry.origin, Origin::File(_, line) if broken.contains(line)));
    entries.sort_by(|a, b| a.origin.cmp(&b.origin));
    entries
}

/// The slip that people make most: text without quotes.
fn remedy_for_syntax(text: &str, line: usize) -> String {
    let Some((name, value)) = text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split_once('=')) else {
        return String::new();
    };
    let (name, value) = (name.trim(), value.split('#').next().unwrap_or_default().trim());
    let bare = !value.is_empty() && !value.starts_with(['"', '\'', '[', '{']);
    if bare { format!("write {name} = \"{value}\"") } else { String::new() }
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    entries: &'a mut Vec<Entry>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>, depth: usize) {
        for (key, value) in table {
            let path = crate::declare::join(prefix, key.get_ref());
            let origin = Origin::File(self.path.to_owned(), line_of(self.text, key.span().start));
            if let DeValue::Table(inner) = value.get_ref() {
                if depth >= MAX_DEPTH {
                    self.mistake(origin, format!("{path} is nested too deeply"));
                } else {
                    self.entries.push(Entry { path: path.clone(), raw: None, origin });
                    self.table(&path, inner, depth + 1);
                }
                continue;
            }
            match raw_of(value) {
                Some(raw) => self.entries.push(Entry { path, raw: Some(raw), origin }),
                None => self.mistake(origin, format!("{path} is a list of sections or lists, which no option takes")),
            }
        }
    }

    fn mistake(&mut self, origin: Origin, message: String) {
        self.mistakes.push(Mistake { origin, message, remedy: String::new() });
    }
}

fn raw_of(value: &Spanned<DeValue<'_>>) -> Option<Raw> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect::<Option<_>>().map(Raw::List),
        other => scalar(other).map(Raw::Text),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// `option=value` lines; `#` begins a comment line; nothing is quoted.
fn plain(path: &Path, text: &str, mistakes: &mut Vec<Mistake>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let origin = Origin::File(path.to_owned(), number);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            mistakes.push(Mistake {
                origin,
                message: format!("`{line}` is no option"),
                remedy: "a line reads option=value".to_owned(),
            });
            continue;
        };
        let name = name.trim();
        if let Some(first) = seen.insert(name.to_owned(), number) {
            mistakes.push(Mistake {
                origin,
                message: format!("{name} stands twice, first on line {first}"),
                remedy: "remove one".to_owned(),
            });
            continue;
        }
        entries.push(Entry { path: name.to_owned(), raw: Some(Raw::Text(value.trim().to_owned())), origin });
    }
    entries
}

/// Variables `PROCYON_OPTION`; two underscores go one level down: `PROCYON_LOG__LEVEL` is `log.level`.
pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = variables
        .into_iter()
        .filter(|(name, _)| !NOT_OPTIONS.contains(&name.as_str()))
        .filter_map(|(name, value)| {
            let path = name.strip_prefix("PROCYON_")?.to_ascii_lowercase().replace("__", ".");
            Some(Entry { path, raw: Some(Raw::Text(value)), origin: Origin::Environment(name) })
        })
        .collect();
    entries.sort_by(|a, b| a.origin.cmp(&b.origin));
    entries
}

/// `--set option=value`, each.
pub fn sets(sets: &[String], mistakes: &mut Vec<Mistake>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for set in sets {
        let origin = Origin::Set(set.clone());
        match set.split_once('=') {
            Some((name, value)) => entries.push(Entry {
                path: name.trim().to_owned(),
                raw: Some(Raw::Text(value.trim().to_owned())),
                origin,
            }),
            None => mistakes.push(Mistake {
                origin,
                message: format!("`{set}` gives no value"),
                remedy: format!("write --set {set}=VALUE"),
            }),
        }
    }
    entries
}
