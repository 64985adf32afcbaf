//! Functions and methods.

use regex::bytes::{Regex, RegexBuilder};

use super::{Checker, Typed};
use crate::REGEX_BYTES;
use crate::error::{Fault, FilterErrorKind};
use crate::nearest::nearest;
use crate::syntax::{Call, Expr, ExprKind};
use crate::tree::{Amount, Test, Words};

/// Methods of text.
const METHODS: &[&str] = &["contains", "startsWith", "endsWith", "matches", "size", "lower", "lowerAscii"];
/// Functions that stand alone.
const FUNCTIONS: &[&str] = &["has", "size"];

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<Typed, Fault> {
        match &call.target {
            Some(target) => self.method(call, target),
            None => self.function(call),
        }
    }

    fn function(&mut self, call: &Call) -> Result<Typed, Fault> {
        match call.name.as_str() {
            "has" => {
                let argument = self.only_argument(call)?;
                let ExprKind::Name(name) = &argument.kind else {
                    return Err(
                        Fault::mistyped(argument.span.clone(), "has expects the name of a field").hint("has(pss)")
                    );
                };
                let (field, _) = self.field(name, &argument.span)?;
                Ok(Typed::Test(Test::Has(field)))
            }
            "size" => {
                let argument = self.only_argument(call)?;
                Ok(size(self.words(argument)?))
            }
            name if METHODS.contains(&name) => {
                let hint = format!("it is a method: cmd.{name}(…)");
                Err(unknown(call, "function").hint(hint))
            }
            name => Err(unknown(call, "function")
                .suggest(nearest(name, FUNCTIONS.iter().copied()))
                .hint("functions are has and size")),
        }
    }

    fn method(&mut self, call: &Call, target: &Expr) -> Result<Typed, Fault> {
        if !METHODS.contains(&call.name.as_str()) {
            return Err(unknown(call, "method")
                .suggest(nearest(&call.name, METHODS.iter().copied()))
                .hint("methods are contains, startsWith, endsWith, matches, size, lower"));
        }
        let text = self.words(target)?;
        let test = match call.name.as_str() {
            "size" => {
                no_arguments(call)?;
                return Ok(size(text));
            }
            "lower" | "lowerAscii" => {
                no_arguments(call)?;
                return Ok(Typed::Words(Words::Lower(Box::new(text))));
            }
            "matches" => Test::Matches(text, Box::new(regex(self.only_argument(call)?, self.regex_bytes)?)),
            "contains" => Test::Contains(text, self.text_argument(call)?),
            "startsWith" => Test::StartsWith(text, self.text_argument(call)?),
            _ => Test::EndsWith(text, self.text_argument(call)?),
        };
        Ok(Typed::Test(test))
    }

    fn only_argument<'c>(&self, call: &'c Call) -> Result<&'c Expr, Fault> {
        match call.arguments.as_slice() {
            [argument] => Ok(argument),
            others => {
                let problem = format!("{} expects one argument, found {}", self.shown(&call.name_span), others.len());
                Err(Fault::mistyped(call.name_span.clone(), problem))
            }
        }
    }

    fn text_argument(&mut self, call: &Call) -> Result<Words, Fault> {
        let argument = self.only_argument(call)?;
        let beside = Typed::Words(Words::Constant(Box::default()));
        self.words(argument).map_err(|fault| self.perhaps_text(fault, &beside, argument))
    }
}

fn size(text: Words) -> Typed {
    Typed::Amount(Amount::Size(Box::new(text)), crate::schema::Measure::Plain)
}

fn no_arguments(call: &Call) -> Result<(), Fault> {
    if call.arguments.is_empty() {
        return Ok(());
    }
    Err(Fault::mistyped(call.name_span.clone(), format!("{} expects no argument", call.name)))
}

fn unknown(call: &Call, what: &str) -> Fault {
    Fault::new(FilterErrorKind::UnknownFunction, call.name_span.clone(), format!("unknown {what} {}", call.name))
}

/// A regular expression has to be constant: compiled here once, and within a bound of size.
fn regex(argument: &Expr, bytes: usize) -> Result<Regex, Fault> {
    let ExprKind::Text(pattern) = &argument.kind else {
        return Err(Fault::mistyped(argument.span.clone(), "matches expects a regular expression in quotes"));
    };
    let bad = |problem: String| Fault::new(FilterErrorKind::Regex, argument.span.clone(), problem);
    let pattern = std::str::from_utf8(pattern).map_err(|_| bad("the regular expression is not UTF-8".to_owned()))?;
    RegexBuilder::new(pattern).size_limit(bytes).dfa_size_limit(bytes).nest_limit(64).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => {
                let fault = bad("the regular expression is too large".to_owned());
                let alone = bytes == REGEX_BYTES;
                if alone { fault } else { fault.hint("the fewer there are in a filter, the larger each may be") }
            }
            error => {
                // The crate draws the pattern over several lines; the reason stands in the last one.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                bad(format!("wrong regular expression ({reason})"))
            }
        }
    })
}
