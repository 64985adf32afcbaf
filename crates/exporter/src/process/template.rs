//! Names of groups, in the part of Go's `text/template` that configurations of process-exporter use: fields, pipelines,
//! `if`, `with`, `range`, `index`, `printf`, comparisons. [`parse`] reads them, [`run`] writes names.
//!
//! A template that fails half-way writes what it had until then, without a word, as upstream's does.

mod parse;
mod run;

use std::collections::BTreeMap;

/// What a template can ask of a process.
#[derive(Debug, Default)]
pub(super) struct Subject<'a> {
    pub(super) comm: &'a str,
    pub(super) exe_base: &'a str,
    pub(super) exe_full: &'a str,
    pub(super) user: &'a str,
    pub(super) pid: u32,
    /// Nanoseconds since 1970.
    pub(super) start: i64,
    pub(super) cgroups: &'a [String],
    pub(super) matches: BTreeMap<String, String>,
}

/// A template, read.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Node>);

impl Template {
    /// Reads a template; the error says what is wrong in Go's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self)
    }

    /// The name of a process.
    pub(super) fn name(&self, subject: &Subject<'_>) -> String {
        run::run(&self.0, subject)
    }
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    Show(Pipeline),
    If { condition: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    With { value: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    Range { list: Pipeline, each: Vec<Node>, otherwise: Vec<Node> },
}

/// Calls, each of which gets what the one before gave as its last argument.
type Pipeline = Vec<Call>;

/// A function with its arguments, or one operand alone.
#[derive(Debug, Clone, PartialEq)]
enum Call {
    Operand(Operand),
    Function(Function, Vec<Operand>),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    /// `.`, or `.A.B`.
    Dot(Vec<String>),
    /// `$`, or `$.A.B`.
    Root(Vec<String>),
    Text(String),
    Number(i64),
    Flag(bool),
    Inner(Pipeline, Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Print,
    Println,
    Printf,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "len" => Self::Len,
            "index" => Self::Index,
            "slice" => Self::Slice,
            "print" => Self::Print,
            "println" => Self::Println,
            "printf" => Self::Printf,
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(template: &str) -> String {
        let cgroups = ["/system.slice/docker-8dde.scope".to_owned(), "/b".to_owned()];
        let subject = Subject {
            comm: "mysqld",
            exe_base: "mysqld-8",
            exe_full: "/usr/sbin/mysqld-8",
            user: "ada",
            pid: 4084,
            start: 1_703_107_023_690_000_000,
            cgroups: &cgroups,
            matches: [("Name", "one"), ("", "--name=one")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
        };
        Template::parse(template).unwrap().name(&subject)
    }

    #[test]
    fn fields_are_written_as_go_writes_them() {
        for (template, expected) in [
            ("plain", "plain"),
            ("{{.Comm}}", "mysqld"),
            ("{{ .ExeBase }}:{{.ExeFull}}", "mysqld-8:/usr/sbin/mysqld-8"),
            ("{{.Username}};{{.PID}}", "ada;4084"),
            ("{{.Matches.Name}}", "one"),
            ("{{.Matches.Other}}", "<no value>"),
            ("{{index .Matches \"Name\"}}{{index .Matches `Other`}}", "one"),
            ("{{.Matches}}", "map[:--name=one Name:one]"),
            ("{{.Cgroups}}", "[/system.slice/docker-8dde.scope /b]"),
            ("{{index .Cgroups 0}}", "/system.slice/docker-8dde.scope"),
            ("{{.StartTime}}", "2023-12-20 21:17:03.69 +0000 UTC"),
            ("{{$.Comm}}{{/* nothing */}}", "mysqld"),
            ("a {{- .Comm -}} b", "amysqldb"),
        ] {
            assert_eq!(name(template), expected, "{template}");
        }
    }

    #[test]
    fn conditions_pipelines_and_functions() {
        for (template, expected) in [
            ("{{if eq .Comm \"mysqld\" \"x\"}}db{{else}}rest{{end}}", "db"),
            ("{{if .Matches.Other}}a{{else if .Username}}b{{end}}", "b"),
            ("{{if and (ne .Comm \"a\") (not .Matches.Other)}}yes{{end}}", "yes"),
            ("{{with .Matches.Name}}<{{.}}>{{end}}", "<one>"),
            ("{{range .Cgroups}}{{.}};{{else}}none{{end}}", "/system.slice/docker-8dde.scope;/b;"),
            ("{{printf \"%s-%d\" .Comm .PID}}", "mysqld-4084"),
            (
                "{{printf \"%06d|%-8s|%.3s|%q|%v%%\" .PID .Comm .Comm .Comm .PID}}",
                "004084|mysqld  |mys|\"mysqld\"|4084%",
            ),
            ("{{.Comm | printf \"%s_%s\" .Username}}", "ada_mysqld"),
            ("{{len .Cgroups}}{{len .Comm}}", "26"),
            ("{{slice .Comm 0 3}}{{slice .Comm 3}}", "mysqld"),
            ("{{print .Comm .PID 1}}", "mysqld4084 1"),
            ("{{if lt .PID 5000}}low{{end}}{{if ge .PID 5000}}high{{end}}", "low"),
            ("{{or .Matches.Other .Comm}}", "mysqld"),
            ("{{(index .Cgroups 1)}}", "/b"),
        ] {
            assert_eq!(name(template), expected, "{template}");
        }
    }

    #[test]
    fn what_fails_half_way_leaves_what_was_written() {
        for (template, expected) in [
            ("a{{.Nothing}}b", "a"),
            ("a{{index .Cgroups 7}}b", "a"),
            ("a{{.Comm.X}}", "a"),
            ("a{{slice .Comm 9}}", "a"),
        ] {
            assert_eq!(name(template), expected, "{template}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (template, expected) in [
            ("{{.x", "unclosed action"),
            ("{{nothing}}", "function \"nothing\" not defined"),
            ("{{if .Comm}}", "unexpected EOF"),
            ("{{end}}", "unexpected {{end}}"),
            ("{{else}}", "unexpected {{else}}"),
            ("{{}}", "missing value for command"),
            ("{{.Comm | }}", "missing value for command"),
            ("{{\"abc}}", "unterminated quoted string"),
            ("{{(.Comm}}", "unclosed left paren"),
            ("{{.Comm ! }}", "unexpected \"!\" in operand"),
        ] {
            assert_eq!(Template::parse(template).unwrap_err(), expected, "{template}");
        }
        // However deep it goes, it ends with a word and not with the stack.
        assert!(Template::parse(&"{{if .Comm}}".repeat(100_000)).is_err());
        assert!(Template::parse(&format!("{{{{{}", "(".repeat(100_000))).is_err());
    }
}
