//! What people type into a filter box: plain words or an expression.

use procyon_model::Value;
use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Fault, FilterError, FilterErrorKind};
use crate::filter::{Filter, within_length};
use crate::schema::{FieldIx, Row, Schema, Type};
use crate::{MAX_WORDS, REGEX_BYTES};

/// Characters of which one makes a text an expression. They are rare in names, paths, ports and pids.
const EXPRESSION: &[char] = &['<', '>', '=', '!', '&', '|', '(', ')', '[', ']', '{', '}', '"', '\'', '?'];

/// A parsed filter box.
///
/// A text is **an expression** if it holds one of the characters `< > = ! & | ( ) [ ] { } " ' ?`, or if it is nothing but
/// the name of a yes-or-no field (`kthread`). Every other text is **plain words**, split at blanks. A text that is one
/// quoted string as a whole is a single word, blanks and all: `"--config=/etc/my.cnf"`. An empty text matches all.
///
/// All words have to be found in a row, each in any of the word fields, without regard to case. In text fields a word may
/// stand anywhere (`sql` finds `mysqld`); number fields (pid) must equal it. A word like `:80` finds the port 80 in
/// `nginx:80`, but not 8080.
#[derive(Debug)]
pub enum Query {
    /// Everything matches.
    All,
    /// Plain words.
    Words(WordSearch),
    /// An expression.
    Filter(Filter),
}

/// Plain words and where to look for them.
#[derive(Debug)]
pub struct WordSearch {
    words: Vec<Word>,
    texts: Vec<FieldIx>,
    numbers: Vec<FieldIx>,
}

#[derive(Debug)]
struct Word {
    pattern: Regex,
    number: Option<u64>,
}

impl Query {
    /// Reads `text`; plain words are looked for in `word_fields` (those that the schema has).
    pub fn parse(text: &str, schema: &dyn Schema, word_fields: &[&str]) -> Result<Self, FilterError> {
        within_length(text).map_err(|fault| fault.locate(text))?;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Self::All);
        }
        let found = if let Some(phrase) = phrase(trimmed) {
            WordSearch::new(std::iter::once(phrase), schema, word_fields)
        } else if trimmed.contains(EXPRESSION) || matches!(schema.field(trimmed), Some((_, Type::Bool))) {
            return Filter::compile(text, schema).map(Self::Filter);
        } else {
            WordSearch::new(trimmed.split_whitespace(), schema, word_fields)
        };
        found.map(Self::Words).map_err(|fault| fault.locate(text))
    }

    /// Whether `row` is wanted.
    pub fn matches<R: Row + ?Sized>(&self, row: &R) -> bool {
        match self {
            Self::All => true,
            Self::Words(words) => words.matches(row),
            Self::Filter(filter) => filter.matches(row),
        }
    }

    /// The fields that are read.
    pub fn fields(&self) -> Vec<FieldIx> {
        match self {
            Self::All => Vec::new(),
            Self::Words(words) => words.texts.iter().chain(&words.numbers).copied().collect(),
            Self::Filter(filter) => filter.fields().to_vec(),
        }
    }
}

/// What stands between the quotes of a text that is quoted as a whole.
fn phrase(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.is_empty() && !inner.contains([quote, '\\'])).then_some(inner)
}

impl WordSearch {
    fn new<'t>(words: impl Iterator<Item = &'t str>, schema: &dyn Schema, word_fields: &[&str]) -> Result<Self, Fault> {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for (field, kind) in word_fields.iter().filter_map(|name| schema.field(name)) {
            match kind {
                Type::Text => texts.push(field),
                Type::Number(_) => numbers.push(field),
                Type::Bool => {}
            }
        }
        let words = words.map(Word::new).take(MAX_WORDS + 1).collect::<Result<Vec<_>, _>>()?;
        if words.len() > MAX_WORDS {
            return Err(Fault::new(FilterErrorKind::TooMany, 0..0, format!("more than {MAX_WORDS} words")));
        }
        Ok(Self { words, texts, numbers })
    }

    fn matches<R: Row + ?Sized>(&self, row: &R) -> bool {
        self.words.iter().all(|word| {
            let number = word.number.is_some_and(|number| {
                self.numbers.iter().any(|field| matches!(row.value(*field), Value::Uint(value) if value == number))
            });
            number
                || self
                    .texts
                    .iter()
                    .any(|field| matches!(row.value(*field), Value::Text(text) if word.pattern.is_match(&text)))
        })
    }
}

impl Word {
    fn new(word: &str) -> Result<Self, Fault> {
        let mut pattern = regex::escape(word);
        let port =
            word.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        if port {
            pattern.push_str("(?-u:[^0-9]|$)");
        }
        let pattern = RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .size_limit(REGEX_BYTES)
            .build()
            .map_err(|_| Fault::new(FilterErrorKind::TooLong, 0..0, "this word is too long"))?;
        Ok(Self { pattern, number: word.parse().ok() })
    }
}
