//! `/proc/loadavg`: how many tasks wanted to run, averaged.

use procyon_units::Reading;

use crate::file;
use crate::root::Root;
use crate::text::{fraction, number, split_once, words};

/// Load averages and task counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Loadavg {
    /// Runnable and uninterruptible tasks over one minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
    /// Tasks that can run now. Field 4 before the slash.
    pub runnable: u64,
    /// Processes and threads of the whole machine. Field 4 after the slash.
    pub tasks: u64,
    /// The pid given out last, in the reader's pid namespace. Field 5.
    pub last_pid: u64,
}

/// Parses the file.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Loadavg> {
    let mut words = words(text.trim_ascii());
    let (one, five) = (fraction(words.next()?)?, fraction(words.next()?)?);
    let fifteen = fraction(words.next()?)?;
    let (runnable, tasks) = words.next().and_then(|word| split_once(word, b'/')).unwrap_or_default();
    let number = |word| number(word).unwrap_or(0);
    Some(Loadavg {
        one,
        five,
        fifteen,
        runnable: number(runnable),
        tasks: number(tasks),
        last_pid: number(words.next().unwrap_or_default()),
    })
}

/// Reads `/proc/loadavg`. Privilege: none.
pub fn read(root: &Root, buffer: &mut Vec<u8>) -> Reading<Loadavg> {
    file::read_with(&root.proc("loadavg"), buffer, parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_place() {
        let load = parse(b"0.20 1.18 12.12 3/811 113300\n").unwrap();
        assert_eq!((load.one, load.five, load.fifteen), (0.20, 1.18, 12.12));
        assert_eq!((load.runnable, load.tasks, load.last_pid), (3, 811, 113_300));
        assert_eq!(parse(b"nan 1 1"), None);
    }
}
