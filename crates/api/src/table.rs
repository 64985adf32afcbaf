//! What a question about a table says: filter, order, columns. Names that the caller may not see do not exist for it.

use procyon_diag::nearest;
use procyon_expr::{FieldIx, Figures, FilterError, FilterErrorKind, Row, Schema, Type};
use procyon_model::Value;
use procyon_model::catalogue::Figure;
use procyon_model::view::sort::Order;
use procyon_wire::{Position, Problem, ProblemKind};

use crate::access::Sight;
use crate::failure::Failure;
use crate::limits::MAX_FILTER;
use crate::rows::{self, Columns};

/// A table as somebody with this sight sees it.
struct Visible<R: 'static> {
    figures: Figures<R>,
    sight: Sight,
}

impl<R> Schema for Visible<R> {
    fn field(&self, name: &str) -> Option<(FieldIx, Type)> {
        let figure = self.figures.0.iter().find(|figure| figure.meta.id == name)?;
        if rows::sees(self.sight, &figure.meta) { self.figures.field(name) } else { None }
    }

    fn names(&self) -> Vec<&str> {
        let seen = self.figures.0.iter().filter(|figure| rows::sees(self.sight, &figure.meta));
        seen.map(|figure| figure.meta.id).collect()
    }
}

/// A filter over one table.
#[derive(Debug)]
pub(crate) struct Filter<R: 'static> {
    query: procyon_expr::Query,
    figures: Figures<R>,
    sight: Sight,
}

/// A row as somebody with this sight sees it.
struct Seen<'r, R: 'static> {
    figures: Figures<R>,
    row: &'r R,
    sight: Sight,
}

impl<R> Row for Seen<'_, R> {
    fn value(&self, field: FieldIx) -> Value<'_> {
        let figure = self.figures.0.get(usize::from(field.0)).and_then(|figure| rows::seen(self.sight, figure));
        figure.map_or(Value::Unknown, |figure| (figure.value)(self.row))
    }
}

impl<R> Filter<R> {
    /// Reads a filter: an expression, or plain words.
    pub(crate) fn read(text: &str, table: &'static [Figure<R>], sight: Sight) -> Result<Self, Failure> {
        if text.len() > MAX_FILTER {
            return Err(Failure::new(ProblemKind::BadFilter, format!("a filter has at most {MAX_FILTER} bytes")));
        }
        let figures = Figures(table);
        let query = procyon_expr::Query::parse(text, &Visible { figures, sight }, WORD_FIELDS)
            .map_err(|error| wrong(text, table, sight, error))?;
        Ok(Self { query, figures, sight })
    }

    /// Whether a row is wanted.
    pub(crate) fn matches(&self, row: &R) -> bool {
        self.query.matches(&Seen { figures: self.figures, row, sight: self.sight })
    }
}

/// Where plain words are looked for; a table has some of them.
const WORD_FIELDS: &[&str] = &["name", "cmd", "user", "pid", "label", "local", "remote", "state", "proto"];

fn wrong<R>(text: &str, table: &'static [Figure<R>], sight: Sight, error: FilterError) -> Failure {
    let word = text.get(error.span.clone()).unwrap_or_default();
    if error.kind == FilterErrorKind::UnknownField && table.iter().any(|figure| figure.meta.id == word) {
        debug_assert_eq!(sight, Sight::Public, "only this sight hides fields");
        return hidden(word);
    }
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut problem = Problem::new(ProblemKind::BadFilter, error.message);
    problem.position = Some(Position { line: small(error.line), column: small(error.column) });
    problem.span = Some([error.span.start, error.span.end]);
    problem.suggestion = error.suggestion;
    problem.into()
}

/// The column exists, but not for callers without a token.
fn hidden(id: &str) -> Failure {
    Problem::new(ProblemKind::Unauthorized, format!("`{id}` is shown to those who have a token"))
        .hint("sign in with a token: `procyon token new --role viewer` makes one")
        .into()
}

/// The figure with this id.
pub(crate) fn figure<R>(id: &str, table: &'static [Figure<R>], sight: Sight) -> Result<&'static Figure<R>, Failure> {
    if let Some(figure) = procyon_model::catalogue::find(table, id) {
        return rows::seen(sight, figure).ok_or_else(|| hidden(id));
    }
    let names: Vec<&str> = rows::all(table, sight).iter().map(|figure| figure.meta.id).collect();
    let problem = Problem::new(ProblemKind::BadRequest, format!("there is no column `{id}`"));
    Err(problem.suggestion(nearest(id, names)).hint("`GET /api/v1/catalogue` lists all columns").into())
}

/// Reads an order: a column, `-` first for descending.
pub(crate) fn order<R>(text: &str, table: &'static [Figure<R>], sight: Sight) -> Result<Order<R>, Failure> {
    let (id, descending) = text.strip_prefix('-').map_or((text, false), |id| (id, true));
    Ok(Order { by: figure(id, table, sight)?, descending })
}

/// Reads columns; `usual` when there are none, all for `*`.
pub(crate) fn columns<R>(
    ids: &[&str],
    usual: &[&str],
    table: &'static [Figure<R>],
    sight: Sight,
) -> Result<Columns<R>, Failure> {
    match ids {
        [] => Ok(usual.iter().filter_map(|id| figure(id, table, sight).ok()).collect()),
        ["*"] => Ok(rows::all(table, sight)),
        ids => {
            let mut columns: Columns<R> = Vec::with_capacity(ids.len());
            for id in ids {
                let figure = figure(id, table, sight)?;
                if columns.iter().any(|known| known.meta.number == figure.meta.number) {
                    return Err(Failure::bad_request(format!("the column `{id}` stands twice")));
                }
                columns.push(figure);
            }
            Ok(columns)
        }
    }
}

#[cfg(test)]
mod tests {
    use procyon_model::catalogue::PROCESS;

    use super::*;

    #[test]
    fn plain_words_are_looked_for_where_the_language_says() {
        for field in procyon_expr::PROCESS_WORDS {
            assert!(WORD_FIELDS.contains(field), "{field}");
        }
    }

    #[test]
    fn a_hidden_column_tells_nothing_to_those_without_a_token() {
        for text in ["write > 0", "has(write)", "exe == \"/bin/sh\""] {
            assert!(Filter::read(text, PROCESS, Sight::All).is_ok(), "{text}");
            let failure = Filter::read(text, PROCESS, Sight::Public).unwrap_err();
            assert_eq!(failure.problem.status, 401, "{text}: {}", failure.problem);
        }
        assert_eq!(order("-write", PROCESS, Sight::Public).unwrap_err().problem.status, 401);
        assert_eq!(order("-wriet", PROCESS, Sight::All).unwrap_err().problem.suggestion.as_deref(), Some("write"));
    }
}
