//! Instants on the command line: RFC 3339, Unix ms, `-2h`, `03:12` of the local day, `2026-03-12 03:12` local.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use procyon_diag::Fault;
use procyon_units::{Clock as _, SystemClock, Wall};

/// Reads an instant.
pub(crate) fn instant(text: &str) -> Result<Wall, Fault> {
    read(text.trim(), SystemClock.wall(), TimeZone::system).ok_or_else(|| {
        Fault::usage(format!("`{text}` is no instant"))
            .hint("say `-2h`, `03:12`, `\"2026-03-12 03:12\"`, `2026-03-12T03:12:40+08:00`, milliseconds since 1970, or `now`")
    })
}

/// `zone` is asked for only where it matters: to find out costs as much as some answers.
fn read(text: &str, now: Wall, zone: impl FnOnce() -> TimeZone) -> Option<Wall> {
    if matches!(text, "now" | "live") {
        return Some(now);
    }
    if let Some(length) = text.strip_prefix('-').and_then(duration) {
        return Some(Wall(now.0.saturating_sub(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX))));
    }
    if let Some(ms) = text.parse::<i64>().ok().filter(|ms| *ms >= 0) {
        return Some(Wall::from_unix_ms(ms));
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return wall(stamp);
    }
    let zone = zone();
    let local = |civil: DateTime| civil.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    // A date before a time alone: what reads times overlooks a date that stands before one.
    if let Ok(civil) = text.parse::<DateTime>() {
        return local(civil).and_then(wall);
    }
    if let Ok(time) = text.parse::<Time>() {
        // The last time that it was this time of day.
        let today = Zoned::new(Timestamp::from_millisecond(now.unix_ms()).ok()?, zone.clone());
        let then = local(today.date().to_datetime(time)).and_then(wall)?;
        return if then <= now { Some(then) } else { wall(local(today.date().yesterday().ok()?.to_datetime(time))?) };
    }
    None
}

fn wall(stamp: Timestamp) -> Option<Wall> {
    i64::try_from(stamp.as_nanosecond()).ok().map(Wall)
}

fn duration(text: &str) -> Option<Duration> {
    use procyon_settings::{Raw, Setting};
    Duration::parse(&Raw::Text(text.to_owned())).ok()
}

/// An instant for people, in the local zone.
pub(crate) fn stamp(at: Wall) -> String {
    match Timestamp::from_millisecond(at.unix_ms()) {
        Ok(stamp) => Zoned::new(stamp, TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{} ms", at.unix_ms()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_form() {
        // 2026-03-12T03:12:40+08:00
        let now = Wall::from_unix_ms(1_773_256_360_000);
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let read = |text: &str| super::read(text, now, || zone.clone()).map(Wall::unix_ms);
        assert_eq!(read("now"), Some(1_773_256_360_000));
        assert_eq!(read("-2h"), Some(1_773_256_360_000 - 7_200_000));
        assert_eq!(read("-90s"), Some(1_773_256_270_000));
        assert_eq!(read("1773256360000"), Some(1_773_256_360_000));
        assert_eq!(read("2026-03-12T03:12:40+08:00"), Some(1_773_256_360_000));
        assert_eq!(read("2026-03-11T19:12:40Z"), Some(1_773_256_360_000));
        assert_eq!(read("03:12"), Some(1_773_256_320_000));
        assert_eq!(read("03:12:40"), Some(1_773_256_360_000));
        assert_eq!(read("03:13"), Some(1_773_256_380_000 - 86_400_000), "it is not yet 03:13 today");
        assert_eq!(read("2026-03-12 03:12"), Some(1_773_256_320_000));
        assert_eq!(read("2026-03-12T03:12:00"), Some(1_773_256_320_000));
        assert_eq!(read("2026-03-10 22:00"), Some(1_773_151_200_000), "the date counts");
        assert_eq!(read("2026-03-10T22:00:00"), read("2026-03-10 22:00"));
        assert_eq!(read("2026-03-10"), read("2026-03-10 00:00"));
        for wrong in ["yesterday", "-", "-2x", "25:00", "", "--2h", "12:00:61", "2026-02-30 03:12"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
