//! Text to nodes. Errors are worded as Go's.

use super::{Call, Function, Node, Operand, Pipeline};

/// How deep blocks and parentheses may lie in each other.
const DEEPEST: usize = 64;

/// Reads a template.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parts = split(text)?.into_iter();
    let (nodes, end) = block(&mut parts, 0)?;
    match end {
        End::Text => Ok(nodes),
        End::Else(_) => Err("unexpected {{else}}".to_owned()),
        End::Block => Err("unexpected {{end}}".to_owned()),
    }
}

#[derive(Debug)]
enum Part<'a> {
    Text(&'a str),
    Action(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A word: a function, a keyword, `true`.
    Word(String),
    /// `.A.B`; empty for the dot alone.
    Field(Vec<String>),
    /// `$`.
    Dollar,
    Text(String),
    Number(i64),
    Pipe,
    Open,
    Close,
}

/// Parts text from actions; `{{-` and `-}}` take the white space beside them away.
fn split(text: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut parts, mut rest, mut trim) = (Vec::new(), text, false);
    loop {
        let (before, after) = rest.split_once("{{").map_or((rest, None), |(before, after)| (before, Some(after)));
        let before = if trim { before.trim_start() } else { before };
        let Some(after) = after else {
            parts.push(Part::Text(before));
            return Ok(parts);
        };
        let trimmed = after.strip_prefix('-').filter(|inner| inner.starts_with([' ', '\t', '\n', '\r']));
        parts.push(Part::Text(if trimmed.is_some() { before.trim_end() } else { before }));
        let inner = trimmed.unwrap_or(after);
        if let Some(comment) = inner.trim_start().strip_prefix("/*") {
            let (_, tail) = comment.split_once("*/").ok_or("unclosed comment")?;
            (trim, rest) = close(tail).ok_or("comment ends before closing delimiter")?;
            continue;
        }
        let mut tokens = Vec::new();
        let mut at = inner;
        (trim, rest) = loop {
            at = at.trim_start_matches(' ');
            if let Some(closed) = close(at) {
                break closed;
            }
            let (token, tail) = token(at)?;
            tokens.push(token);
            at = tail;
        };
        parts.push(Part::Action(tokens));
    }
}

/// What follows the end of an action, and whether white space goes.
fn close(text: &str) -> Option<(bool, &str)> {
    let text = text.trim_start();
    text.strip_prefix("}}").map(|rest| (false, rest)).or_else(|| Some((true, text.strip_prefix("-}}")?)))
}

const fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !is_name(letter)).unwrap_or(text.len()))
}

fn token(text: &str) -> Result<(Token, &str), String> {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return Err("unclosed action".to_owned()) };
    let rest = letters.as_str();
    Ok(match first {
        '|' => (Token::Pipe, rest),
        '(' => (Token::Open, rest),
        ')' => (Token::Close, rest),
        '$' => (Token::Dollar, rest),
        '.' => fields(text),
        '"' => quoted(rest)?,
        '`' => {
            let (raw, rest) = rest.split_once('`').ok_or("unterminated raw quoted string")?;
            (Token::Text(raw.to_owned()), rest)
        }
        '0'..='9' | '-' | '+' => {
            let (digits, rest) = word(rest);
            let number = format!("{first}{digits}");
            (Token::Number(number.parse().map_err(|_| format!("bad number syntax: {number:?}"))?), rest)
        }
        letter if is_name(letter) => {
            let (name, rest) = word(text);
            (Token::Word(name.to_owned()), rest)
        }
        '\n' | '\r' | '\t' => return token(text.trim_start()),
        '}' => return Err("unclosed action".to_owned()),
        other => return Err(format!("unexpected {:?} in operand", other.to_string())),
    })
}

/// `.A.B`.
fn fields(text: &str) -> (Token, &str) {
    let (mut names, mut rest) = (Vec::new(), text);
    while let Some(after) = rest.strip_prefix('.') {
        let (name, tail) = word(after);
        rest = tail;
        if name.is_empty() {
            break;
        }
        names.push(name.to_owned());
    }
    (Token::Field(names), rest)
}

fn quoted(text: &str) -> Result<(Token, &str), String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok((Token::Text(out), letters.as_str())),
            '\n' => break,
            '\\' => out.push(match letters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(letter @ ('\\' | '"' | '\'')) => letter,
                _ => return Err("invalid syntax in quoted string".to_owned()),
            }),
            letter => out.push(letter),
        }
    }
    Err("unterminated quoted string".to_owned())
}

/// What ended a block.
enum End {
    Text,
    /// `else`, with what follows it.
    Else(Vec<Token>),
    Block,
}

fn block<'a>(parts: &mut impl Iterator<Item = Part<'a>>, depth: usize) -> Result<(Vec<Node>, End), String> {
    if depth > DEEPEST {
        return Err("max nesting depth exceeded".to_owned());
    }
    let mut nodes = Vec::new();
    while let Some(part) = parts.next() {
        let tokens = match part {
            Part::Text("") => continue,
            Part::Text(text) => {
                nodes.push(Node::Text(text.to_owned()));
                continue;
            }
            Part::Action(tokens) => tokens,
        };
        let (keyword, rest) = match tokens.split_first() {
            Some((Token::Word(word), rest)) => (word.as_str(), rest),
            _ => ("", tokens.as_slice()),
        };
        match keyword {
            "end" => return Ok((nodes, End::Block)),
            "else" => return Ok((nodes, End::Else(rest.to_vec()))),
            "if" | "with" | "range" => nodes.push(control(keyword, rest, parts, depth + 1)?),
            _ => nodes.push(Node::Show(pipeline(&tokens)?)),
        }
    }
    Ok((nodes, End::Text))
}

fn control<'a>(
    keyword: &str,
    tokens: &[Token],
    parts: &mut impl Iterator<Item = Part<'a>>,
    depth: usize,
) -> Result<Node, String> {
    let head = pipeline(tokens)?;
    let (then, end) = block(parts, depth)?;
    let otherwise = match end {
        End::Text => return Err("unexpected EOF".to_owned()),
        End::Block => Vec::new(),
        End::Else(rest) => match rest.split_first() {
            None => match block(parts, depth)? {
                (nodes, End::Block) => nodes,
                (_, End::Text) => return Err("unexpected EOF".to_owned()),
                (_, End::Else(_)) => return Err("expected end; found {{else}}".to_owned()),
            },
            Some((Token::Word(word), rest)) if word == keyword && keyword != "range" => {
                vec![control(keyword, rest, parts, depth + 1)?]
            }
            Some(_) => return Err("unexpected token in {{else}}".to_owned()),
        },
    };
    Ok(match keyword {
        "if" => Node::If { condition: head, then, otherwise },
        "with" => Node::With { value: head, then, otherwise },
        _ => Node::Range { list: head, each: then, otherwise },
    })
}

fn pipeline(tokens: &[Token]) -> Result<Pipeline, String> {
    let mut rest = tokens;
    let calls = calls(&mut rest, 0)?;
    match rest.first() {
        None => Ok(calls),
        Some(_) => Err("unexpected right paren".to_owned()),
    }
}

/// Calls up to the end or a closing parenthesis.
fn calls(rest: &mut &[Token], depth: usize) -> Result<Pipeline, String> {
    if depth > DEEPEST {
        return Err("max expression depth exceeded".to_owned());
    }
    let mut calls = Vec::new();
    loop {
        let function = match rest.split_first() {
            Some((Token::Word(name), tail)) if !matches!(name.as_str(), "true" | "false") => {
                *rest = tail;
                Some(Function::named(name).ok_or_else(|| format!("function {name:?} not defined"))?)
            }
            _ => None,
        };
        let mut operands = Vec::new();
        while !matches!(rest.first(), None | Some(Token::Pipe | Token::Close)) {
            operands.push(operand(rest, depth)?);
        }
        let mut operands = operands.into_iter();
        calls.push(match (function, operands.next()) {
            (Some(function), first) => Call::Function(function, first.into_iter().chain(operands).collect()),
            (None, None) => return Err("missing value for command".to_owned()),
            (None, Some(operand)) if operands.len() == 0 => Call::Operand(operand),
            (None, Some(_)) => return Err("can't give argument to non-function".to_owned()),
        });
        match rest.split_first() {
            Some((Token::Pipe, tail)) => *rest = tail,
            _ => return Ok(calls),
        }
    }
}

fn operand(rest: &mut &[Token], depth: usize) -> Result<Operand, String> {
    let Some((token, tail)) = rest.split_first() else { return Err("missing value for command".to_owned()) };
    *rest = tail;
    let mut fields = || match rest.split_first() {
        Some((Token::Field(names), tail)) if !names.is_empty() => {
            *rest = tail;
            names.clone()
        }
        _ => Vec::new(),
    };
    Ok(match token {
        Token::Field(names) => Operand::Dot(names.clone()),
        Token::Dollar => Operand::Root(fields()),
        Token::Text(text) => Operand::Text(text.clone()),
        Token::Number(number) => Operand::Number(*number),
        Token::Word(word) if word == "true" || word == "false" => Operand::Flag(word == "true"),
        Token::Word(word) => {
            let function = Function::named(word).ok_or_else(|| format!("function {word:?} not defined"))?;
            Operand::Inner(vec![Call::Function(function, Vec::new())], Vec::new())
        }
        Token::Open => {
            let inner = calls(rest, depth + 1)?;
            let Some((Token::Close, tail)) = rest.split_first() else { return Err("unclosed left paren".to_owned()) };
            *rest = tail;
            let fields = match rest.split_first() {
                Some((Token::Field(names), tail)) if !names.is_empty() => {
                    *rest = tail;
                    names.clone()
                }
                _ => Vec::new(),
            };
            Operand::Inner(inner, fields)
        }
        Token::Pipe | Token::Close => return Err("missing value for command".to_owned()),
    })
}
