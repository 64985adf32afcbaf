//! Nodes to a name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Call, Function, Node, Operand, Pipeline, Subject};

/// The template asks for something that there is not.
struct Failed;

/// A value while a template runs.
#[derive(Debug, Clone, PartialEq)]
enum Value<'a> {
    /// The process itself.
    Subject,
    Text(Cow<'a, str>),
    Number(i64),
    Flag(bool),
    List(&'a [String]),
    Map(&'a BTreeMap<String, String>),
    /// Nanoseconds since 1970.
    Time(i64),
    /// A key that a map does not have.
    Nothing,
}

impl Value<'_> {
    fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0,
            Self::Flag(flag) => *flag,
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Subject | Self::Time(_) => true,
            Self::Nothing => false,
        }
    }

    /// As Go's `fmt` writes it by `%v`.
    fn show(&self) -> Result<Cow<'_, str>, Failed> {
        Ok(match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => number.to_string().into(),
            Self::Flag(flag) => flag.to_string().into(),
            Self::List(list) => format!("[{}]", list.join(" ")).into(),
            Self::Map(map) => {
                let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("map[{}]", pairs.join(" ")).into()
            }
            Self::Time(nanos) => time(*nanos).into(),
            Self::Nothing => "<no value>".into(),
            Self::Subject => return Err(Failed),
        })
    }
}

/// As Go writes a time: `2023-12-20 21:17:03.69 +0000 UTC`.
fn time(nanos: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(nanos.into()).unwrap_or_default();
    let fraction = nanos.rem_euclid(1_000_000_000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:09}") };
    format!("{}{} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S"), fraction.trim_end_matches('0'))
}

/// Writes the nodes, as far as they go.
pub(super) fn run(nodes: &[Node], subject: &Subject<'_>) -> String {
    let mut out = String::new();
    // What was written before a failure stays, as upstream has it.
    let _complete = Run { subject, out: &mut out }.nodes(nodes, &Value::Subject).is_ok();
    out
}

struct Run<'a, 'o> {
    subject: &'a Subject<'a>,
    out: &'o mut String,
}

impl<'a> Run<'a, '_> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value<'a>) -> Result<(), Failed> {
        nodes.iter().try_for_each(|node| self.node(node, dot))
    }

    fn node(&mut self, node: &'a Node, dot: &Value<'a>) -> Result<(), Failed> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Show(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                self.out.push_str(&value.show()?);
            }
            Node::If { condition, then, otherwise } => {
                let taken = if self.pipeline(condition, dot)?.is_true() { then } else { otherwise };
                self.nodes(taken, dot)?;
            }
            Node::With { value, then, otherwise } => {
                let value = self.pipeline(value, dot)?;
                if value.is_true() {
                    self.nodes(then, &value)?;
                } else {
                    self.nodes(otherwise, dot)?;
                }
            }
            Node::Range { list, each, otherwise } => {
                let items: Vec<&'a str> = match self.pipeline(list, dot)? {
                    Value::List(list) => list.iter().map(String::as_str).collect(),
                    Value::Map(map) => map.values().map(String::as_str).collect(),
                    _ => return Err(Failed),
                };
                if items.is_empty() {
                    return self.nodes(otherwise, dot);
                }
                for item in items {
                    self.nodes(each, &Value::Text(Cow::Borrowed(item)))?;
                }
            }
        }
        Ok(())
    }

    fn pipeline(&self, pipeline: &'a Pipeline, dot: &Value<'a>) -> Result<Value<'a>, Failed> {
        let mut last = None;
        for call in pipeline {
            last = Some(match (call, last) {
                (Call::Operand(operand), None) => self.operand(operand, dot)?,
                // Only a function takes what comes out of a pipe.
                (Call::Operand(_), Some(_)) => return Err(Failed),
                (Call::Function(function, operands), last) => {
                    let operands: Result<Vec<Value<'a>>, Failed> =
                        operands.iter().map(|operand| self.operand(operand, dot)).collect();
                    call_function(*function, operands?.into_iter().chain(last).collect())?
                }
            });
        }
        last.ok_or(Failed)
    }

    fn operand(&self, operand: &'a Operand, dot: &Value<'a>) -> Result<Value<'a>, Failed> {
        let (value, fields) = match operand {
            Operand::Text(text) => return Ok(Value::Text(Cow::Borrowed(text))),
            Operand::Number(number) => return Ok(Value::Number(*number)),
            Operand::Flag(flag) => return Ok(Value::Flag(*flag)),
            Operand::Dot(fields) => (dot.clone(), fields),
            Operand::Root(fields) => (Value::Subject, fields),
            Operand::Inner(pipeline, fields) => (self.pipeline(pipeline, dot)?, fields),
        };
        fields.iter().try_fold(value, |value, field| self.field(&value, field))
    }

    fn field(&self, value: &Value<'a>, field: &str) -> Result<Value<'a>, Failed> {
        let text = |text: &'a str| Ok(Value::Text(Cow::Borrowed(text)));
        let subject = self.subject;
        match (value, field) {
            (Value::Subject, "Comm") => text(subject.comm),
            (Value::Subject, "ExeBase") => text(subject.exe_base),
            (Value::Subject, "ExeFull") => text(subject.exe_full),
            (Value::Subject, "Username") => text(subject.user),
            (Value::Subject, "PID") => Ok(Value::Number(subject.pid.into())),
            (Value::Subject, "StartTime") => Ok(Value::Time(subject.start)),
            (Value::Subject, "Cgroups") => Ok(Value::List(subject.cgroups)),
            (Value::Subject, "Matches") => Ok(Value::Map(&subject.matches)),
            (Value::Time(nanos), "Unix") => Ok(Value::Number(nanos.div_euclid(1_000_000_000))),
            (Value::Map(map), key) => {
                Ok(map.get(key).map_or(Value::Nothing, |value| Value::Text(Cow::Borrowed(value))))
            }
            _ => Err(Failed),
        }
    }
}

fn call_function(function: Function, values: Vec<Value<'_>>) -> Result<Value<'_>, Failed> {
    let shown = |text: String| Ok(Value::Text(Cow::Owned(text)));
    match function {
        Function::And | Function::Or => {
            let stops = function == Function::Or;
            let at = values.iter().position(|value| value.is_true() == stops).unwrap_or(values.len().saturating_sub(1));
            values.into_iter().nth(at).ok_or(Failed)
        }
        Function::Not => match &*values {
            [value] => Ok(Value::Flag(!value.is_true())),
            _ => Err(Failed),
        },
        Function::Len => match &*values {
            [Value::Text(text)] => Ok(Value::Number(count(text.len()))),
            [Value::List(list)] => Ok(Value::Number(count(list.len()))),
            [Value::Map(map)] => Ok(Value::Number(count(map.len()))),
            _ => Err(Failed),
        },
        Function::Index => index(&values),
        Function::Slice => slice(&values),
        Function::Print => print(&values).and_then(shown),
        Function::Println => {
            let words: Result<Vec<String>, Failed> =
                values.iter().map(|value| Ok(value.show()?.into_owned())).collect();
            shown(words?.join(" ") + "\n")
        }
        Function::Printf => match values.split_first() {
            Some((Value::Text(format), values)) => printf(format, values).and_then(shown),
            _ => Err(Failed),
        },
        Function::Eq => match values.split_first() {
            Some((first, others)) if !others.is_empty() => {
                let same: Result<Vec<bool>, Failed> = others.iter().map(|other| equal(first, other)).collect();
                Ok(Value::Flag(same?.contains(&true)))
            }
            _ => Err(Failed),
        },
        Function::Ne => match &*values {
            [one, other] => Ok(Value::Flag(!equal(one, other)?)),
            _ => Err(Failed),
        },
        Function::Lt | Function::Le | Function::Gt | Function::Ge => {
            let order = match &*values {
                [Value::Number(one), Value::Number(other)] => one.cmp(other),
                [Value::Text(one), Value::Text(other)] => one.cmp(other),
                _ => return Err(Failed),
            };
            Ok(Value::Flag(match function {
                Function::Lt => order.is_lt(),
                Function::Le => order.is_le(),
                Function::Gt => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn equal(one: &Value<'_>, other: &Value<'_>) -> Result<bool, Failed> {
    match (one, other) {
        (Value::Text(_), Value::Text(_)) | (Value::Number(_), Value::Number(_)) | (Value::Flag(_), Value::Flag(_)) => {
            Ok(one == other)
        }
        // A key that is not there equals nothing.
        (Value::Nothing, _) | (_, Value::Nothing) => Ok(false),
        _ => Err(Failed),
    }
}

fn index<'a>(values: &[Value<'a>]) -> Result<Value<'a>, Failed> {
    match values {
        [Value::List(list), Value::Number(at)] => {
            let item = usize::try_from(*at).ok().and_then(|at| list.get(at)).ok_or(Failed)?;
            Ok(Value::Text(Cow::Borrowed(item)))
        }
        [Value::Map(map), Value::Text(key)] => {
            Ok(Value::Text(Cow::Borrowed(map.get(&**key).map(String::as_str).unwrap_or_default())))
        }
        [value] => Ok(value.clone()),
        _ => Err(Failed),
    }
}

fn slice<'a>(values: &[Value<'a>]) -> Result<Value<'a>, Failed> {
    let bound = |value: &Value<'_>| match value {
        Value::Number(number) => usize::try_from(*number).map_err(|_| Failed),
        _ => Err(Failed),
    };
    let Some((Value::Text(text), bounds)) = values.split_first() else { return Err(Failed) };
    let (from, to) = match bounds {
        [] => (0, text.len()),
        [from] => (bound(from)?, text.len()),
        [from, to] => (bound(from)?, bound(to)?),
        _ => return Err(Failed),
    };
    text.get(from..to).map(|part| Value::Text(Cow::Owned(part.to_owned()))).ok_or(Failed)
}

/// Go's `print`: a blank between two values that are both no text.
fn print(values: &[Value<'_>]) -> Result<String, Failed> {
    let mut out = String::new();
    let mut before_is_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !before_is_text {
            out.push(' ');
        }
        before_is_text = is_text;
        out.push_str(&value.show()?);
    }
    Ok(out)
}

/// The widest that a value may be made.
const WIDEST: usize = 4096;

/// Go's `printf` with `%s %v %d %q %x %%`, flags `-` and `0`, width and precision.
fn printf(format: &str, values: &[Value<'_>]) -> Result<String, Failed> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let flags = after.trim_start_matches(['-', '0', '+', ' ', '#']);
        let given = after.get(..after.len() - flags.len()).unwrap_or_default();
        let (width, tail) = digits(flags);
        let (precision, tail) = match tail.strip_prefix('.') {
            Some(tail) => {
                let (precision, tail) = digits(tail);
                (Some(precision.unwrap_or(0)), tail)
            }
            None => (None, tail),
        };
        let mut letters = tail.chars();
        let verb = letters.next();
        rest = letters.as_str();
        let Some(verb) = verb else {
            out.push_str("%!(NOVERB)");
            return Ok(out);
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = values.next() else {
            out.extend(["%!", verb.encode_utf8(&mut [0; 4]), "(MISSING)"]);
            continue;
        };
        pad(&mut out, &formatted(verb, value, precision)?, width.unwrap_or(0), given);
    }
    out.push_str(rest);
    Ok(out)
}

fn digits(text: &str) -> (Option<usize>, &str) {
    let (digits, rest) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    (digits.parse().ok().map(|number: usize| number.min(WIDEST)), rest)
}

/// The bytes of a text as `%x` shows them.
fn hexadecimal(text: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

fn formatted(verb: char, value: &Value<'_>, precision: Option<usize>) -> Result<String, Failed> {
    let cut = |text: &str| text.chars().take(precision.unwrap_or(usize::MAX)).collect::<String>();
    Ok(match (verb, value) {
        ('v', value) => value.show()?.into_owned(),
        ('s', Value::Text(text)) => cut(text),
        ('s', Value::List(_) | Value::Map(_) | Value::Time(_)) => value.show()?.into_owned(),
        ('d', Value::Number(number)) => number.to_string(),
        ('x', Value::Number(number)) => format!("{number:x}"),
        ('x', Value::Text(text)) => hexadecimal(text),
        ('q', Value::Text(text)) => format!("{:?}", cut(text)),
        (verb, Value::Text(text)) => format!("%!{verb}(string={text})"),
        (verb, Value::Number(number)) => format!("%!{verb}(int={number})"),
        (verb, value) => format!("%!{verb}({})", value.show()?),
    })
}

fn pad(out: &mut String, text: &str, width: usize, flags: &str) {
    let missing = width.saturating_sub(text.chars().count());
    if flags.contains('-') {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else {
        let fill = if flags.contains('0') { '0' } else { ' ' };
        out.extend(std::iter::repeat_n(fill, missing));
        out.push_str(text);
    }
}
