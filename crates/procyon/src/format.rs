//! Numbers for people: one rule a unit, the same as the web page's.
//!
//! Values are rounded half away from zero, once, at the end. Unknown is `—`, never 0.

use procyon_model::catalogue::Unit;

/// What is shown for a value that is not known.
pub(crate) const UNKNOWN: &str = "—";

/// A table cell for a number in the base unit that the catalogue names.
#[expect(clippy::cast_possible_truncation, reason = "instants in milliseconds fit")]
pub(crate) fn cell(id: &str, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Cores => percent_of_core(value),
        Unit::Bytes | Unit::BytesPerSecond => bytes(value),
        Unit::BitsPerSecond => bits(value),
        Unit::Seconds if id == "age" => age(value),
        Unit::Seconds => seconds(value),
        Unit::Ratio => format!("{} %", decimals(value * 100.0, u32::from(value * 100.0 < 9.95))),
        Unit::PerSecond => rate(value),
        Unit::Celsius => format!("{} °C", decimals(value, 0)),
        Unit::Hertz => format!("{} MHz", decimals(value / 1e6, 0)),
        Unit::UnixMs => time(value as i64),
        Unit::Count | Unit::None | Unit::Text | Unit::Bool => decimals(value, 0),
    }
}

/// Rounded half away from zero. `format!` alone would round ties to even.
fn decimals(value: f64, places: u32) -> String {
    let scale = 10_f64.powi(i32::try_from(places).unwrap_or(0));
    let rounded = (value * scale).round() / scale;
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    format!("{rounded:.*}", places as usize)
}

/// CPU of a process in percent of one core: `0`, `4.1`, `96.4`, `1184`.
pub(crate) fn percent_of_core(cores: f64) -> String {
    let percent = cores * 100.0;
    if percent < 0.05 {
        "0".to_owned()
    } else if percent < 99.95 {
        decimals(percent, 1)
    } else {
        decimals(percent, 0)
    }
}

/// Bytes in a table: base 1024, one letter: `0`, `412K`, `8.9G`, `212M`.
pub(crate) fn bytes(value: f64) -> String {
    const LETTERS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
    let mut scaled = value;
    for (step, letter) in LETTERS.iter().enumerate() {
        // 1023.6 of a unit is one of the next, not "1024".
        if scaled < 1023.5 || step == LETTERS.len() - 1 {
            let places = u32::from(step >= 2 && scaled < 99.95);
            return format!("{}{letter}", decimals(scaled, places));
        }
        scaled /= 1024.0;
    }
    String::new()
}

/// Bits each second, base 1000: `2.51 Gbit/s`.
pub(crate) fn bits(value: f64) -> String {
    let (scaled, unit) = match value {
        v if v >= 999_500_000.0 => (v / 1e9, "Gbit/s"),
        v if v >= 999_500.0 => (v / 1e6, "Mbit/s"),
        v if v >= 999.5 => (v / 1e3, "kbit/s"),
        v => (v, "bit/s"),
    };
    let places = if unit == "bit/s" || scaled >= 99.95 { 0 } else { 2 };
    format!("{} {unit}", decimals(scaled, places))
}

fn rate(value: f64) -> String {
    if value > 0.0 && value < 9.95 { decimals(value, 1) } else { decimals(value, 0) }
}

/// A length of time, at most two units: `41 ms`, `18 min`, `2 h 04`, `18d 2h`, `213d`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a float cast saturates")]
pub(crate) fn seconds(value: f64) -> String {
    let value = value.max(0.0);
    if value == 0.0 {
        return "0".to_owned();
    }
    if value < 0.9995 {
        return format!("{} ms", decimals(value * 1000.0, 0));
    }
    if value < 59.5 {
        return format!("{} s", decimals(value, u32::from(value < 9.95)));
    }
    let minutes = (value / 60.0).round() as u64;
    if minutes < 60 {
        return format!("{minutes} min");
    }
    if minutes < 24 * 60 {
        return format!("{} h {:02}", minutes / 60, minutes % 60);
    }
    let hours = minutes / 60;
    if hours < 100 * 24 { format!("{}d {}h", hours / 24, hours % 24) } else { format!("{}d", hours / 24) }
}

/// Age of a process: `8s`, `5m11`, `1h00`, `4d18`, `213d`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a float cast saturates")]
pub(crate) fn age(value: f64) -> String {
    let total = value.max(0.0) as u64;
    let (days, hours, minutes, seconds) = (total / 86_400, total / 3600 % 24, total / 60 % 60, total % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{seconds:02}"),
        (0, _, _) => format!("{hours}h{minutes:02}"),
        (1..100, _, _) => format!("{days}d{hours:02}"),
        _ => format!("{days}d"),
    }
}

/// An instant in local time; today without the date.
pub(crate) fn time(unix_ms: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(unix_ms) else { return UNKNOWN.to_owned() };
    let local = time.to_zoned(jiff::tz::TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(f64) -> String, cases: &[(f64, &str)]) {
        for (value, expected) in cases {
            assert_eq!(rule(*value), *expected, "{value}");
        }
    }

    #[test]
    fn cpu_is_percent_of_one_core() {
        check(
            percent_of_core,
            &[
                (0.0, "0"),
                (0.0004, "0"),
                (0.0005, "0.1"),
                (0.041, "4.1"),
                (0.964, "96.4"),
                (0.9996, "100"),
                (11.84, "1184"),
            ],
        );
    }

    #[test]
    fn bytes_have_one_letter_and_at_most_three_digits_and_a_half() {
        let kib = 1024.0;
        check(
            bytes,
            &[
                (0.0, "0"),
                (512.0, "512"),
                (1023.0, "1023"),
                (412.0 * kib, "412K"),
                (212.0 * kib * kib, "212M"),
                (8.9 * kib * kib * kib, "8.9G"),
                (41.6 * kib * kib * kib, "41.6G"),
                (1023.9 * kib, "1.0M"),
            ],
        );
    }

    #[test]
    fn time_has_two_units_at_most() {
        check(
            seconds,
            &[
                (0.0, "0"),
                (0.041, "41 ms"),
                (1.5, "1.5 s"),
                (42.0, "42 s"),
                (18.0 * 60.0, "18 min"),
                (7440.0, "2 h 04"),
                (18.0 * 86400.0 + 7200.0, "18d 2h"),
                (213.0 * 86400.0, "213d"),
            ],
        );
        check(
            age,
            &[
                (8.0, "8s"),
                (311.0, "5m11"),
                (3600.0, "1h00"),
                (4.0 * 86400.0 + 18.0 * 3600.0, "4d18"),
                (213.0 * 86400.0, "213d"),
            ],
        );
    }

    #[test]
    fn networks_count_in_thousands() {
        check(bits, &[(2.51e9, "2.51 Gbit/s"), (999.0, "999 bit/s"), (1e6, "1.00 Mbit/s"), (250e6, "250 Mbit/s")]);
    }
}
