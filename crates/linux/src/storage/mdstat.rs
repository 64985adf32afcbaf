//! `/proc/mdstat`: arrays of software RAID.

use crate::text::{lossy, number, split_once, words};

/// What an array is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Working.
    #[default]
    Active,
    /// Not started.
    Inactive,
    /// Writes what a new disk lacks.
    Recovering,
    /// Makes copies alike.
    Resyncing,
    /// Compares copies.
    Checking,
    /// Changes its layout.
    Reshaping,
}

/// One array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Array {
    /// Name, as `md0`.
    pub name: Box<str>,
    /// What it is doing.
    pub activity: Activity,
    /// Disks in use.
    pub active: u64,
    /// Disks that it should have.
    pub required: u64,
    /// Disks marked `(F)`.
    pub failed: u64,
    /// Disks marked `(S)`.
    pub spare: u64,
    /// Size in blocks of 1 KiB.
    pub blocks: u64,
    /// How many of them are done, where it recovers, resyncs, checks or reshapes; else all.
    pub synced: u64,
}

/// Parses the file.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Array> {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let mut arrays = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_head = line.first().is_some_and(|byte| !byte.is_ascii_whitespace())
            && !line.starts_with(b"Personalities")
            && !line.starts_with(b"unused");
        if is_head {
            let below = lines.get(at + 1..).unwrap_or_default();
            let end = below.iter().position(|line| line.trim_ascii().is_empty()).unwrap_or(below.len());
            arrays.extend(parse_array(line, below.get(..end).unwrap_or_default()));
        }
    }
    arrays
}

fn parse_array(head: &[u8], below: &[&[u8]]) -> Option<Array> {
    let (name, rest) = split_once(head, b':')?;
    let count = |mark: &[u8]| -> u64 {
        let marked = words(rest).filter(|word| word.windows(mark.len()).any(|part| part == mark));
        u64::try_from(marked.count()).unwrap_or(u64::MAX)
    };
    let status = below.first()?;
    let blocks = words(status).next().and_then(number)?;
    let inactive = words(rest).next() == Some(b"inactive");
    let (required, active) = if inactive {
        (0, 0)
    } else if words(rest).any(|word| matches!(word, b"raid0" | b"linear")) {
        // No line of states; the disks are those with a number.
        (count(b"["), count(b"["))
    } else {
        disks(status).unwrap_or_default()
    };
    let mut array = Array {
        name: lossy(name.trim_ascii()),
        activity: if inactive { Activity::Inactive } else { Activity::Active },
        active,
        required,
        failed: count(b"(F)"),
        spare: count(b"(S)"),
        blocks,
        synced: blocks,
    };
    if let Some((activity, synced)) = below.iter().skip(1).find_map(|line| progress(line)) {
        array.activity = activity;
        array.synced = synced;
    }
    Some(array)
}

/// The two numbers of `[4/3]`.
fn disks(status: &[u8]) -> Option<(u64, u64)> {
    words(status).find_map(|word| {
        let (required, active) = split_once(word.strip_prefix(b"[")?.strip_suffix(b"]")?, b'/')?;
        Some((number(required)?, number(active)?))
    })
}

/// `recovery = 8.5% (16775552/195310144) …`, or `resync=DELAYED`, which has done nothing yet.
fn progress(line: &[u8]) -> Option<(Activity, u64)> {
    let has = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
    let activity = if has(b"recovery") {
        Activity::Recovering
    } else if has(b"resync") {
        Activity::Resyncing
    } else if has(b"reshape") {
        Activity::Reshaping
    } else if has(b"check") {
        Activity::Checking
    } else {
        return None;
    };
    let synced =
        words(line).find_map(|word| split_once(word.strip_prefix(b"(")?, b'/').and_then(|(done, _)| number(done)));
    Some((activity, synced.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_all_kinds_are_read() {
        let text = b"Personalities : [raid1]\n\n\
            md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]\n      195310144 blocks [2/1] [U_]\n      \
            [=>...]  recovery =  8.5% (16775552/195310144) finish=17.0min\n\n\
            md11 : active (auto-read-only) raid1 sdb2[0] sdc2[1]\n      4190208 blocks super 1.2 [2/2] [UU]\n      resync=PENDING\n\n\
            md120 : active linear sda1[1] sdb1[0]\n        2095104 blocks super 1.2 0k rounding\n\n\
            md4 : inactive raid1 sda3[0](F) sdb3[1](S)\n      4883648 blocks [2/2] [UU]\n\n\
            odd\nunused devices: <none>\n";
        let all = parse(text);
        let facts: Vec<_> = all
            .iter()
            .map(|one| {
                (&*one.name, one.activity, one.active, one.required, one.failed, one.spare, one.blocks, one.synced)
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("md6", Activity::Recovering, 1, 2, 1, 1, 195_310_144, 16_775_552),
                ("md11", Activity::Resyncing, 2, 2, 0, 0, 4_190_208, 0),
                ("md120", Activity::Active, 2, 2, 0, 0, 2_095_104, 2_095_104),
                ("md4", Activity::Inactive, 0, 0, 1, 1, 4_883_648, 4_883_648),
            ]
        );
    }
}
