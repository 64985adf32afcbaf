//! What people call a process: unit, container, script or name, and the lowest port on which it serves.

use std::sync::Arc;

use procyon_model::descriptor::Descriptor;

/// How a program that runs other programs reads its arguments.
struct Interpreter {
    /// What it is called, without a version.
    names: &'static [&'static str],
    /// Options whose value is the next argument.
    valued: &'static [&'static [u8]],
    /// Letters that, last in a group of short options, say that a program text follows, and no name.
    text: &'static [u8],
    /// The same in long.
    long_text: &'static [&'static [u8]],
    /// Words before the script, as `run` in `deno run x.ts`.
    words: &'static [&'static [u8]],
}

const NODE_VALUED: &[&[u8]] =
    &[b"-r", b"--require", b"--import", b"--loader", b"--experimental-loader", b"-C", b"--conditions"];
const NODE_TEXT: &[&[u8]] = &[b"--eval", b"--print"];

const INTERPRETERS: &[Interpreter] = &[
    Interpreter { names: &["python", "pypy"], valued: &[b"-W", b"-X"], text: b"c", long_text: &[], words: &[] },
    Interpreter { names: &["perl"], valued: &[b"-I"], text: b"eE", long_text: &[], words: &[] },
    Interpreter { names: &["ruby", "jruby"], valued: &[b"-I", b"-r", b"-C"], text: b"e", long_text: &[], words: &[] },
    Interpreter {
        names: &["php"],
        valued: &[b"-d", b"-c", b"-z", b"-S", b"-t"],
        text: b"rBR",
        long_text: &[b"--run"],
        words: &[],
    },
    Interpreter { names: &["node", "nodejs"], valued: NODE_VALUED, text: b"ep", long_text: NODE_TEXT, words: &[] },
    Interpreter { names: &["deno", "bun"], valued: NODE_VALUED, text: b"ep", long_text: NODE_TEXT, words: &[b"run"] },
    // A shell with `-s` reads from its input; its arguments are those of the text. `-e` is no text here.
    Interpreter {
        names: &["bash", "sh", "dash", "zsh", "ksh"],
        valued: &[b"-o", b"+o", b"-O", b"+O", b"--rcfile", b"--init-file"],
        text: b"cs",
        long_text: &[],
        words: &[],
    },
    Interpreter { names: &["lua", "luajit"], valued: &[b"-l"], text: b"e", long_text: &[], words: &[] },
    Interpreter { names: &["Rscript"], valued: &[], text: b"e", long_text: &[], words: &[] },
    Interpreter {
        names: &["dotnet"],
        valued: &[b"--runtimeconfig", b"--depsfile", b"--additionalprobingpath"],
        text: b"",
        long_text: &[],
        words: &[b"exec"],
    },
    Interpreter { names: &["mono", "tclsh"], valued: &[], text: b"", long_text: &[], words: &[] },
];

/// Longest group of short options; longer words with one dash are options of another kind.
const LONGEST_GROUP: usize = 4;

impl Interpreter {
    /// Whether a program text follows this option.
    fn is_text(&self, option: &[u8]) -> bool {
        let group = |letters: &[u8]| {
            letters.len() <= LONGEST_GROUP
                && letters.iter().all(u8::is_ascii_alphabetic)
                && letters.last().is_some_and(|last| self.text.contains(last))
        };
        self.long_text.contains(&option) || option.strip_prefix(b"-").is_some_and(group)
    }
}

/// The title: of unit, container, script and name the first that says something.
pub(crate) fn title(descriptor: &Descriptor, script: Option<&[u8]>) -> Box<[u8]> {
    // Scopes and slices only tell where a process was started from.
    if let Some(service) = descriptor.unit.strip_suffix(b".service")
        && !service.starts_with(b"user@")
        && !is_transient(service)
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

/// Whether `systemd-run` made the name up: `run-u42`, `run-r3f9a1c07…`.
fn is_transient(service: &[u8]) -> bool {
    let made = |letter: &[u8]| service.strip_prefix(letter).is_some_and(|rest| rest.iter().all(u8::is_ascii_hexdigit));
    made(b"run-u") || made(b"run-r") || made(b"run-p")
}

/// The script, module or archive that an interpreter runs, without its folder.
pub(crate) fn script<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Option<Box<[u8]>> {
    let program = base(arguments.next()?);
    let word = std::str::from_utf8(program).ok()?.trim_start_matches('-');
    if word == "java" {
        return java(arguments);
    }
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let interpreter = INTERPRETERS.iter().find(|interpreter| interpreter.names.contains(&plain))?;
    let is_python = interpreter.names.contains(&"python");
    while let Some(argument) = arguments.next() {
        match argument {
            [b'-', b'm'] | [b'-', _, b'm'] if is_python => return arguments.next().map(Into::into),
            [b'-', b'm', module @ ..] if is_python => return Some(module.into()),
            b"-f" if plain == "php" => return arguments.next().map(|script| base(script).into()),
            b"--" => return arguments.next().map(|script| base(script).into()),
            b"-" => return None,
            option if interpreter.valued.contains(&option) => {
                arguments.next()?;
            }
            option if interpreter.is_text(option) => return None,
            [b'-', ..] | b"" => {}
            word if interpreter.words.contains(&word) => {}
            script => return Some(base(script).into()),
        }
    }
    None
}

fn java<'a>(mut arguments: impl Iterator<Item = &'a [u8]>) -> Option<Box<[u8]>> {
    while let Some(argument) = arguments.next() {
        match argument {
            b"-jar" => return arguments.next().map(|jar| base(jar).into()),
            b"-m" | b"--module" => return arguments.next().map(|module| base(module).into()),
            b"-cp"
            | b"-classpath"
            | b"--class-path"
            | b"-p"
            | b"--module-path"
            | b"--add-opens"
            | b"--add-exports"
            | b"--add-modules"
            | b"--add-reads"
            | b"--upgrade-module-path" => {
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
    fn options_before_the_script_are_read_as_the_interpreter_reads_them() {
        check("/bin/sh -e /opt/run.sh", Some("run.sh"));
        check("bash -xeu -o pipefail /opt/run.sh", Some("run.sh"));
        check("bash -ec exit", None);
        check("bash -s -- install", None);
        check("python3 -W ignore -X dev app.py", Some("app.py"));
        check("python3 -um celery worker", Some("celery"));
        check("python3 -mhttp.server", Some("http.server"));
        check("python3 - a", None);
        check("node -r dotenv/config app.js", Some("app.js"));
        check("node -p process.version", None);
        check("node --eval 1", None);
        check("perl -I lib -w /srv/x.pl", Some("x.pl"));
        check("perl -pe s/a/b/", None);
        check("php -d memory_limit=1G -f /srv/cron.php", Some("cron.php"));
        check("php -r phpinfo", None);
        check("ruby -I lib -r json bin/rails server", Some("rails"));
        check("deno run -A server.ts", Some("server.ts"));
        check("dotnet /srv/Shop.dll", Some("Shop.dll"));
        check("java --add-opens java.base/java.lang=ALL-UNNAMED -m shop/com.shop.Main", Some("com.shop.Main"));
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
        descriptor.unit = (*b"run-u42.service").into();
        assert_eq!(&*title(&descriptor, None), b"settle-api");
        descriptor.unit = (*b"user@1000.service").into();
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
