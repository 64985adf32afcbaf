//! Rows of the catalogue as JSON, written straight from the frame.

use procyon_model::Value;
use procyon_model::catalogue::{Figure, Meta};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::access::Sight;

/// Chosen figures of one table.
pub(crate) type Columns<R> = Vec<&'static Figure<R>>;

/// Whether somebody with this sight sees a figure.
pub(crate) fn sees(sight: Sight, meta: &Meta) -> bool {
    sight == Sight::All || meta.public
}

/// A figure as somebody with this sight sees it; none when they do not.
pub(crate) fn seen<R>(sight: Sight, figure: &'static Figure<R>) -> Option<&'static Figure<R>> {
    match sight {
        Sight::All => Some(figure),
        Sight::Public => figure.meta.public.then(|| figure.without_token.unwrap_or(figure)),
    }
}

/// What people called a process, where its title by itself is not known: the label, without its port for those who have no token.
pub(crate) fn past_label(sight: Sight, label: &[u8]) -> &[u8] {
    let port = label
        .iter()
        .rposition(|byte| *byte == b':')
        .filter(|at| label.get(at + 1..).is_some_and(|port| !port.is_empty() && port.iter().all(u8::is_ascii_digit)));
    match (sight, port) {
        (Sight::Public, Some(at)) => label.get(..at).unwrap_or(label),
        _ => label,
    }
}

/// What people call a process, as somebody with this sight is told: the port is for those who have a token.
pub(crate) const fn label<'a>(sight: Sight, label: &'a [u8], title: &'a [u8]) -> &'a [u8] {
    match sight {
        Sight::All => label,
        Sight::Public => title,
    }
}

/// All figures of a table that somebody with this sight sees.
pub(crate) fn all<R>(table: &'static [Figure<R>], sight: Sight) -> Columns<R> {
    table.iter().filter_map(|figure| seen(sight, figure)).collect()
}

/// A value as JSON: unknown is null, and so is what JSON cannot say; kernel text is made readable.
pub(crate) struct Json<'v, 'a>(pub(crate) &'v Value<'a>);

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Unknown => to.serialize_unit(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Uint(value) => to.serialize_u64(*value),
            Value::Int(value) => to.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => to.serialize_f64(*value),
            Value::Float(_) => to.serialize_unit(),
            Value::Text(bytes) => to.serialize_str(&String::from_utf8_lossy(bytes)),
        }
    }
}

/// A field that is no figure.
#[derive(Debug)]
pub(crate) enum Extra {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Something else.
    Json(serde_json::Value),
}

impl Extra {
    /// Something that has a form of its own.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::Json(serde_json::to_value(value).unwrap_or_default())
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Json(value) => value.serialize(to),
        }
    }
}

/// A row as JSON: extra fields, then figures.
pub(crate) struct RowJson<'a, R: 'static> {
    pub(crate) extras: Vec<(&'static str, Extra)>,
    pub(crate) columns: &'a [&'static Figure<R>],
    pub(crate) row: &'a R,
}

impl<'a, R> RowJson<'a, R> {
    /// Figures alone.
    pub(crate) const fn plain(columns: &'a [&'static Figure<R>], row: &'a R) -> Self {
        Self { extras: Vec::new(), columns, row }
    }
}

impl<R> Serialize for RowJson<'_, R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, extra) in &self.extras {
            map.serialize_entry(name, extra)?;
        }
        for figure in self.columns {
            map.serialize_entry(figure.meta.id, &Json(&(figure.value)(self.row)))?;
        }
        map.end()
    }
}

/// Rows of one table as a JSON array.
pub(crate) struct RowsJson<'a, R: 'static> {
    pub(crate) columns: Columns<R>,
    pub(crate) rows: &'a [R],
}

impl<R> Serialize for RowsJson<'_, R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.rows.iter().map(|row| RowJson::plain(&self.columns, row)))
    }
}

/// Kernel text as a person reads it.
pub(crate) fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
