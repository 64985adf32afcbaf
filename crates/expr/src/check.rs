//! The tree as written to the typed tree: names are looked up, types are settled, mistakes are explained.

mod call;

use std::ops::Range;

use crate::error::{Fault, FilterErrorKind};
use crate::nearest::nearest;
use crate::schema::{FieldIx, Measure, Schema, Type};
use crate::syntax::{Calculation, Comparison, Expr, ExprKind, Operator};
use crate::tree::{Amount, Test, TextSet, Words};

/// A part whose type is settled.
#[derive(Debug)]
pub(crate) enum Typed {
    Test(Test),
    Amount(Amount, Measure),
    Words(Words),
}

impl Typed {
    const fn name(&self) -> &'static str {
        match self {
            Self::Test(_) => "true or false",
            Self::Amount(..) => "a number",
            Self::Words(_) => "text",
        }
    }
}

pub(crate) struct Checker<'s> {
    pub(crate) source: &'s str,
    pub(crate) schema: &'s dyn Schema,
    /// Fields that the expression reads, in order of appearance.
    pub(crate) fields: Vec<FieldIx>,
    /// Bytes that each regular expression may take when it is compiled.
    pub(crate) regex_bytes: usize,
}

impl Checker<'_> {
    /// The whole expression, which has to be true or false.
    pub(crate) fn filter(&mut self, expr: &Expr) -> Result<Test, Fault> {
        match self.typed(expr)? {
            Typed::Test(test) => Ok(test),
            Typed::Amount(..) => {
                let shown = self.shown(&expr.span);
                Err(Fault::mistyped(expr.span.clone(), format!("{shown} is a number, not a condition"))
                    .hint(format!("compare it: {shown} > 0")))
            }
            Typed::Words(_) => {
                let shown = self.shown(&expr.span);
                Err(Fault::mistyped(expr.span.clone(), format!("{shown} is text, not a condition"))
                    .hint(format!("compare it: {shown} == \"…\"")))
            }
        }
    }

    pub(crate) fn typed(&mut self, expr: &Expr) -> Result<Typed, Fault> {
        match &expr.kind {
            ExprKind::Bool(value) => Ok(Typed::Test(Test::Constant(*value))),
            ExprKind::Number(value, measure) => Ok(Typed::Amount(Amount::Constant(*value), *measure)),
            ExprKind::Text(text) => Ok(Typed::Words(Words::Constant(text.as_slice().into()))),
            ExprKind::Null => Err(Fault::mistyped(expr.span.clone(), "null cannot be compared")
                .hint("has(field) tells whether a value is known")),
            ExprKind::Name(name) => self.name(name, &expr.span),
            ExprKind::List(_) => {
                Err(Fault::mistyped(expr.span.clone(), "a list may stand only after in").hint("name in [\"a\", \"b\"]"))
            }
            ExprKind::Index => Err(Fault::mistyped(expr.span.clone(), "nothing here can be indexed with [ ]")),
            ExprKind::Not(inner) => Ok(Typed::Test(Test::Not(Box::new(self.test(inner)?)))),
            ExprKind::Negate(inner) => {
                let (amount, measure) = self.amount(inner)?;
                Ok(Typed::Amount(
                    match amount {
                        Amount::Constant(value) => Amount::Constant(value.negate()),
                        amount => Amount::Negate(Box::new(amount)),
                    },
                    measure,
                ))
            }
            ExprKind::All(items) => Ok(Typed::Test(Test::All(self.tests(items)?))),
            ExprKind::Any(items) => Ok(Typed::Test(Test::Any(self.tests(items)?))),
            ExprKind::Binary(Operator::Compare(comparison), left, right) => {
                self.compare(*comparison, left, right).map(Typed::Test)
            }
            ExprKind::Binary(Operator::Calculate(calculation), left, right) => {
                self.calculate(*calculation, left, right, &expr.span)
            }
            ExprKind::Binary(Operator::In, left, right) => self.is_in(left, right).map(Typed::Test),
            ExprKind::Choose(condition, yes, no) => self.choose(condition, yes, no),
            ExprKind::Call(call) => self.call(call),
        }
    }

    /// How a part is written, cut to what a message can bear.
    pub(crate) fn shown(&self, span: &Range<usize>) -> String {
        let written = self.source.get(span.clone()).unwrap_or_default();
        let mut shown: String = written.chars().take(40).collect();
        if shown.len() < written.len() {
            shown.push('…');
        }
        shown
    }

    pub(crate) fn wanted(&self, expr: &Expr, wanted: &str, found: &Typed) -> Fault {
        let shown = self.shown(&expr.span);
        Fault::mistyped(expr.span.clone(), format!("expected {wanted}, but {shown} is {}", found.name()))
    }

    pub(crate) fn test(&mut self, expr: &Expr) -> Result<Test, Fault> {
        match self.typed(expr)? {
            Typed::Test(test) => Ok(test),
            other => Err(self.wanted(expr, "a condition", &other)),
        }
    }

    pub(crate) fn amount(&mut self, expr: &Expr) -> Result<(Amount, Measure), Fault> {
        match self.typed(expr)? {
            Typed::Amount(amount, measure) => Ok((amount, measure)),
            other => Err(self.wanted(expr, "a number", &other)),
        }
    }

    pub(crate) fn words(&mut self, expr: &Expr) -> Result<Words, Fault> {
        match self.typed(expr)? {
            Typed::Words(words) => Ok(words),
            other => Err(self.wanted(expr, "text", &other)),
        }
    }

    fn tests(&mut self, items: &[Expr]) -> Result<Box<[Test]>, Fault> {
        items.iter().map(|item| self.test(item)).collect()
    }

    /// The field of this name, counted among those that are read.
    pub(crate) fn field(&mut self, name: &str, span: &Range<usize>) -> Result<(FieldIx, Type), Fault> {
        let Some((field, kind)) = self.schema.field(name) else {
            let near = nearest(name, self.schema.names().into_iter());
            return Err(
                Fault::new(FilterErrorKind::UnknownField, span.clone(), format!("unknown field {name}")).suggest(near)
            );
        };
        if !self.fields.contains(&field) {
            self.fields.push(field);
        }
        Ok((field, kind))
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Result<Typed, Fault> {
        let (field, kind) = self.field(name, span)?;
        Ok(match kind {
            Type::Bool => Typed::Test(Test::Field(field)),
            Type::Number(measure) => Typed::Amount(Amount::Field(field), measure),
            Type::Text => Typed::Words(Words::Field(field)),
        })
    }

    fn compare(&mut self, comparison: Comparison, left: &Expr, right: &Expr) -> Result<Test, Fault> {
        let first = self.typed(left)?;
        let second = self.typed(right).map_err(|fault| self.perhaps_text(fault, &first, right))?;
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        match (first, second) {
            (Typed::Amount(a, a_measure), Typed::Amount(b, b_measure)) => {
                self.commensurable(left, a_measure, right, b_measure)?;
                Ok(Test::Numbers(comparison, a, b))
            }
            (Typed::Words(a), Typed::Words(b)) => Ok(Test::Texts(comparison, a, b)),
            (Typed::Test(a), Typed::Test(b)) if equality => {
                let same = Test::Same(Box::new(a), Box::new(b));
                Ok(if comparison == Comparison::Equal { same } else { Test::Not(Box::new(same)) })
            }
            (Typed::Test(_), Typed::Test(_)) => {
                Err(Fault::mistyped(left.span.start..right.span.end, "conditions have no order")
                    .hint("only == and != compare them"))
            }
            (a, b) => Err(self.incomparable(left, &a, right, &b)),
        }
    }

    /// A bare word compared with text was probably meant as text: `name == mysqld`.
    fn perhaps_text(&self, fault: Fault, beside: &Typed, expr: &Expr) -> Fault {
        match (&expr.kind, beside) {
            (ExprKind::Name(name), Typed::Words(_)) if self.schema.field(name).is_none() => {
                fault.suggest(Some(format!("\"{name}\"")))
            }
            _ => fault,
        }
    }

    fn incomparable(&self, left: &Expr, a: &Typed, right: &Expr, b: &Typed) -> Fault {
        let (shown, other) = (self.shown(&left.span), self.shown(&right.span));
        let problem = format!("cannot compare {shown} ({}) with {other} ({})", a.name(), b.name());
        match (&left.kind, a, &right.kind, b) {
            // `name == 5` and `pid == "5"`: the other spelling of the constant is the remedy.
            (_, Typed::Words(_), ExprKind::Number(..), _) => {
                Fault::mistyped(right.span.clone(), problem).suggest(Some(format!("\"{other}\"")))
            }
            (_, Typed::Amount(..), ExprKind::Text(text), _) => {
                let number =
                    std::str::from_utf8(text).ok().filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
                Fault::mistyped(right.span.clone(), problem).suggest(number)
            }
            _ => Fault::mistyped(left.span.start..right.span.end, problem),
        }
    }

    /// Refuses bytes against seconds.
    fn commensurable(&self, left: &Expr, a: Measure, right: &Expr, b: Measure) -> Result<Measure, Fault> {
        match (a, b) {
            (a, b) if a == b => Ok(a),
            (Measure::Plain, other) | (other, Measure::Plain) => Ok(other),
            (a, b) => {
                let (shown, other) = (self.shown(&left.span), self.shown(&right.span));
                let problem = format!("{shown} is {a}, but {other} is {b}");
                Err(Fault::mistyped(left.span.start..right.span.end, problem))
            }
        }
    }

    fn calculate(
        &mut self,
        calculation: Calculation,
        left: &Expr,
        right: &Expr,
        span: &Range<usize>,
    ) -> Result<Typed, Fault> {
        let (a, a_measure) = self.amount(left)?;
        let (b, b_measure) = self.amount(right)?;
        let measure = match calculation {
            Calculation::Add | Calculation::Subtract | Calculation::Remainder => {
                self.commensurable(left, a_measure, right, b_measure)?
            }
            Calculation::Multiply if a_measure == Measure::Plain => b_measure,
            Calculation::Multiply | Calculation::Divide if b_measure == Measure::Plain => a_measure,
            Calculation::Multiply | Calculation::Divide => Measure::Plain,
        };
        if let (Amount::Constant(a), Amount::Constant(b)) = (&a, &b) {
            let value = calculation.of(*a, *b);
            let value = value.ok_or_else(|| Fault::mistyped(span.clone(), "the result is not a number"))?;
            return Ok(Typed::Amount(Amount::Constant(value), measure));
        }
        Ok(Typed::Amount(Amount::Calculate(calculation, Box::new([a, b])), measure))
    }

    fn is_in(&mut self, left: &Expr, right: &Expr) -> Result<Test, Fault> {
        let ExprKind::List(items) = &right.kind else {
            return Err(Fault::mistyped(right.span.clone(), "expected a list after in").hint("name in [\"a\", \"b\"]"));
        };
        match self.typed(left)? {
            Typed::Amount(value, measure) => {
                let mut amounts = Vec::with_capacity(items.len());
                for item in items {
                    let (amount, item_measure) = self.amount(item)?;
                    self.commensurable(left, measure, item, item_measure)?;
                    amounts.push(amount);
                }
                Ok(Test::NumberIn(value, amounts.into()))
            }
            Typed::Words(words) => {
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    let beside = Typed::Words(Words::Constant(Box::default()));
                    texts.push(self.words(item).map_err(|fault| self.perhaps_text(fault, &beside, item))?);
                }
                Ok(Test::TextIn(words, text_set(texts)))
            }
            other @ Typed::Test(_) => Err(self.wanted(left, "a number or text", &other)),
        }
    }

    fn choose(&mut self, condition: &Expr, yes: &Expr, no: &Expr) -> Result<Typed, Fault> {
        let test = self.test(condition)?;
        match (self.typed(yes)?, self.typed(no)?) {
            (Typed::Test(a), Typed::Test(b)) => Ok(Typed::Test(Test::Choose(Box::new([test, a, b])))),
            (Typed::Amount(a, a_measure), Typed::Amount(b, b_measure)) => {
                let measure = self.commensurable(yes, a_measure, no, b_measure)?;
                Ok(Typed::Amount(Amount::Choose(Box::new((test, a, b))), measure))
            }
            (Typed::Words(a), Typed::Words(b)) => Ok(Typed::Words(Words::Choose(Box::new((test, a, b))))),
            (a, b) => {
                let problem =
                    format!("both ends of ? : must be alike, but one is {}, the other {}", a.name(), b.name());
                Err(Fault::mistyped(yes.span.start..no.span.end, problem))
            }
        }
    }
}

/// Sorted when all are constants.
fn text_set(texts: Vec<Words>) -> TextSet {
    if !texts.iter().all(|text| matches!(text, Words::Constant(_))) {
        return TextSet::Mixed(texts.into());
    }
    let mut constants: Vec<Box<[u8]>> = texts
        .into_iter()
        .filter_map(|text| match text {
            Words::Constant(bytes) => Some(bytes),
            _ => None,
        })
        .collect();
    constants.sort_unstable();
    TextSet::Constants(constants.into())
}
