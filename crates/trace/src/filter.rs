//! Which calls are told: by name, by class, by error, by duration.
//!
//! The language is that of `strace -e`: `openat,close`, `%file,%network`, `!futex`, with or without `trace=` before it.

use std::time::Duration;

use procyon_diag::nearest;

use crate::call::Call;
use crate::table::{self, CLASSES, NUMBERS};

/// Longest filter that is read, in bytes: all names there are, twice.
pub const MAX_FILTER: usize = 16 * 1024;

/// Which calls are told. The numbers can be asked for before a call (an engine does), the rest when it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    numbers: [u64; NUMBERS / 64],
    /// Whether calls are told that have no place among the numbers.
    others: bool,
    /// Only calls that failed.
    pub failed: bool,
    /// Only calls that took at least that long.
    pub slower: Option<Duration>,
}

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Nothing stands between two commas, or nothing at all.
    #[error("a name is missing in the filter {0:?}")]
    Empty(String),
    /// More than [`MAX_FILTER`] bytes.
    #[error("a filter has {MAX_FILTER} bytes at most")]
    TooLong,
    /// A name that no call has.
    #[error("unknown system call {name}{}", meant(*.nearest))]
    UnknownName {
        /// What was written.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A class that does not exist.
    #[error("unknown class %{name}{}", meant(*.nearest))]
    UnknownClass {
        /// What was written, without the percent sign.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Something of strace that does not choose calls (`signal=`, `abbrev=`).
    #[error("{0}= does not choose system calls; trace= does")]
    Qualifier(String),
}

fn meant(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl Default for Filter {
    fn default() -> Self {
        Self::all()
    }
}

impl Filter {
    /// Every call.
    pub fn all() -> Self {
        Self { numbers: [u64::MAX; NUMBERS / 64], others: true, failed: false, slower: None }
    }

    /// No call.
    pub fn none() -> Self {
        Self { numbers: [0; NUMBERS / 64], others: false, failed: false, slower: None }
    }

    /// Reads an expression: names and classes with commas between them.
    ///
    /// With `!` at its start it is every call but those that follow; with `!` before a later item, that one is taken out of
    /// what stands before it. A name with `?` before it may be unknown.
    pub fn parse(expression: &str) -> Result<Self, FilterError> {
        if expression.len() > MAX_FILTER {
            return Err(FilterError::TooLong);
        }
        let list = match expression.split_once('=') {
            Some(("trace" | "t", list)) => list,
            Some((other, _)) => return Err(FilterError::Qualifier(other.trim().to_owned())),
            None => expression,
        };
        let list = list.trim();
        let but = list.starts_with('!');
        let mut filter = if but { Self::all() } else { Self::none() };
        for item in list.split(',').map(str::trim) {
            let (item, out) = item.strip_prefix('!').map_or((item, but), |item| (item.trim(), true));
            if item.is_empty() {
                return Err(FilterError::Empty(expression.to_owned()));
            }
            filter.add(item, !out)?;
        }
        Ok(filter)
    }

    fn add(&mut self, item: &str, told: bool) -> Result<(), FilterError> {
        match item {
            "all" => {
                let numbers = if told { Self::all() } else { Self::none() };
                (self.numbers, self.others) = (numbers.numbers, told);
                return Ok(());
            }
            "none" => return if told { Ok(()) } else { self.add("all", true) },
            _ => {}
        }
        let class = |name: &str| CLASSES.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit);
        if let Some(name) = item.strip_prefix('%') {
            let Some(bit) = class(name) else {
                let nearest = nearest(name, CLASSES.iter().map(|(name, _)| *name));
                return Err(FilterError::UnknownClass { name: name.to_owned(), nearest });
            };
            self.set_class(bit, told);
            return Ok(());
        }
        let (name, optional) = item.strip_prefix('?').map_or((item, false), |name| (name, true));
        // As strace still takes them: the older classes without a percent sign, unless a call has that name.
        let old = matches!(name, "file" | "desc" | "process" | "network" | "memory" | "signal" | "ipc");
        match (table::number(name), class(name)) {
            (Some(number), _) => self.set(number, told),
            (None, Some(bit)) if old => self.set_class(bit, told),
            _ if optional => {}
            _ => {
                let nearest = nearest(name, table::all().map(|(_, system)| system.name));
                return Err(FilterError::UnknownName { name: name.to_owned(), nearest });
            }
        }
        Ok(())
    }

    fn set_class(&mut self, bit: u32, told: bool) {
        for (number, system) in table::all() {
            if system.classes & bit != 0 {
                self.set(number, told);
            }
        }
    }

    fn set(&mut self, number: u32, told: bool) {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(word) = self.numbers.get_mut(place / 64) {
            let bit = 1 << (place % 64);
            *word = if told { *word | bit } else { *word & !bit };
        }
    }

    /// Whether calls of a number are told.
    pub fn contains(&self, number: u32) -> bool {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.numbers.get(place / 64).map_or(self.others, |word| word >> (place % 64) & 1 == 1)
    }

    /// A bit for each number, the lowest first: what an engine filters by.
    pub fn numbers(&self) -> &[u64; NUMBERS / 64] {
        &self.numbers
    }

    /// Whether a call is told, now that it came back. One that did not come back has not failed, and nothing is known of how
    /// long it will take; nor of how long one took whose beginning was not seen.
    pub fn tells(&self, call: &Call) -> bool {
        if !self.contains(call.number) {
            return false;
        }
        let failed = call.returned.is_some_and(|returned| (-4095..0).contains(&returned.result));
        let took = call.took().map(Duration::from_nanos);
        (!self.failed || failed) && self.slower.is_none_or(|least| took.is_some_and(|took| took >= least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Return;

    fn told(expression: &str) -> Vec<&'static str> {
        let filter = Filter::parse(expression).unwrap();
        table::all().filter(|(number, _)| filter.contains(*number)).map(|(_, system)| system.name).collect()
    }

    #[test]
    fn names_and_classes_add_up() {
        assert_eq!(told("close,openat"), ["close", "openat"]);
        assert_eq!(told("trace=read"), ["read"]);
        assert_eq!(told(" read , write "), ["read", "write"]);
        assert!(told("%file").contains(&"openat"));
        assert!(!told("%file").contains(&"read"));
        assert_eq!(told("%net"), told("network"));
        assert_eq!(told("%%stat"), ["stat", "fstat", "lstat", "newfstatat", "statx"]);
        assert_eq!(told("?nothing,read"), ["read"]);
        assert_eq!(told("none"), Vec::<&str>::new());
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let all = told("all");
        let but = told("!futex,%memory");
        assert!(but.len() < all.len() && !but.contains(&"futex") && !but.contains(&"mmap") && but.contains(&"read"));
        assert_eq!(told("!futex,!%memory"), but);
        let files = told("%file,!%%stat");
        assert!(files.contains(&"openat") && !files.contains(&"newfstatat") && !files.contains(&"read"));
        assert!(Filter::parse("!futex").unwrap().contains(9999));
        assert!(!Filter::parse("futex").unwrap().contains(9999));
    }

    #[test]
    fn mistakes_offer_what_was_meant() {
        let said = |expression| Filter::parse(expression).unwrap_err().to_string();
        assert_eq!(said("opnat"), "unknown system call opnat; did you mean openat?");
        assert_eq!(said("%memry"), "unknown class %memry; did you mean memory?");
        assert_eq!(said("xyzzyxyzzy"), "unknown system call xyzzyxyzzy");
        assert_eq!(said("read,,write"), "a name is missing in the filter \"read,,write\"");
        assert_eq!(said(""), "a name is missing in the filter \"\"");
        assert_eq!(said("signal=none"), "signal= does not choose system calls; trace= does");
        assert_eq!(said(&"x".repeat(MAX_FILTER + 1)), "a filter has 16384 bytes at most");
    }

    #[test]
    fn errors_and_durations_are_asked_for_afterwards() {
        let call = |result, at| Call { entered: 1000, returned: Some(Return { result, at }), ..Call::default() };
        let failed = Filter { failed: true, ..Filter::all() };
        assert!(failed.tells(&call(-2, 1000)));
        assert!(!failed.tells(&call(-4096, 1000)));
        assert!(!failed.tells(&Call::default()));
        let slow = Filter { slower: Some(Duration::from_micros(5)), ..Filter::all() };
        assert!(slow.tells(&call(0, 6000)));
        assert!(!slow.tells(&call(0, 5999)));
        assert!(!slow.tells(&Call::default()));
        assert!(!slow.tells(&Call { entered: 0, ..call(0, 6000) }));
        assert!(!Filter::none().tells(&call(0, 1000)));
    }
}
