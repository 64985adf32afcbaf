//! Devices to include or to leave out, by regular expression.

use std::sync::{Mutex, PoisonError};

use regex::Regex;

use crate::flags::{FlagError, Flags};

/// Which names count.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Filter {
    /// From a pair of flags. Giving both is a mistake, unless the one that is given twice only has its default.
    pub(crate) fn new(flags: &Flags, include: &'static str, exclude: &'static str) -> Result<Self, FlagError> {
        let has_default = |name| !flags.is_given(name);
        if flags.is_given(include) && flags.is_given(exclude) {
            return Err(FlagError::exclusive(include, exclude));
        }
        let include_wins = flags.is_given(include) && has_default(exclude);
        Ok(Self {
            include: compile(include, flags.text(include))?,
            exclude: if include_wins { None } else { compile(exclude, flags.text(exclude))? },
        })
    }

    /// From a pair of flags that hold together: what to include, less what to leave out.
    pub(crate) fn both(flags: &Flags, include: &'static str, exclude: &'static str) -> Result<Self, FlagError> {
        Ok(Self { include: compile(include, flags.text(include))?, exclude: compile(exclude, flags.text(exclude))? })
    }

    /// As [`Self::both`], by expressions that have to match a name from its first letter to its last. Each is a flag and an
    /// older one that may be given in its place.
    pub(crate) fn whole(
        flags: &Flags,
        include: [&'static str; 2],
        exclude: [&'static str; 2],
    ) -> Result<Self, FlagError> {
        let whole = |[new, old]: [&'static str; 2]| {
            let given = older(flags, old, new)?;
            let (flag, text) = if given.is_some() { (old, flags.text(old)) } else { (new, flags.text(new)) };
            compile(flag, &format!("^(?:{text})$"))
        };
        Ok(Self { include: whole(include)?, exclude: whole(exclude)? })
    }

    /// Takes an older flag's expression for what to leave out, where only that was given.
    pub(crate) fn or_old(self, flags: &Flags, old: &'static str, new: &'static str) -> Result<Self, FlagError> {
        let exclude = older(flags, old, new)?;
        Ok(Self { exclude: exclude.or(self.exclude), ..self })
    }

    /// Takes an older flag's expression for what to include, where only that was given.
    pub(crate) fn or_old_include(self, flags: &Flags, old: &'static str, new: &'static str) -> Result<Self, FlagError> {
        let include = older(flags, old, new)?;
        Ok(Self { include: include.or(self.include), ..self })
    }

    /// Whether a name is left out.
    pub(crate) fn ignores(&self, name: &str) -> bool {
        self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(name))
            || self.include.as_ref().is_some_and(|include| !include.is_match(name))
    }
}

/// Chooses among the names of a list that hardly ever changes. Expressions cost more than comparing a name with the one that
/// stood in its place the last time.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// None chooses everything.
    expression: Option<Regex>,
    /// What was said of the names, in the order of the list.
    known: Mutex<Vec<(Box<str>, bool)>>,
}

/// The most names whose choice is kept; the kernel has some 500 in one list.
const MOST_KNOWN: usize = 10_000;

impl Selection {
    pub(crate) fn new(flags: &Flags, flag: &'static str) -> Result<Self, FlagError> {
        Ok(Self { expression: compile(flag, flags.text(flag))?, known: Mutex::default() })
    }

    /// Goes through the list from its beginning: tells of one name after the other whether it is chosen.
    pub(crate) fn begin(&self) -> impl FnMut(&str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = 0;
        move |name| {
            let Some(expression) = &self.expression else { return true };
            let at = place;
            place += 1;
            if let Some((_, chosen)) = known.get(at).filter(|(own, _)| **own == *name) {
                return *chosen;
            }
            let chosen = expression.is_match(name);
            match known.get_mut(at) {
                Some(place) => *place = (name.into(), chosen),
                None if at < MOST_KNOWN => known.push((name.into(), chosen)),
                None => {}
            }
            chosen
        }
    }
}

fn older(flags: &Flags, old: &'static str, new: &'static str) -> Result<Option<Regex>, FlagError> {
    if !flags.is_given(old) {
        return Ok(None);
    }
    if flags.is_given(new) {
        return Err(FlagError::exclusive(old, new));
    }
    tracing::warn!("--{old} is deprecated, use --{new}");
    compile(old, flags.text(old))
}

/// The most memory that one expression may take.
const SIZE_LIMIT: usize = 4 << 20;

/// The expression of a flag; none for an empty one.
pub(crate) fn compile(flag: &str, pattern: &str) -> Result<Option<Regex>, FlagError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    regex::RegexBuilder::new(pattern)
        .size_limit(SIZE_LIMIT)
        .build()
        .map(Some)
        .map_err(|error| FlagError::pattern(flag, pattern, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_changes_is_chosen_from_as_it_is_now() {
        let selection = Selection { expression: compile("", "^a").unwrap(), known: Mutex::default() };
        for list in
            [&["a", "b", "ab"][..], &["a", "b", "ab"], &["b", "a", "new", "ab", "a"], &["ab"], &["b", "b", "ab"]]
        {
            let mut wants = selection.begin();
            let chosen: Vec<&str> = list.iter().copied().filter(|name| wants(name)).collect();
            let expected: Vec<&str> = list.iter().copied().filter(|name| name.starts_with('a')).collect();
            assert_eq!(chosen, expected);
        }
    }
}
