//! A compiled expression.

use crate::check::Checker;
use crate::error::{Fault, FilterError, FilterErrorKind};
use crate::parse::parse;
use crate::schema::{FieldIx, Row, Schema};
use crate::tree::Test;
use crate::{MAX_REGEXES, MAX_SOURCE, REGEX_BYTES};

/// An expression, checked against a schema: true, false or unknown for each row.
#[derive(Debug)]
pub struct Filter {
    test: Test,
    fields: Box<[FieldIx]>,
}

impl Filter {
    /// Checks and compiles `source`. Takes microseconds; a filter is compiled once and evaluated over many rows.
    pub fn compile(source: &str, schema: &dyn Schema) -> Result<Self, FilterError> {
        Self::build(source, schema).map_err(|fault| fault.locate(source))
    }

    fn build(source: &str, schema: &dyn Schema) -> Result<Self, Fault> {
        within_length(source)?;
        let expr = parse(source)?;
        let mut regexes = Vec::new();
        expr.regexes(&mut regexes);
        if regexes.len() > MAX_REGEXES {
            let span = regexes.get(MAX_REGEXES).cloned().unwrap_or_default();
            let problem = format!("more than {MAX_REGEXES} regular expressions");
            return Err(Fault::new(FilterErrorKind::TooMany, span, problem).hint("join them with | into one"));
        }
        let regex_bytes = REGEX_BYTES / regexes.len().max(1);
        let mut checker = Checker { source, schema, fields: Vec::new(), regex_bytes };
        let test = checker.filter(&expr)?;
        Ok(Self { test, fields: checker.fields.into() })
    }

    /// Whether the expression is true for `row`. What is unknown does not match, and neither does its negation.
    pub fn matches<R: Row + ?Sized>(&self, row: &R) -> bool {
        self.test.eval(row) == Some(true)
    }

    /// True, false, or `None` where the row does not hold what it takes to tell.
    pub fn evaluate<R: Row + ?Sized>(&self, row: &R) -> Option<bool> {
        self.test.eval(row)
    }

    /// The fields that the expression reads, each once, in order of appearance.
    pub fn fields(&self) -> &[FieldIx] {
        &self.fields
    }
}

/// Longer texts are refused before anything looks at them.
pub(crate) fn within_length(source: &str) -> Result<(), Fault> {
    if source.len() <= MAX_SOURCE {
        return Ok(());
    }
    let problem = format!("longer than {MAX_SOURCE} bytes");
    Err(Fault::new(FilterErrorKind::TooLong, MAX_SOURCE..source.len(), problem))
}
