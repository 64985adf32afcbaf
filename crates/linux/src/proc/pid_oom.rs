//! `/proc/PID/oom_score` and `oom_score_adj`: standing with the out-of-memory killer. Privilege: none.

use procyon_units::Reading;

use super::scan::Scan;
use super::{PidDir, Seen};

/// Standing with the out-of-memory killer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidOom {
    /// 0 to 2000; the highest dies first.
    pub score: u32,
    /// -1000 (never) to 1000.
    pub adjustment: i32,
}

/// Reads both files.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<PidOom> {
    let score = process.read_with(c"oom_score", buffer, |text| u32::try_from(parse(text)?).ok())?;
    let adjustment = process.read_with(c"oom_score_adj", buffer, |text| i32::try_from(parse(text)?).ok())?;
    Ok(match (score, adjustment) {
        (Reading::Known(score), Reading::Known(adjustment)) => Reading::Known(PidOom { score, adjustment }),
        (Reading::Known(_), reason) => reason.map(|_| PidOom::default()),
        (reason, _) => reason.map(|_| PidOom::default()),
    })
}

/// Reads the number of either file.
pub fn parse(text: &[u8]) -> Option<i64> {
    Scan::new(text).signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_may_be_negative() {
        assert_eq!(parse(b"-1000\n"), Some(-1000));
        assert_eq!(parse(b"667\n"), Some(667));
        assert_eq!(parse(b"66"), None);
    }
}
