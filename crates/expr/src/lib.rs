//! One expression language everywhere: filters of the API and the UI, rules, what is collected.
//!
//! The language is CEL, checked against a [`Schema`] before it runs and evaluated over [`Row`]s without allocation:
//!
//! ```text
//! cpu >= 0.5 || rss >= 10.GiB
//! user == "mysql" && age < 5.min
//! name in ["nginx", "haproxy"] && !cmd.contains("worker")
//! has(pss) && pss / rss < 50.percent
//! cmd.lower().matches(r"java.*-jar \S+\.jar") ? threads > 200 : threads > 1000
//! ```
//!
//! A source text runs through `lex` → `parse` (a tree with positions) → `check` (a typed tree; fields are positions in
//! the row by now) → `eval`. [`Query`] stands before it where people type: it tells plain words from expressions.
//!
//! # What is there
//! Numbers, text (`"…"`, `'…'`, raw `r"…"`, bytes `b"…"`), `true`, `false`, fields, `&& || !`, `== != < <= > >=`, `+ - * / %`,
//! `in [..]`, `? :`, brackets, `// comments`; `has(field)`, `size(text)`, and of text the methods `contains`,
//! `startsWith`, `endsWith`, `matches` (a constant regular expression, found anywhere unless anchored), `size` (characters)
//! and `lower` (ASCII; also `lowerAscii`). Macros over lists, maps and messages are not there: rows are flat.
//!
//! # Where it differs from CEL
//! - **Units.** A number takes a unit behind a dot: `B KB MB GB TB KiB MiB GiB TiB`, `ns us ms s min h d`, `cores`, `percent`
//!   (`50.percent` is 0.5). They are folded while parsing, so positions in errors stay true. Comparing or adding bytes
//!   and seconds is an error.
//! - **Numbers mix.** CEL refuses `cpu >= 2` for a double; here whole and broken numbers compare exactly and add up. Whole
//!   numbers do not wrap, they become broken ones. `/` always gives a broken number.
//! - **Unknown instead of errors.** See below.
//!
//! # Unknown values
//! A figure may be unknown for a row (not readable, not supported, not read yet). Logic is three-valued (Kleene): whatever
//! compares, calculates or searches with an unknown value is unknown; `!unknown` is unknown; `false && unknown` is false;
//! `true || unknown` is true; dividing by zero is unknown. A filter matches only what is true, so both `pss > 1.GiB` and
//! `!(pss > 1.GiB)` leave out rows whose PSS is not known. `has(pss)` tells them apart.
//!
//! # Limits
//! Texts of outsiders are compiled here, so everything is bounded: [`MAX_SOURCE`], [`MAX_DEPTH`], [`MAX_LIST`],
//! [`MAX_WORDS`], [`MAX_REGEXES`], and [`REGEX_BYTES`] for all regular expressions together. Time is linear in the length of what is searched.

mod check;
mod error;
mod eval;
mod filter;
mod lex;
mod nearest;
mod number;
mod parse;
mod query;
mod schema;
mod syntax;
mod tree;
mod unit;

pub use error::{FilterError, FilterErrorKind};
pub use filter::Filter;
pub use query::{Query, WordSearch};
pub use schema::{FieldIx, FigureRow, Figures, Measure, Row, Schema, Type};

/// Longest source text, in bytes.
pub const MAX_SOURCE: usize = 4096;
/// Deepest nesting. A chain of `&&` or `||` is one level, however long.
pub const MAX_DEPTH: usize = 64;
/// Most items of a list.
pub const MAX_LIST: usize = 1000;
/// Most plain words of a [`Query`].
pub const MAX_WORDS: usize = 16;
/// Most regular expressions of one filter.
pub const MAX_REGEXES: usize = 8;
/// Largest compiled regular expressions of one filter, in bytes, shared among them, and as much again for their lazily built
/// automata. What is compiled is what takes time: about 20 ms for all of it.
pub const REGEX_BYTES: usize = 2 << 20;

/// The fields of processes in which plain words are looked for.
pub const PROCESS_WORDS: &[&str] = &["name", "cmd", "user", "pid", "label"];
