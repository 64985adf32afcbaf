//! The tree of an expression as written.

use std::ops::Range;

use crate::number::Number;
use crate::schema::Measure;

/// A part of an expression and where it stands.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) span: Range<usize>,
    /// How many levels hang below, this one included: bounds every later recursion.
    pub(crate) depth: usize,
    pub(crate) kind: ExprKind,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Bool(bool),
    Null,
    /// A number, its unit already folded in.
    Number(Number, Measure),
    Text(Vec<u8>),
    /// A field, its dots included.
    Name(String),
    List(Vec<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// `a && b && c`: flat, so that long filters are not deep ones.
    All(Vec<Expr>),
    /// `a || b || c`.
    Any(Vec<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a[b]`, which nothing here supports: kept for the message.
    Index,
    Call(Box<Call>),
}

impl Expr {
    /// Adds where regular expressions stand. The depth of the tree, which is bounded, bounds this.
    pub(crate) fn regexes(&self, found: &mut Vec<Range<usize>>) {
        match &self.kind {
            ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Number(..)
            | ExprKind::Text(_)
            | ExprKind::Name(_)
            | ExprKind::Index => {}
            ExprKind::List(items) | ExprKind::All(items) | ExprKind::Any(items) => {
                for item in items {
                    item.regexes(found);
                }
            }
            ExprKind::Not(inner) | ExprKind::Negate(inner) => inner.regexes(found),
            ExprKind::Binary(_, left, right) => {
                left.regexes(found);
                right.regexes(found);
            }
            ExprKind::Choose(condition, yes, no) => {
                for part in [condition, yes, no] {
                    part.regexes(found);
                }
            }
            ExprKind::Call(call) => {
                for part in call.target.iter().chain(&call.arguments) {
                    part.regexes(found);
                }
                if call.name == "matches" {
                    found.push(self.span.clone());
                }
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Call {
    /// What stands before the dot of a method.
    pub(crate) target: Option<Expr>,
    pub(crate) name: String,
    pub(crate) name_span: Range<usize>,
    pub(crate) arguments: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Compare(Comparison),
    Calculate(Calculation),
    In,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) const fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
