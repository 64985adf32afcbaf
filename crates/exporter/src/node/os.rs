//! `os`: which distribution this is, from `os-release`.

use std::path::PathBuf;

use procyon_linux::host::os_release;

use super::{CollectError, Collector, Outcome, Places, read};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Os;

/// Labels of `node_os_info` and the variables that fill them.
const LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

impl Collector for Os {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let files = ["etc/os-release", "usr/lib/os-release"];
        let mut texts = files.iter().map(|file| read(&at.root().fs(file)));
        let text = texts.find_map(Result::ok).ok_or_else(|| CollectError::Read {
            path: PathBuf::from("/etc/os-release"),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let values: Vec<_> = os_release::assignments(&text).collect();
        let get = |name: &str| values.iter().rev().find(|(own, _)| &**own == name).map_or("", |(_, value)| value);
        let labels = LABELS.map(|(label, name)| (label, get(name)));
        let help = "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.";
        out.gauge("node_os_info", help, &labels, 1.0);
        if let Some(version) = major_minor(get("VERSION_ID")) {
            let labels = [("id", get("ID")), ("id_like", get("ID_LIKE")), ("name", get("NAME"))];
            let help = "Metric containing the major.minor part of the OS version.";
            out.gauge("node_os_version", help, &labels, version);
        }
        // Until when it is supported, as a date.
        if let Some(end) = days(get("SUPPORT_END")) {
            let help = "Metric containing the end-of-life date timestamp of the OS.";
            out.gauge("node_os_support_end_timestamp_seconds", help, &[], end * 86_400.0);
        }
        Ok(())
    }
}

/// `20.04.2` as 20.04; none above zero.
fn major_minor(text: &str) -> Option<f64> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let text = text.get(start..)?;
    let mut dots = 0;
    let end = text.find(|letter: char| {
        dots += usize::from(letter == '.');
        !(letter.is_ascii_digit() || letter == '.') || dots > 1
    });
    let version: f64 = text.get(..end.unwrap_or(text.len()))?.trim_end_matches('.').parse().ok()?;
    (version > 0.0).then_some(version)
}

/// Days from 1970 to a date as `2026-06-30`.
fn days(date: &str) -> Option<f64> {
    let mut parts = date.split('-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(f64::from(days - 719_468))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_of_the_version_make_a_number() {
        for (text, expected) in [
            ("20.04.2", Some(20.04)),
            ("12", Some(12.0)),
            ("rolling", None),
            ("", None),
            ("0.0", None),
            ("39 beta", Some(39.0)),
        ] {
            assert_eq!(major_minor(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(days("1970-01-01"), Some(0.0));
        assert_eq!(days("2024-02-29"), Some(19_782.0));
        assert_eq!(days("2026-11-29"), Some(20_786.0));
        for text in ["", "2024-13-01", "x", "2024-01"] {
            assert_eq!(days(text), None, "{text}");
        }
    }
}
