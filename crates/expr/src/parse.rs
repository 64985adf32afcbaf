//! Tokens to a tree: a Pratt parser of the part of CEL's grammar that filters need.

use std::ops::Range;

use crate::error::{Fault, FilterErrorKind};
use crate::lex::{Lexer, Literal, Token, TokenKind};
use crate::nearest::nearest;
use crate::schema::Measure;
use crate::syntax::{Calculation, Call, Comparison, Expr, ExprKind, Operator};
use crate::{MAX_DEPTH, MAX_LIST, unit};

/// The tree of a whole source text.
pub(crate) fn parse(source: &str) -> Result<Expr, Fault> {
    let mut lexer = Lexer::new(source);
    let token = lexer.next()?;
    let mut parser = Parser { source, lexer, token, nesting: 0 };
    let expr = parser.expression()?;
    if parser.token.kind == TokenKind::End {
        return Ok(expr);
    }
    Err(parser.misplaced("an operator such as && or =="))
}

struct Parser<'s> {
    source: &'s str,
    lexer: Lexer<'s>,
    token: Token,
    nesting: usize,
}

/// How tightly operators bind; CEL's precedence.
const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;

enum Infix {
    All,
    Any,
    Operator(Operator),
}

impl<'s> Parser<'s> {
    fn advance(&mut self) -> Result<Token, Fault> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn text(&self, span: &Range<usize>) -> &'s str {
        self.source.get(span.clone()).unwrap_or_default()
    }

    fn at(&self, symbol: &str) -> bool {
        matches!(self.token.kind, TokenKind::Symbol(found) if found == symbol)
    }

    fn expect(&mut self, symbol: &'static str) -> Result<Token, Fault> {
        if self.at(symbol) { self.advance() } else { Err(self.misplaced(symbol)) }
    }

    /// The current token is not what may stand here.
    fn misplaced(&self, expected: &str) -> Fault {
        let span = self.token.span.clone();
        let written = self.text(&span);
        if self.token.kind == TokenKind::End {
            return Fault::syntax(span, format!("expected {expected}, found the end"));
        }
        let meant = match written {
            "and" | "AND" => Some("&&"),
            "or" | "OR" => Some("||"),
            "not" | "NOT" => Some("!"),
            "is" => Some("=="),
            "like" | "LIKE" | "contains" | "matches" => {
                return Fault::syntax(span, format!("expected {expected}, found {written}"))
                    .hint("methods stand behind a dot: name.contains(\"sql\")");
            }
            _ => None,
        };
        let shown: String = written.chars().take(30).collect();
        Fault::syntax(span, format!("expected {expected}, found {shown}")).suggest(meant)
    }

    /// One level deeper, for as long as `parse` runs.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return Err(too_deep(self.token.span.clone()));
        }
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    fn expression(&mut self) -> Result<Expr, Fault> {
        self.nested(|parser| {
            let condition = parser.binary(OR)?;
            if !parser.at("?") {
                return Ok(condition);
            }
            parser.advance()?;
            let yes = parser.binary(OR)?;
            parser.expect(":")?;
            let no = parser.expression()?;
            let span = condition.span.start..no.span.end;
            let depth = condition.depth.max(yes.depth).max(no.depth);
            grow(span, depth, ExprKind::Choose(Box::new(condition), Box::new(yes), Box::new(no)))
        })
    }

    fn infix(&self) -> Option<(u8, Infix)> {
        let compare = |comparison| Some((RELATION, Infix::Operator(Operator::Compare(comparison))));
        let calculate = |power, calculation| Some((power, Infix::Operator(Operator::Calculate(calculation))));
        let symbol = match self.token.kind {
            TokenKind::Symbol(symbol) => symbol,
            TokenKind::Word if self.text(&self.token.span) == "in" => {
                return Some((RELATION, Infix::Operator(Operator::In)));
            }
            _ => return None,
        };
        match symbol {
            "||" => Some((OR, Infix::Any)),
            "&&" => Some((AND, Infix::All)),
            "==" => compare(Comparison::Equal),
            "!=" => compare(Comparison::NotEqual),
            "<" => compare(Comparison::Less),
            "<=" => compare(Comparison::LessOrEqual),
            ">" => compare(Comparison::Greater),
            ">=" => compare(Comparison::GreaterOrEqual),
            "+" => calculate(SUM, Calculation::Add),
            "-" => calculate(SUM, Calculation::Subtract),
            "*" => calculate(PRODUCT, Calculation::Multiply),
            "/" => calculate(PRODUCT, Calculation::Divide),
            "%" => calculate(PRODUCT, Calculation::Remainder),
            _ => None,
        }
    }

    fn binary(&mut self, least: u8) -> Result<Expr, Fault> {
        let mut left = self.unary()?;
        while let Some((power, infix)) = self.infix() {
            if power < least {
                break;
            }
            let operator = self.advance()?;
            if matches!(left.kind, ExprKind::Number(..)) && self.text(&operator.span) == "%" && self.ends_here() {
                let written = self.text(&left.span);
                return Err(Fault::syntax(left.span.start..operator.span.end, "% is the remainder of a division")
                    .suggest(Some(format!("{written}.percent"))));
            }
            let right = self.binary(power + 1)?;
            let span = left.span.start..right.span.end;
            let right_depth = right.depth;
            let depth = left.depth.max(right_depth);
            left = match infix {
                Infix::All => match left.kind {
                    ExprKind::All(mut items) => {
                        items.push(right);
                        Expr { span, depth: left.depth.max(right_depth + 1), kind: ExprKind::All(items) }
                    }
                    _ => grow(span, depth, ExprKind::All(vec![left, right]))?,
                },
                Infix::Any => match left.kind {
                    ExprKind::Any(mut items) => {
                        items.push(right);
                        Expr { span, depth: left.depth.max(right_depth + 1), kind: ExprKind::Any(items) }
                    }
                    _ => grow(span, depth, ExprKind::Any(vec![left, right]))?,
                },
                Infix::Operator(operator) => {
                    grow(span, depth, ExprKind::Binary(operator, Box::new(left), Box::new(right)))?
                }
            };
        }
        Ok(left)
    }

    /// Nothing that could be an operand stands here.
    fn ends_here(&self) -> bool {
        match self.token.kind {
            TokenKind::End => true,
            TokenKind::Symbol(symbol) => !matches!(symbol, "(" | "-" | "!" | "["),
            _ => false,
        }
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let negation = self.at("!");
        if !negation && !self.at("-") {
            return self.postfix();
        }
        self.nested(|parser| {
            let operator = parser.advance()?;
            let operand = parser.unary()?;
            let span = operator.span.start..operand.span.end;
            let depth = operand.depth;
            let operand = Box::new(operand);
            grow(span, depth, if negation { ExprKind::Not(operand) } else { ExprKind::Negate(operand) })
        })
    }

    fn postfix(&mut self) -> Result<Expr, Fault> {
        let mut expr = self.primary()?;
        loop {
            if self.at(".") {
                self.advance()?;
                expr = self.member(expr)?;
            } else if self.at("[") {
                self.advance()?;
                let index = self.expression()?;
                let end = self.expect("]")?.span.end;
                expr = grow(expr.span.start..end, expr.depth.max(index.depth), ExprKind::Index)?;
            } else {
                return Ok(expr);
            }
        }
    }

    /// What stands behind a dot: a unit, a method, or the next part of a dotted name.
    fn member(&mut self, target: Expr) -> Result<Expr, Fault> {
        if self.token.kind != TokenKind::Word {
            return Err(self.misplaced("a name after the dot"));
        }
        let token = self.advance()?;
        let name = self.text(&token.span);
        if self.at("(") {
            let (arguments, end) = self.arguments()?;
            let depth = arguments.iter().map(|argument| argument.depth).fold(target.depth, usize::max);
            let span = target.span.start..end;
            let call = Call { target: Some(target), name: name.to_owned(), name_span: token.span, arguments };
            return grow(span, depth, ExprKind::Call(Box::new(call)));
        }
        let span = target.span.start..token.span.end;
        match target.kind {
            ExprKind::Number(value, Measure::Plain) => match unit::fold(value, name) {
                Some((value, measure)) => Ok(Expr { span, depth: 1, kind: ExprKind::Number(value, measure) }),
                None => Err(Fault::new(FilterErrorKind::UnknownUnit, token.span, format!("unknown unit {name}"))
                    .suggest(nearest(name, unit::names()))
                    .hint("units are B KB MB GB TB KiB MiB GiB TiB us ms s min h d cores percent")),
            },
            ExprKind::Name(mut path) => {
                path.push('.');
                path.push_str(name);
                Ok(Expr { span, depth: 1, kind: ExprKind::Name(path) })
            }
            _ => Err(Fault::syntax(token.span, format!("expected a method, found {name}"))
                .hint("methods are contains, startsWith, endsWith, matches, size, lower")),
        }
    }

    fn arguments(&mut self) -> Result<(Vec<Expr>, usize), Fault> {
        self.expect("(")?;
        self.items(")")
    }

    /// Expressions up to the closing bracket; a comma may stand behind the last one.
    fn items(&mut self, close: &'static str) -> Result<(Vec<Expr>, usize), Fault> {
        let mut items = Vec::new();
        loop {
            if self.at(close) {
                return Ok((items, self.advance()?.span.end));
            }
            if items.len() == MAX_LIST {
                let problem = format!("more than {MAX_LIST} items");
                return Err(Fault::new(FilterErrorKind::TooMany, self.token.span.clone(), problem));
            }
            items.push(self.expression()?);
            if self.at(",") {
                self.advance()?;
            } else if !self.at(close) {
                return Err(self.misplaced(if close == ")" { ", or )" } else { ", or ]" }));
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let span = self.token.span.clone();
        let kind = match &mut self.token.kind {
            TokenKind::Number(Literal(value)) => ExprKind::Number(*value, Measure::Plain),
            TokenKind::Text(text) => ExprKind::Text(std::mem::take(text)),
            TokenKind::Symbol("(") => {
                self.advance()?;
                let mut inner = self.expression()?;
                let end = self.expect(")")?.span.end;
                inner.span = span.start..end;
                // `(a && b) && c` stays as it was grouped only in its span; the meaning is the same.
                return Ok(inner);
            }
            TokenKind::Symbol("[") => {
                self.advance()?;
                let (items, end) = self.items("]")?;
                let depth = items.iter().map(|item| item.depth).max().unwrap_or(0);
                return grow(span.start..end, depth, ExprKind::List(items));
            }
            TokenKind::Word => return self.word(),
            _ => return Err(self.misplaced("a field, a number or text")),
        };
        self.advance()?;
        Ok(Expr { span, depth: 1, kind })
    }

    fn word(&mut self) -> Result<Expr, Fault> {
        let span = self.token.span.clone();
        let name = self.text(&span);
        let kind = match name {
            "in" => return Err(self.misplaced("a field, a number or text")),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Null,
            _ => ExprKind::Name(name.to_owned()),
        };
        let before = self.advance()?;
        if matches!(name, "not" | "NOT") && !self.ends_here() && !matches!(self.token.kind, TokenKind::Symbol(_)) {
            return Err(Fault::syntax(before.span, "unexpected not").suggest(Some("!")));
        }
        if !self.at("(") || !matches!(kind, ExprKind::Name(_)) {
            return Ok(Expr { span, depth: 1, kind });
        }
        let (arguments, end) = self.arguments()?;
        let depth = arguments.iter().map(|argument| argument.depth).max().unwrap_or(0);
        let call = Call { target: None, name: name.to_owned(), name_span: span.clone(), arguments };
        grow(span.start..end, depth, ExprKind::Call(Box::new(call)))
    }
}

/// A node above others that are `depth` deep.
fn grow(span: Range<usize>, depth: usize, kind: ExprKind) -> Result<Expr, Fault> {
    if depth >= MAX_DEPTH {
        return Err(too_deep(span));
    }
    Ok(Expr { span, depth: depth + 1, kind })
}

fn too_deep(span: Range<usize>) -> Fault {
    Fault::new(FilterErrorKind::TooDeep, span, format!("nested deeper than {MAX_DEPTH} levels"))
}
