//! Wrong tokens: after a few, an address has to wait, longer each time. The right token is always taken, so nobody can
//! lock out anybody else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use procyon_units::Mono;

use crate::limits::{FREE_ATTEMPTS, REMEMBERED_ADDRESSES};

/// Longest wait.
const MAX_WAIT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
struct Record {
    wrong: u32,
    last: Mono,
}

/// Wrong tokens of each address.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    records: Mutex<HashMap<IpAddr, Record>>,
}

impl Attempts {
    /// Takes note of a wrong token. Returns how long this address has to wait, if it came too often.
    pub(crate) fn wrong(&self, from: IpAddr, now: Mono) -> Option<Duration> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= REMEMBERED_ADDRESSES && !records.contains_key(&from) {
            let oldest = records.iter().min_by_key(|(_, record)| record.last).map(|(address, _)| *address);
            oldest.map(|address| records.remove(&address));
        }
        let record = records.entry(from).or_insert(Record { wrong: 0, last: now });
        let waited = now.since(record.last);
        // Quiet for as long as the longest wait: forgiven.
        record.wrong = if waited > MAX_WAIT { 1 } else { record.wrong.saturating_add(1) };
        record.last = now;
        let over = record.wrong.checked_sub(FREE_ATTEMPTS).filter(|over| *over > 0)?;
        Some(Duration::from_secs(1 << over.min(6)).min(MAX_WAIT))
    }

    /// Takes note of a right token.
    pub(crate) fn right(&self, from: IpAddr) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).remove(&from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_is_forgiven() {
        let attempts = Attempts::default();
        let from = IpAddr::from([192, 0, 2, 1]);
        let waits: Vec<_> = (0..8).map(|_| attempts.wrong(from, Mono(0))).collect();
        assert!(waits.iter().take(5).all(Option::is_none), "{waits:?}");
        assert_eq!(waits.get(5), Some(&Some(Duration::from_secs(2))));
        assert_eq!(waits.get(7), Some(&Some(Duration::from_secs(8))));
        assert_eq!(attempts.wrong(from, Mono(61_000_000_000)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..5000_u32 {
            attempts.wrong(IpAddr::from(number.to_be_bytes()), Mono(u64::from(number)));
        }
        assert_eq!(attempts.records.lock().unwrap().len(), REMEMBERED_ADDRESSES);
    }
}
