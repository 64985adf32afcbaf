//! Values as people write them: `10s`, `30MiB`, `0.5%`, lists.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use procyon_units::Bytes;

use crate::layer::Raw;

/// A type that options can have.
pub trait Setting: Sized {
    /// What a value looks like, with an example, after "expected".
    const SHAPE: &'static str;

    /// Reads a value.
    fn parse(raw: &Raw) -> Result<Self, String>;

    /// Writes a value in the form that is read.
    fn show(&self) -> String;
}

/// A share of a whole, or of one core: written `0.005` or `0.5%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

fn text(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) => Ok(text.trim()),
        Raw::List(_) => Err("a list stands where one value belongs".to_owned()),
    }
}

impl Setting for String {
    const SHAPE: &'static str = "text";

    fn parse(raw: &Raw) -> Result<Self, String> {
        text(raw).map(str::to_owned)
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for PathBuf {
    const SHAPE: &'static str = "a path";

    fn parse(raw: &Raw) -> Result<Self, String> {
        match text(raw)? {
            "" => Err("the path is empty".to_owned()),
            path => Ok(Self::from(path)),
        }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for bool {
    const SHAPE: &'static str = "true or false";

    fn parse(raw: &Raw) -> Result<Self, String> {
        match text(raw)?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            other => Err(format!("`{other}` is neither true nor false")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($type:ty),*) => {
        $(impl Setting for $type {
            const SHAPE: &'static str = "a whole number";

            fn parse(raw: &Raw) -> Result<Self, String> {
                let text = text(raw)?;
                text.replace('_', "").parse().map_err(|_| format!("`{text}` is no whole number in range"))
            }

            fn show(&self) -> String {
                self.to_string()
            }
        })*
    };
}

whole_number!(u16, u32, u64, usize);

impl Setting for SocketAddr {
    const SHAPE: &'static str = "an address and port such as 127.0.0.1:9300";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        // `:9300` and `localhost:9300` are what people type.
        let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("`{text}` has no port"))?;
        let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port; ports go from 0 to 65535"))?;
        match host {
            "localhost" => Ok(Self::from(([127, 0, 0, 1], port))),
            "" | "*" => Ok(Self::from(([0, 0, 0, 0], port))),
            _ => Err(format!("`{host}` is no IP address")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Duration {
    const SHAPE: &'static str = "a duration such as 500ms, 10s, 5min, 2h, 30d";

    fn parse(raw: &Raw) -> Result<Self, String> {
        parse_duration(text(raw)?)
    }

    fn show(&self) -> String {
        show_duration(*self)
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = 0.0_f64;
    let mut rest = text;
    if rest.is_empty() {
        return Err("the duration is empty".to_owned());
    }
    while !rest.is_empty() {
        let (number, unit, after) = quantity(rest)?;
        let seconds = match unit {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            "w" => 604_800.0,
            "" => return Err(format!("`{text}` has no unit; write \"{text}s\" if you mean seconds")),
            _ => return Err(format!("`{unit}` is no unit of time; there are ms, s, min, h, d, w")),
        };
        total += number * seconds;
        rest = after.trim_start();
    }
    Duration::try_from_secs_f64(total).map_err(|_| format!("`{text}` is too long"))
}

/// Splits `1.5h30m` into the number, its unit and what follows.
fn quantity(text: &str) -> Result<(f64, &str, &str), String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| format!("`{text}` does not start with a number"))?;
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    Ok((number, unit, after))
}

/// A duration in its largest whole unit: `1500ms`, `90s`, `2h`.
pub fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (size, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] {
        if ms > 0 && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    if ms == 0 { "0".to_owned() } else { format!("{ms}ms") }
}

impl Setting for Bytes {
    const SHAPE: &'static str = "a size such as 64KiB, 30MiB, 10GiB";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        if text == "0" {
            return Ok(Self(0));
        }
        let (number, unit, after) = quantity(text)?;
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            "" => return Err(format!("`{text}` has no unit; write \"{text}MiB\" if you mean mebibytes")),
            _ => return Err(format!("`{unit}` is no unit of size; there are B, KiB, MiB, GiB, TiB")),
        };
        if !after.is_empty() {
            return Err(format!("`{after}` after the size makes no sense"));
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; a float cast saturates"
        )]
        let bytes = (number * factor as f64) as u64;
        Ok(Self(bytes))
    }

    fn show(&self) -> String {
        show_size(*self)
    }
}

/// A size in its largest whole unit: `64KiB`, `30MiB`, `1000B`.
pub fn show_size(size: Bytes) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if size.0 > 0 && size.0.trailing_zeros() >= shift {
            return format!("{}{unit}", size.0 >> shift);
        }
    }
    if size.0 == 0 { "0".to_owned() } else { format!("{}B", size.0) }
}

impl Setting for Share {
    const SHAPE: &'static str = "a share such as 0.5% or 0.005";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let (number, factor) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim(), 0.01),
            None => (text, 1.0),
        };
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Self(value * factor)),
            _ => Err(format!("`{text}` is no share")),
        }
    }

    fn show(&self) -> String {
        // Rounded, so that 0.005 does not come back as 0.5000000000000001 %.
        let percent = (self.0 * 1e8).round() / 1e6;
        format!("{percent}%")
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: &'static str = T::SHAPE;

    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if text.trim().is_empty() => Ok(None),
            raw => T::parse(raw).map(Some),
        }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SHAPE: &'static str = "a list such as [\"a\", \"b\"], or a,b outside of TOML";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let one = |text: &str| T::parse(&Raw::Text(text.trim().to_owned()));
        match raw {
            Raw::List(items) => items.iter().map(|item| one(item)).collect(),
            Raw::Text(text) if text.trim().is_empty() => Ok(Self::new()),
            Raw::Text(text) => text.split(',').map(one).collect(),
        }
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: Setting>(text: &str) -> Result<T, String> {
        T::parse(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn durations_need_a_unit() {
        for (text, ms) in
            [("10s", 10_000), ("500ms", 500), ("1h30m", 5_400_000), ("1.5s", 1500), ("30d", 2_592_000_000), ("0", 0)]
        {
            assert_eq!(parse::<Duration>(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for (text, says) in [("10", "\"10s\""), ("ten", "number"), ("5 bananas", "bananas"), ("", "empty")] {
            let error = parse::<Duration>(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn sizes_need_a_unit() {
        for (text, bytes) in
            [("30MiB", 30 << 20), ("64k", 64 << 10), ("1GB", 1_000_000_000), ("1.5GiB", 3 << 29), ("12B", 12), ("0", 0)]
        {
            assert_eq!(parse::<Bytes>(text), Ok(Bytes(bytes)), "{text}");
        }
        for (text, says) in [("30", "\"30MiB\""), ("3 x", "no unit of size"), ("-1MiB", "number")] {
            let error = parse::<Bytes>(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["10s", "1500ms", "2h", "0", "3d"] {
            assert_eq!(parse::<Duration>(text).unwrap().show(), text);
        }
        for text in ["20MiB", "10GiB", "1000B", "0"] {
            assert_eq!(parse::<Bytes>(text).unwrap().show(), text);
        }
        for text in ["0.5%", "10%", "0.4%"] {
            assert_eq!(parse::<Share>(text).unwrap().show(), text);
        }
    }

    #[test]
    fn addresses_are_taken_as_people_type_them() {
        for (text, address) in [
            ("127.0.0.1:9300", "127.0.0.1:9300"),
            (":80", "0.0.0.0:80"),
            ("localhost:1", "127.0.0.1:1"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(parse::<SocketAddr>(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["9300", "127.0.0.1:99999", "no.such.host:1"] {
            assert!(parse::<SocketAddr>(text).is_err(), "{text}");
        }
    }
}
