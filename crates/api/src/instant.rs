//! Instants in requests: RFC 3339, milliseconds since 1970, or `-15m` before now.

use std::time::Duration;

use procyon_units::Wall;

use crate::failure::Failure;

/// An instant, perhaps relative to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instant {
    /// Now.
    Now,
    /// So long before now.
    Before(Duration),
    /// This one.
    At(Wall),
}

impl Instant {
    /// The point in time, given when now is.
    pub(crate) fn resolve(self, now: Wall) -> Wall {
        match self {
            Self::Now => now,
            Self::Before(by) => Wall(now.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))),
            Self::At(at) => at,
        }
    }
}

/// Reads an instant.
pub(crate) fn parse(text: &str) -> Result<Instant, Failure> {
    if matches!(text, "now" | "live") {
        return Ok(Instant::Now);
    }
    if let Some(length) = text.strip_prefix('-').and_then(duration) {
        return Ok(Instant::Before(length));
    }
    if let Ok(ms) = text.parse::<i64>() {
        if ms >= 0 {
            return Ok(Instant::At(Wall::from_unix_ms(ms)));
        }
    }
    // A `+` of an offset arrives as a blank when it was not escaped.
    let stamp = text.replace(' ', "+");
    match stamp.parse::<jiff::Timestamp>() {
        Ok(stamp) => Ok(Instant::At(Wall(i64::try_from(stamp.as_nanosecond()).unwrap_or(i64::MAX)))),
        Err(_) => Err(Failure::bad_request(format!(
            "`{text}` is no instant; say `-15m`, `2026-03-12T03:12:40+08:00`, or milliseconds since 1970"
        ))),
    }
}

/// Reads a length of time: `5s`, `500ms`, `200us`, `15m`, `2h`, `1d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_from_microseconds_to_days() {
        for (text, length) in [
            ("200us", Duration::from_micros(200)),
            ("10ms", Duration::from_millis(10)),
            ("1.5s", Duration::from_millis(1500)),
            ("2", Duration::from_secs(2)),
            ("15min", Duration::from_mins(15)),
            ("1d", Duration::from_hours(24)),
        ] {
            assert_eq!(duration(text), Some(length), "{text}");
        }
        for wrong in ["", "s", "1e3s", "-1s", "10 ms", "10xs"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instants_are_read_in_every_form() {
        assert_eq!(parse("-15m").unwrap(), Instant::Before(Duration::from_mins(15)));
        assert_eq!(parse("-1.5h").unwrap(), Instant::Before(Duration::from_mins(90)));
        assert_eq!(parse("1773256360000").unwrap(), Instant::At(Wall::from_unix_ms(1_773_256_360_000)));
        assert_eq!(parse("2026-03-12T03:12:40+08:00").unwrap(), parse("2026-03-11T19:12:40Z").unwrap());
        assert_eq!(parse("2026-03-12T03:12:40 08:00").unwrap(), parse("2026-03-11T19:12:40Z").unwrap());
        for wrong in ["yesterday", "-15x", "--1m", "", "-", "12:00", "-99999999999999999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
