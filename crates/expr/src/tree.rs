//! The typed tree: what an expression means, with fields as positions and types settled.

use regex::bytes::Regex;

use crate::number::Number;
use crate::schema::FieldIx;
use crate::syntax::{Calculation, Comparison};

/// Something that is true, false or unknown.
#[derive(Debug)]
pub(crate) enum Test {
    Constant(bool),
    Field(FieldIx),
    Has(FieldIx),
    Not(Box<Test>),
    All(Box<[Test]>),
    Any(Box<[Test]>),
    Numbers(Comparison, Amount, Amount),
    Texts(Comparison, Words, Words),
    Same(Box<Test>, Box<Test>),
    NumberIn(Amount, Box<[Amount]>),
    TextIn(Words, TextSet),
    Contains(Words, Words),
    StartsWith(Words, Words),
    EndsWith(Words, Words),
    Matches(Words, Box<Regex>),
    Choose(Box<[Test; 3]>),
}

/// A number-valued part.
#[derive(Debug)]
pub(crate) enum Amount {
    Constant(Number),
    Field(FieldIx),
    Negate(Box<Amount>),
    Calculate(Calculation, Box<[Amount; 2]>),
    Size(Box<Words>),
    Choose(Box<(Test, Amount, Amount)>),
}

/// A text-valued part.
#[derive(Debug)]
pub(crate) enum Words {
    Constant(Box<[u8]>),
    Field(FieldIx),
    Lower(Box<Words>),
    Choose(Box<(Test, Words, Words)>),
}

/// What stands right of `in`.
#[derive(Debug)]
pub(crate) enum TextSet {
    /// Only constants, sorted: found by halving.
    Constants(Box<[Box<[u8]>]>),
    Mixed(Box<[Words]>),
}
