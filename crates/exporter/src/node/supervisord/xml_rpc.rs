//! Answers of XML-RPC: as much of XML as they are made of. There are no entities beyond the five that XML itself has.

/// The one question that is asked.
pub(super) const GET_ALL_PROCESS_INFO: &str =
    "<?xml version=\"1.0\"?><methodCall><methodName>supervisor.getAllProcessInfo</methodName><params/></methodCall>";

/// How deep lists may stand in lists.
const DEEPEST: usize = 8;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A whole number, or a truth value as 0 or 1.
    Number(i64),
    /// Text; also what nobody here asks for: dates, fractions, base 64.
    Text(String),
    /// A list.
    Array(Vec<Value>),
    /// Values with names.
    Struct(Vec<(String, Value)>),
}

impl Value {
    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Struct(members) = self else { return None };
        members.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// A member that is text; empty without it.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.member(name) {
            Some(Self::Text(text)) => text,
            _ => "",
        }
    }

    /// A member that is a number; 0 without it.
    pub(super) fn number(&self, name: &str) -> i64 {
        match self.member(name) {
            Some(Self::Number(number)) => *number,
            _ => 0,
        }
    }
}

/// Why an answer gives no value.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum AnswerError {
    /// The other side says that something went wrong.
    #[error("it answers with a fault: {0}")]
    Fault(String),
    /// It is no answer.
    #[error("the answer is no XML-RPC")]
    Odd,
}

/// The value of an answer.
pub(super) fn parse(text: &str) -> Result<Value, AnswerError> {
    let mut reader = Reader { rest: text };
    if reader.tag() != Some(Tag::Open("methodResponse")) {
        return Err(AnswerError::Odd);
    }
    match reader.tag() {
        Some(Tag::Open("params")) => {
            let is_value = reader.tag() == Some(Tag::Open("param")) && reader.tag() == Some(Tag::Open("value"));
            is_value.then(|| reader.value(0)).flatten().ok_or(AnswerError::Odd)
        }
        Some(Tag::Open("fault")) if reader.tag() == Some(Tag::Open("value")) => {
            let fault = reader.value(0).ok_or(AnswerError::Odd)?;
            Err(AnswerError::Fault(fault.text("faultString").to_owned()))
        }
        _ => Err(AnswerError::Odd),
    }
}

#[derive(Debug, PartialEq)]
enum Tag<'a> {
    Open(&'a str),
    Close(&'a str),
    /// `<name/>`.
    Empty(&'a str),
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The next tag, behind nothing but blanks.
    fn tag(&mut self) -> Option<Tag<'a>> {
        let (text, tag) = self.text()?;
        text.trim().is_empty().then_some(tag)
    }

    /// Text up to the next tag, and that tag. Comments and declarations are passed over.
    fn text(&mut self) -> Option<(String, Tag<'a>)> {
        let mut text = String::new();
        loop {
            let (before, after) = self.rest.split_once('<')?;
            unescape(before, &mut text)?;
            let passed = if let Some(after) = after.strip_prefix("![CDATA[") {
                let (verbatim, after) = after.split_once("]]>")?;
                text.push_str(verbatim);
                after
            } else if let Some(after) = after.strip_prefix("!--") {
                after.split_once("-->")?.1
            } else if let Some(after) = after.strip_prefix('?') {
                after.split_once("?>")?.1
            } else if after.starts_with('!') {
                // A declaration of entities could blow up; a plain one of the document's type cannot.
                let (declaration, after) = after.split_once('>')?;
                if declaration.contains('[') {
                    return None;
                }
                after
            } else {
                let (tag, after) = after.split_once('>')?;
                self.rest = after;
                return Some((text, kind(tag)));
            };
            self.rest = passed;
        }
    }

    /// A value, behind its opening tag and up to the closing one.
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let (text, tag) = self.text()?;
        let value = match tag {
            // Without a type it is text.
            Tag::Close("value") => return Some(Value::Text(text)),
            Tag::Open("array") => self.array(depth)?,
            Tag::Open("struct") => self.members(depth)?,
            Tag::Open(kind) => self.scalar(kind)?,
            Tag::Empty("struct") => Value::Struct(Vec::new()),
            Tag::Empty(_) => Value::Text(String::new()),
            Tag::Close(_) => return None,
        };
        (self.tag()? == Tag::Close("value")).then_some(value)
    }

    fn scalar(&mut self, kind: &str) -> Option<Value> {
        let (text, tag) = self.text()?;
        if tag != Tag::Close(kind) {
            return None;
        }
        Some(match kind {
            "int" | "i4" | "i8" | "boolean" => Value::Number(text.trim().parse().ok()?),
            _ => Value::Text(text),
        })
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        match self.tag()? {
            Tag::Open("data") => loop {
                match self.tag()? {
                    Tag::Open("value") => values.push(self.value(depth + 1)?),
                    Tag::Empty("value") => values.push(Value::Text(String::new())),
                    Tag::Close("data") => break,
                    _ => return None,
                }
            },
            Tag::Empty("data") => {}
            _ => return None,
        }
        (self.tag()? == Tag::Close("array")).then_some(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        loop {
            match self.tag()? {
                Tag::Open("member") => {
                    if self.tag()? != Tag::Open("name") {
                        return None;
                    }
                    let (name, tag) = self.text()?;
                    if tag != Tag::Close("name") {
                        return None;
                    }
                    let value = match self.tag()? {
                        Tag::Open("value") => self.value(depth + 1)?,
                        Tag::Empty("value") => Value::Text(String::new()),
                        _ => return None,
                    };
                    members.push((name, value));
                    if self.tag()? != Tag::Close("member") {
                        return None;
                    }
                }
                Tag::Close("struct") => return Some(Value::Struct(members)),
                _ => return None,
            }
        }
    }
}

fn kind(tag: &str) -> Tag<'_> {
    let name = |text: &'_ str| text.split_ascii_whitespace().next().map_or(0, str::len);
    if let Some(rest) = tag.strip_prefix('/') {
        return Tag::Close(rest.get(..name(rest)).unwrap_or_default());
    }
    match tag.strip_suffix('/') {
        Some(rest) => Tag::Empty(rest.get(..name(rest)).unwrap_or_default()),
        None => Tag::Open(tag.get(..name(tag)).unwrap_or_default()),
    }
}

/// Text with `&lt;` and its like turned back; none where one is unknown.
fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let digits = name.strip_prefix('#')?;
                let number = match digits.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                char::from_u32(number)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "<?xml version='1.0'?>\n<!DOCTYPE methodResponse>\n<methodResponse><params>\n<param>\n\
        <value><array><data>\n<value><struct>\n<member><name>name</name><value><string>a&lt;&#38;&#x3e;</string></value></member>\
        <member>\n<name>state</name>\n<value><int>20</int></value>\n</member>\
        <member><name>group</name><value>plain<!-- not this --> text</value></member>\
        <member><name>spawnerr</name><value><string/></value></member>\
        <member><name>list</name><value><array><data/></array></value></member>\
        </struct></value>\n</data></array></value>\n</param></params></methodResponse>";

    #[test]
    fn an_answer_is_read_with_all_its_kinds_of_values() {
        let Ok(Value::Array(processes)) = parse(ANSWER) else { panic!("{:?}", parse(ANSWER)) };
        let [process] = &*processes else { panic!("{processes:?}") };
        assert_eq!((process.text("name"), process.number("state")), ("a<&>", 20));
        assert_eq!((process.text("group"), process.text("spawnerr"), process.number("none")), ("plain text", "", 0));
    }

    #[test]
    fn faults_and_nonsense_are_told_apart() {
        let fault = "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>1</int></value>\
            </member><member><name>faultString</name><value><string>UNKNOWN_METHOD</string></value></member></struct>\
            </value></fault></methodResponse>";
        assert_eq!(parse(fault), Err(AnswerError::Fault("UNKNOWN_METHOD".to_owned())));
        let deep = format!("{}1", "<value><array><data>".repeat(100_000));
        let entities = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><methodResponse><params/></methodResponse>";
        for text in ["", "<html>", "<methodResponse>", entities, &format!("<methodResponse><params><param>{deep}")] {
            assert_eq!(parse(text), Err(AnswerError::Odd));
        }
    }

    proptest! {
        #[test]
        fn answers_that_are_cut_or_spoiled_do_no_harm(cut in any::<prop::sample::Index>(), with in ".{0,3}") {
            let at = cut.index(ANSWER.len());
            let _cut = parse(&ANSWER[..at]);
            let _spoiled = parse(&format!("{}{with}{}", &ANSWER[..at], ANSWER.get(at + 1..).unwrap_or_default()));
        }
    }
}
