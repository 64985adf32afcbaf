//! What was wrong with an expression, where, and what to write instead.

use std::ops::Range;

/// Why an expression was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterErrorKind {
    /// More than [`crate::MAX_SOURCE`] bytes.
    TooLong,
    /// Nested deeper than [`crate::MAX_DEPTH`].
    TooDeep,
    /// A list of more than [`crate::MAX_LIST`] items, or more than [`crate::MAX_WORDS`] words.
    TooMany,
    /// Not an expression.
    Syntax,
    /// A name that the schema does not have.
    UnknownField,
    /// A function or method that does not exist.
    UnknownFunction,
    /// A unit that does not exist (`10.Gib`).
    UnknownUnit,
    /// Values that do not go together (`name > 5`).
    Type,
    /// A regular expression that is wrong or too large.
    Regex,
}

/// Why a filter was refused. `Display` is [`Self::message`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// What kind of mistake.
    pub kind: FilterErrorKind,
    /// Where: byte offsets into the source, always on character borders.
    pub span: Range<usize>,
    /// Line of the start, counted from 1.
    pub line: usize,
    /// Column of the start, counted from 1 in characters.
    pub column: usize,
    /// The whole sentence, position and suggestion included: `unknown field nam at column 12; did you mean name?`.
    pub message: String,
    /// What to put in place of [`Self::span`].
    pub suggestion: Option<String>,
}

/// A mistake on its way up, before its position is counted in lines and columns.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: FilterErrorKind,
    span: Range<usize>,
    problem: String,
    suggestion: Option<String>,
    hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: FilterErrorKind, span: Range<usize>, problem: impl Into<String>) -> Self {
        Self { kind, span, problem: problem.into(), suggestion: None, hint: None }
    }

    pub(crate) fn syntax(span: Range<usize>, problem: impl Into<String>) -> Self {
        Self::new(FilterErrorKind::Syntax, span, problem)
    }

    pub(crate) fn mistyped(span: Range<usize>, problem: impl Into<String>) -> Self {
        Self::new(FilterErrorKind::Type, span, problem)
    }

    /// With text to put in place of the span.
    pub(crate) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// With a remedy in words, shown where there is no suggestion.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn locate(self, source: &str) -> FilterError {
        let start = floor(source, self.span.start);
        let end = floor(source, self.span.end).max(start);
        let before = source.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = if source.trim_end().contains('\n') {
            format!("line {line}, column {column}")
        } else {
            format!("column {column}")
        };
        let mut message = format!("{} at {place}", self.problem);
        if let Some(suggestion) = &self.suggestion {
            message.push_str("; did you mean ");
            message.push_str(suggestion);
            message.push('?');
        } else if let Some(hint) = &self.hint {
            message.push_str("; ");
            message.push_str(hint);
        }
        FilterError { kind: self.kind, span: start..end, line, column, message, suggestion: self.suggestion }
    }
}

/// The character border at or before `offset`.
fn floor(source: &str, offset: usize) -> usize {
    source.floor_char_boundary(offset)
}
