//! What people call a process: unit, container, script or name, and the lowest port on which it serves.

use std::sync::Arc;

use procyon_model::descriptor::Descriptor;

/// Programs that run what their first argument names.
const INTERPRETERS: &[&str] = &[
    "python", "perl", "ruby", "php", "node", "nodejs", "bash", "sh", "dash", "zsh", "ksh", "lua", "Rscript", "deno",
    "bun",
];

/// The title: of unit, container, script and name the first that says something.
pub(crate) fn title(descriptor: &Descriptor, script: Option<&[u8]>) -> Box<[u8]> {
    // Scopes and slices only tell where a process was started from.
    if let Some(service) = descriptor.unit.strip_suffix(b".service")
        && !service.starts_with(b"user@")
    {
        return service.into();
    }
    if !descriptor.container.is_empty() {
        return descriptor.container.clone();
    }
    match script {
        Some(script) if !script.is_empty() => script.into(),
        _ => descriptor.name.clone(),
    }
}

/// The script, module or archive that an interpreter runs, without its folder.
pub(crate) fn script<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Option<Box<[u8]>> {
    let program = base(arguments.next()?);
    let word = std::str::from_utf8(program).ok()?.trim_start_matches('-');
    if word == "java" {
        return java(arguments);
    }
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !INTERPRETERS.contains(&plain) {
        return None;
    }
    while let Some(argument) = arguments.next() {
        match argument {
            b"-m" if plain == "python" => return arguments.next().map(Into::into),
            // What follows is a program text, not its name.
            [b'-', letters @ .., b'c' | b'e'] if letters.len() <= 2 && !letters.contains(&b'-') => return None,
            [b'-', ..] | b"" => {}
            script => return Some(base(script).into()),
        }
    }
    None
}

fn java<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Option<Box<[u8]>> {
    while let Some(argument) = arguments.next() {
        match argument {
            b"-jar" => return arguments.next().map(|jar| base(jar).into()),
            b"-cp" | b"-classpath" | b"--class-path" | b"-p" | b"--module-path" => {
                arguments.next()?;
            }
            [b'-', ..] | b"" => {}
            // The main class, without its package.
            class => return class.rsplit(|byte| *byte == b'.').next().map(Into::into),
        }
    }
    None
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// How labels are made.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(Box<str>),
    Title,
    Name,
    User,
    Unit,
    Container,
    Port,
}

/// A template of labels that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label template, column {column}: {message}")]
pub struct TemplateError {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl Template {
    /// Reads `{title} {name} {user} {unit} {container} {port}` with text between them; without a template a label is the
    /// title, with `:PORT` where the process serves.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let column = text.chars().count() - rest.chars().count()
                + rest.get(..open).map_or(0, |before| before.chars().count())
                + 1;
            let error = |message: &str| TemplateError { column, message: message.to_owned() };
            let (before, inside) = rest.split_at(open);
            let inside = inside.strip_prefix('{').ok_or_else(|| error("a `}` without its `{`"))?;
            let (word, after) = inside.split_once('}').ok_or_else(|| error("a `{` without its `}`"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(match word {
                "title" => Part::Title,
                "name" => Part::Name,
                "user" => Part::User,
                "unit" => Part::Unit,
                "container" => Part::Container,
                "port" => Part::Port,
                _ => {
                    return Err(error(&format!(
                        "unknown field {word}; there are title, name, user, unit, container, port"
                    )));
                }
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self { parts })
    }
}

/// The label of a process.
pub(crate) fn label(template: Option<&Template>, descriptor: &Descriptor, port: Option<u16>) -> Arc<[u8]> {
    let mut label = Vec::with_capacity(32);
    match template {
        None => {
            label.extend_from_slice(&descriptor.title);
            label.extend(port.into_iter().flat_map(|port| format!(":{port}").into_bytes()));
        }
        Some(template) => {
            for part in &template.parts {
                match part {
                    Part::Text(text) => label.extend_from_slice(text.as_bytes()),
                    Part::Title => label.extend_from_slice(&descriptor.title),
                    Part::Name => label.extend_from_slice(&descriptor.name),
                    Part::User => label.extend_from_slice(&descriptor.user),
                    Part::Unit => label.extend_from_slice(&descriptor.unit),
                    Part::Container => label.extend_from_slice(&descriptor.container),
                    Part::Port => label.extend(port.into_iter().flat_map(|port| port.to_string().into_bytes())),
                }
            }
        }
    }
    label.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&str>) {
        let found = script(line.split(' ').map(str::as_bytes));
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{line}");
    }

    #[test]
    fn the_script_of_an_interpreter_names_the_process() {
        check("/usr/bin/python3.11 -u /opt/app/worker.py --queue a", Some("worker.py"));
        check("python3 -m http.server 8000", Some("http.server"));
        check("python3 -c print(1)", None);
        check("node --max-old-space-size=4096 /srv/gateway/main.js", Some("main.js"));
        check("java -Xmx8g -jar /srv/settle/settle-3.18.2.jar --x", Some("settle-3.18.2.jar"));
        check("java -cp /a:/b org.apache.kafka.Kafka server.properties", Some("Kafka"));
        check("bash -lc mysql", None);
        check("perl -we print", None);
        check("-bash", None);
        check("/bin/sh /etc/init.d/thing start", Some("thing"));
        check("/usr/sbin/mysqld --port=3309", None);
        check("shutdown now", None);
    }

    #[test]
    fn unit_then_container_then_script_then_name() {
        let mut descriptor = Descriptor { name: (*b"python3").into(), ..Descriptor::default() };
        assert_eq!(&*title(&descriptor, None), b"python3");
        assert_eq!(&*title(&descriptor, Some(b"worker.py")), b"worker.py");
        descriptor.container = (*b"settle-api").into();
        assert_eq!(&*title(&descriptor, Some(b"worker.py")), b"settle-api");
        descriptor.unit = (*b"session-3.scope").into();
        assert_eq!(&*title(&descriptor, None), b"settle-api");
        descriptor.unit = (*b"mysql@3309.service").into();
        assert_eq!(&*title(&descriptor, None), b"mysql@3309");
    }

    #[test]
    fn templates_replace_the_rule_and_say_where_they_are_wrong() {
        let descriptor = Descriptor { title: (*b"mysqld").into(), user: (*b"mysql").into(), ..Descriptor::default() };
        assert_eq!(&*label(None, &descriptor, Some(3309)), b"mysqld:3309");
        assert_eq!(&*label(None, &descriptor, None), b"mysqld");
        let template = Template::parse("{user}/{title}-{port}").unwrap();
        assert_eq!(&*label(Some(&template), &descriptor, Some(3309)), b"mysql/mysqld-3309");
        assert_eq!(Template::parse("{title} {prot}").unwrap_err().column, 9);
        assert_eq!(Template::parse("a}").unwrap_err().column, 2);
        assert_eq!(Template::parse("ab{title").unwrap_err().column, 3);
    }
}
