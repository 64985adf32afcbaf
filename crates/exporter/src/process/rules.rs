//! Which group a process belongs to: process-exporter's YAML, its `-procnames` and `-namemapping`, or a group for each
//! process where nothing was configured.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use yaml_rust2::{Yaml, YamlLoader};

use super::template::{Subject, Template};

/// The most memory that one expression may take.
const SIZE_LIMIT: usize = 4 << 20;
/// The largest configuration.
const LARGEST_FILE: u64 = 1 << 20;

/// What the rules look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Command name, at most 15 bytes.
    pub(crate) comm: String,
    /// Arguments; empty for threads of the kernel and zombies.
    pub(crate) arguments: Vec<String>,
    /// Effective user by name; its number where it has none.
    pub(crate) user: String,
    /// Paths of its control groups, in the kernel's order.
    pub(crate) cgroups: Vec<String>,
    pub(crate) pid: u32,
    /// Nanoseconds since 1970.
    pub(crate) start: i64,
}

impl Facts {
    fn exe_full(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    fn exe_base(&self) -> &str {
        match self.exe_full() {
            "" => &self.comm,
            full => base(full),
        }
    }
}

/// Go's `filepath.Base` of a path that is not empty.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// How groups are made.
#[derive(Debug)]
pub(crate) enum Rules {
    /// A configuration: the first item that matches names the group.
    Items(Vec<Item>),
    /// `-procnames` and `-namemapping`, by command name.
    Names(BTreeMap<String, Option<Regex>>),
    /// Nothing was configured: every process is a group of its own, `name_pid`.
    Each,
}

/// An entry of `process_names`.
#[derive(Debug)]
pub(crate) struct Item {
    name: Template,
    comm: Option<BTreeSet<String>>,
    exe: Option<Vec<String>>,
    cmdline: Option<Vec<Regex>>,
}

/// A configuration that makes no sense, in upstream's words.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct RuleError(String);

impl Rules {
    /// From `-config.path`.
    pub(crate) fn load(path: &str) -> Result<Self, RuleError> {
        let wrong = |what: &dyn std::fmt::Display| RuleError(format!("error reading config file {path:?}: {what}"));
        let large = std::fs::metadata(path).map_err(|error| wrong(&error))?.len() > LARGEST_FILE;
        if large {
            return Err(wrong(&"it is larger than 1 MiB"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        Self::parse(&text).map_err(|error| wrong(&error))
    }

    /// From the text of a configuration. Keys that nobody knows are passed over, as upstream does.
    pub(crate) fn parse(text: &str) -> Result<Self, RuleError> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| RuleError(format!("yaml: {error}")))?;
        let list = match documents.first().map(|document| &document["process_names"]) {
            Some(Yaml::Array(list)) => list.as_slice(),
            None | Some(Yaml::BadValue | Yaml::Null) => &[],
            Some(_) => return Err(RuleError("'process_names' is not a list".to_owned())),
        };
        let item = |(number, item): (usize, &Yaml)| {
            Item::new(item).map_err(|problem| RuleError(format!("process_names entry {number}: {problem}")))
        };
        Ok(Self::Items(list.iter().enumerate().map(item).collect::<Result<_, _>>()?))
    }

    /// From `-procnames` and `-namemapping`.
    pub(crate) fn from_names(names: &str, mapping: &str) -> Result<Self, RuleError> {
        let mut by_name = BTreeMap::new();
        let words: Vec<&str> = if mapping.is_empty() { Vec::new() } else { mapping.split(',').collect() };
        let wrong = |what: String| {
            RuleError(format!("Error parsing -namemapping argument '{mapping}': bad namemapper: {what}"))
        };
        for pair in words.chunks(2) {
            let [name, pattern] = pair else { return Err(wrong("odd number of tokens".to_owned())) };
            if name.is_empty() || pattern.is_empty() {
                return Err(wrong("a token is empty".to_owned()));
            }
            by_name.insert((*name).to_owned(), Some(compile(pattern).map_err(|error| wrong(error.0))?));
        }
        for name in names.split(',').filter(|name| !name.is_empty()) {
            by_name.entry(name.to_owned()).or_insert(None);
        }
        Ok(Self::Names(by_name))
    }

    /// The group of a process; none where it belongs to none.
    pub(crate) fn group(&self, facts: &Facts) -> Option<String> {
        match self {
            Self::Items(items) => items.iter().find_map(|item| item.group(facts)),
            Self::Names(names) => match names.get(&facts.comm)? {
                None => Some(facts.comm.clone()),
                Some(pattern) => {
                    let line = facts.arguments.join(" ");
                    let found = pattern.captures(&line)?;
                    let part = found.iter().skip(1).flatten().find(|part| !part.is_empty())?;
                    Some(format!("{}:{}", facts.comm, part.as_str()))
                }
            },
            Self::Each => Some(format!("{}_{}", facts.comm, facts.pid)),
        }
    }

    /// Whether each process is a group of its own, so that groups come and go with processes.
    pub(crate) const fn is_each(&self) -> bool {
        matches!(self, Self::Each)
    }

    /// Whether the rules need more than the name and the pid, which every pass tells.
    pub(crate) const fn needs_facts(&self) -> bool {
        !self.is_each()
    }
}

fn compile(pattern: &str) -> Result<Regex, RuleError> {
    let regex = regex::RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build();
    regex.map_err(|error| {
        let problem = error.to_string();
        let problem = problem.lines().last().unwrap_or_default().trim_start_matches("error: ");
        RuleError(format!("bad regex {pattern:?}: {problem}"))
    })
}

impl Item {
    fn new(item: &Yaml) -> Result<Self, String> {
        if item.as_hash().is_none() {
            return Err("it is not a map".to_owned());
        }
        let name = match &item["name"] {
            Yaml::BadValue => String::new(),
            name => scalar(name).ok_or("'name' is not a string")?,
        };
        let name = if name.is_empty() { "{{.ExeBase}}" } else { &name };
        let template = Template::parse(name).map_err(|problem| format!("bad name template {name:?}: {problem}"))?;
        let comm = list(item, "comm")?.map(|names| names.into_iter().collect());
        let exe = list(item, "exe")?;
        let cmdline = match list(item, "cmdline")? {
            Some(patterns) => {
                let compiled: Result<Vec<Regex>, RuleError> = patterns.iter().map(|pattern| compile(pattern)).collect();
                Some(compiled.map_err(|error| format!("'cmdline': {error}"))?)
            }
            None => None,
        };
        if comm.is_none() && exe.is_none() && cmdline.is_none() {
            return Err("no matchers provided".to_owned());
        }
        Ok(Self { name: template, comm, exe, cmdline })
    }

    fn group(&self, facts: &Facts) -> Option<String> {
        if self.comm.as_ref().is_some_and(|names| !names.contains(&facts.comm)) {
            return None;
        }
        if self.exe.as_ref().is_some_and(|programs| !runs(programs, facts)) {
            return None;
        }
        let mut matches = BTreeMap::new();
        if let Some(patterns) = &self.cmdline {
            let line = facts.arguments.join(" ");
            for pattern in patterns {
                let found = pattern.captures(&line)?;
                for (name, part) in pattern.capture_names().zip(found.iter()) {
                    let part = part.map_or("", |part| part.as_str());
                    matches.insert(name.unwrap_or_default().to_owned(), part.to_owned());
                }
            }
        }
        Some(self.name.name(&Subject {
            comm: &facts.comm,
            exe_base: facts.exe_base(),
            exe_full: facts.exe_full(),
            user: &facts.user,
            pid: facts.pid,
            start: facts.start,
            cgroups: &facts.cgroups,
            matches,
        }))
    }
}

/// A program without a slash is meant by its base name, one with a slash as a whole.
fn runs(programs: &[String], facts: &Facts) -> bool {
    let full = facts.exe_full();
    !full.is_empty()
        && programs.iter().any(|program| if program.contains('/') { program == full } else { program == base(full) })
}

/// A list of words below a key.
fn list(item: &Yaml, key: &str) -> Result<Option<Vec<String>>, String> {
    match &item[key] {
        Yaml::BadValue => Ok(None),
        Yaml::Array(list) => {
            let words = list
                .iter()
                .map(|word| scalar(word).ok_or_else(|| format!("'{key}' holds something that is not a string")));
            words.collect::<Result<_, _>>().map(Some)
        }
        _ => Err(format!("'{key}' is not a list of strings")),
    }
}

/// A scalar as it is spelled; none for lists and maps.
fn scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(line: &str) -> Facts {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let comm = arguments.first().map_or("kworker", |first| base(first)).chars().take(15).collect();
        Facts { comm, arguments, user: "ada".to_owned(), pid: 7, ..Facts::default() }
    }

    fn group(yaml: &str, line: &str) -> Option<String> {
        Rules::parse(yaml).unwrap().group(&facts(line))
    }

    #[test]
    fn the_first_item_that_matches_names_the_group() {
        let yaml = "
process_names:
  - exe: [/usr/sbin/postgres, postgres]
    cmdline: ['-D\\s+.+/(?P<Path>[^/]+)/main']
    name: '{{.ExeBase}};{{.Matches.Path}}'
  - comm: [bash, sh]
    unknown: key
  - name: '{{.Username}}:{{.Comm}}'
    cmdline:
    - '.+'
    - 'x(?<Y>y)'
  - exe:
    - /opt/one/tool
    - /opt/two/tool
";
        for (line, expected) in [
            ("/usr/sbin/postgres -D /var/lib/14/main", Some("postgres;14")),
            ("/bin/bash -l", Some("bash")),
            ("cat xy", Some("ada:cat")),
            ("cat", None),
            // Of two paths with one base name upstream knows the last one only.
            ("/opt/one/tool", Some("tool")),
            ("/opt/two/tool", Some("tool")),
            ("/opt/three/tool", None),
            ("", None),
        ] {
            assert_eq!(group(yaml, line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_key_with_nothing_behind_it_is_a_mistake_that_names_it() {
        for (key, value) in [("comm", ""), ("exe", " null"), ("cmdline", " ~"), ("comm", " 5"), ("name", "")] {
            let mut yaml = format!("process_names:\n  - {key}:{value}\n");
            yaml.push_str(if key == "comm" { "    cmdline: ['.+']\n" } else { "    comm: [bash]\n" });
            let error = Rules::parse(&yaml).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("'{key}'")), "{error}");
        }
    }

    #[test]
    fn names_are_mapped_by_what_is_captured() {
        let rules = Rules::from_names("cat,java", "java,-jar (\\S+)|main=(\\S+),ruby,(x+)").unwrap();
        for (line, expected) in [
            ("cat x", Some("cat")),
            ("java -jar a.jar", Some("java:a.jar")),
            ("java main=b", Some("java:b")),
            ("java", None),
            ("ruby xx", Some("ruby:xx")),
            ("sh", None),
        ] {
            assert_eq!(rules.group(&facts(line)).as_deref(), expected, "{line}");
        }
        for (mapping, expected) in [("a", "odd number of tokens"), ("a,", "a token is empty"), ("a,(", "bad regex")] {
            let error = Rules::from_names("", mapping).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn mistakes_name_the_entry_and_the_key() {
        for (yaml, expected) in [
            ("process_names:\n - name: x\n", "process_names entry 0: no matchers provided"),
            ("process_names:\n - comm: [a]\n - comm: 4\n", "process_names entry 1: 'comm' is not a list of strings"),
            ("process_names:\n - exe: [[a]]\n", "'exe' holds something that is not a string"),
            ("process_names:\n - cmdline: ['(']\n", "'cmdline': bad regex"),
            ("process_names:\n - name: '{{.x'\n   comm: [a]\n", "bad name template \"{{.x\": unclosed action"),
            ("process_names: 4\n", "'process_names' is not a list"),
            ("process_names:\n - 4\n", "it is not a map"),
            ("process_names: [\n", "yaml: "),
        ] {
            let error = Rules::parse(yaml).unwrap_err().to_string();
            assert!(error.contains(expected), "{yaml}: {error}");
        }
        assert!(Rules::load("/nowhere/at/all.yml").unwrap_err().to_string().contains("/nowhere/at/all.yml"));
        // As upstream: nothing named is nothing matched.
        assert_eq!(group("other: 1\n", "cat"), None);
        assert_eq!(group("", "cat"), None);
    }

    #[test]
    fn without_rules_every_process_is_a_group() {
        assert_eq!(Rules::Each.group(&facts("/bin/cat")).as_deref(), Some("cat_7"));
    }
}
