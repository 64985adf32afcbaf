//! An error that knows its kind and what to do about it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::kind::Kind;

/// What to do about an error: a sentence with the command to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(pub Cow<'static, str>);

impl Hint {
    /// A hint with this text.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error for people: a message that reads well after `error:`, a [`Kind`], hints, and what caused it.
#[derive(Debug)]
pub struct Fault {
    kind: Kind,
    message: String,
    hints: Vec<Hint>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A failure of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), source: None }
    }

    /// Called wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.hints.push(Hint::new(text));
        self
    }

    /// Adds what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of failure it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What to do about it.
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
