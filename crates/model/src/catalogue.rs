//! Every figure, named once: id, unit, kind, titles, kernel source, privilege, permanent number.
//!
//! JSON, filters, table columns, documents and later stores follow from these tables. To add a figure: a field in the
//! row, an entry here, a line where the row is filled. Numbers and ids are never used again.

mod connection;
mod figure;
mod host;
mod lists;
mod process;

pub use connection::CONNECTION;
pub use figure::{Aggregate, Figure, Kind, Meta, Pace, Privilege, Scope, Text, Unit};
pub use host::HOST;
pub use lists::{CONTAINER, CORE, DISK, FILESYSTEM, INTERFACE, SENSOR, THREAD, USER};
pub use process::PROCESS;

use crate::process::ProcessRow;

/// The meaning of every figure, scope after scope, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Meta> {
    fn metas<R>(figures: &'static [Figure<R>]) -> impl Iterator<Item = &'static Meta> {
        figures.iter().map(|figure| &figure.meta)
    }
    metas(PROCESS)
        .chain(metas(HOST))
        .chain(metas(CORE))
        .chain(metas(DISK))
        .chain(metas(INTERFACE))
        .chain(metas(FILESYSTEM))
        .chain(metas(SENSOR))
        .chain(metas(USER))
        .chain(metas(CONTAINER))
        .chain(metas(CONNECTION))
        .chain(metas(THREAD))
}

/// The figure of a process with this id.
pub fn process(id: &str) -> Option<&'static Figure<ProcessRow>> {
    find(PROCESS, id)
}

/// The figure with this id in one table.
pub fn find<R>(figures: &'static [Figure<R>], id: &str) -> Option<&'static Figure<R>> {
    figures.iter().find(|figure| figure.meta.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_in_their_scope_and_numbers_everywhere() {
        let (mut ids, mut numbers) = (HashSet::new(), HashSet::new());
        for meta in all() {
            assert!(ids.insert((meta.scope, meta.id)), "{:?} {} stands twice", meta.scope, meta.id);
            assert!(numbers.insert(meta.number), "number {} of {} is taken", meta.number, meta.id);
        }
    }

    #[test]
    fn every_figure_speaks_both_languages_and_names_its_source() {
        for meta in all() {
            for text in [meta.title, meta.head, meta.help] {
                assert!(!text.en.is_empty() && !text.zh.is_empty(), "{} lacks words", meta.id);
            }
            assert!(!meta.source.is_empty(), "{} names no source", meta.id);
        }
    }

    #[test]
    fn the_unit_is_the_suffix_of_the_long_name() {
        for meta in all() {
            let suffix = match (meta.unit, meta.kind) {
                (Unit::Bytes, Kind::Counter) => "_bytes_total",
                (Unit::Bytes, _) => "_bytes",
                (Unit::Seconds, Kind::Counter) => "_seconds_total",
                (Unit::Seconds, _) => "_seconds",
                (Unit::Cores, _) => "_cores",
                (Unit::Ratio, _) => "_ratio",
                (Unit::Celsius, _) => "_celsius",
                (Unit::BytesPerSecond, _) => "_bytes_per_second",
                (Unit::PerSecond, _) => "_per_second",
                (Unit::BitsPerSecond, _) => "_bits_per_second",
                (Unit::UnixMs, _) => "_timestamp_seconds",
                (Unit::Hertz, _) => "_hertz",
                (Unit::Count, Kind::Counter) => "_total",
                (Unit::Count | Unit::Text | Unit::Bool | Unit::None, _) => "",
            };
            assert!(meta.name.ends_with(suffix), "{} should end in {suffix}", meta.name);
        }
    }

    #[test]
    fn chinese_heads_have_at_most_four_characters() {
        for meta in all() {
            let wide = meta.head.zh.chars().filter(|c| !c.is_ascii()).count();
            assert!(wide <= 4, "{}: {}", meta.id, meta.head.zh);
        }
    }
}
