//! Reads a subscription.

use procyon_model::ProcessRow;
use procyon_model::catalogue::{self, Figure, PROCESS};
use procyon_model::view::sort::Order;
use procyon_wire::live::Subscribe;

use crate::access::Sight;
use crate::failure::Failure;
use crate::limits::{MAX_ROWS, MAX_TOP};
use crate::table::{self, Filter};
use crate::v1::USUAL;

/// A column of a subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    /// A figure.
    Figure(&'static Figure<ProcessRow>),
    /// Whether the filter chose the row, or it is an ancestor of one.
    Matched,
}

impl Column {
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Figure(figure) => figure.meta.id,
            Self::Matched => "matched",
        }
    }
}

/// A subscription, ready to be used.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Equal for equal subscriptions.
    pub(crate) name: String,
    pub(crate) filter: Filter<ProcessRow>,
    pub(crate) order: Order<ProcessRow>,
    pub(crate) limit: usize,
    pub(crate) columns: Vec<Column>,
    pub(crate) top: Option<(&'static Figure<ProcessRow>, usize)>,
    pub(crate) tree: bool,
    pub(crate) sight: Sight,
}

impl Spec {
    /// Reads it. Columns that are hidden from the caller are left out: the client reads which ones it gets.
    pub(crate) fn read(asked: &Subscribe, sight: Sight) -> Result<Self, Failure> {
        let sort = if asked.sort.is_empty() { "-cpu" } else { &asked.sort };
        let tree = match asked.view.as_deref() {
            None | Some("" | "flat" | "list") => false,
            Some("tree") => true,
            Some(other) => {
                return Err(Failure::bad_request(format!("there is no view `{other}`; there are flat and tree")));
            }
        };
        let limit = match asked.limit {
            0 => MAX_ROWS,
            limit => limit.min(MAX_ROWS),
        };
        let top = match &asked.top {
            None => None,
            Some(top) => Some((table::figure(&top.by, PROCESS, sight)?, top.n.min(MAX_TOP))),
        };
        let columns = columns(asked, sight)?;
        let ids: Vec<&str> = columns.iter().map(|column| column.id()).collect();
        let by = top.map(|(figure, n)| (figure.meta.id, n));
        let name = format!("{sight:?} {:?} {sort} {limit} {ids:?} {by:?} {tree}", asked.q.trim());
        Ok(Self {
            name,
            filter: Filter::read(&asked.q, PROCESS, sight)?,
            order: table::order(sort, PROCESS, sight)?,
            limit,
            columns,
            top,
            tree,
            sight,
        })
    }
}

fn columns(asked: &Subscribe, sight: Sight) -> Result<Vec<Column>, Failure> {
    let usual: Vec<String>;
    let ids = if asked.columns.is_empty() {
        usual = USUAL.iter().map(|id| (*id).to_owned()).collect();
        &usual
    } else {
        &asked.columns
    };
    let mut columns: Vec<Column> = Vec::new();
    for id in ids {
        let column = match id.as_str() {
            "matched" => Some(Column::Matched),
            id => match table::figure(id, PROCESS, sight) {
                Ok(figure) => Some(Column::Figure(figure)),
                // Hidden from this caller.
                Err(_) if catalogue::process(id).is_some() => None,
                Err(unknown) => return Err(unknown),
            },
        };
        if let Some(column) = column.filter(|column| !columns.iter().any(|known| known.id() == column.id())) {
            columns.push(column);
        }
    }
    Ok(columns)
}
