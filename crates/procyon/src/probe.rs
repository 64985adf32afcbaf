//! What the probes share: one line for a shell, JSON on request, again and again with `--watch`.
//!
//! Fields are separated by one blank; blanks inside a value become `_`. Exit code 0, or 1 with a reason on standard error.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Fault, Kind};
use procyon_linux::root::Root;
use procyon_settings::{Raw, Setting};
use procyon_units::{Bytes, Celsius, Reading};
use serde_json::Value;

use crate::cli::Common;
use crate::options::Settings;
use crate::output::Output;
use crate::pause;

/// Flags of every probe.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProbeFlags {
    /// One JSON object instead of lines
    #[arg(long)]
    pub(crate) json: bool,
    /// Again every N seconds, until it is stopped
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub(crate) watch: Option<Duration>,
}

/// Seconds, or a duration with a unit.
fn seconds(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is no number of seconds"))?,
        Err(_) => Duration::parse(&Raw::Text(text.to_owned()))?,
    };
    if duration < Duration::from_millis(100) {
        Err("the shortest pause is 0.1 seconds".to_owned())
    } else {
        Ok(duration)
    }
}

/// What a probe found.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Lines of fields.
    pub(crate) lines: Vec<Vec<String>>,
    /// The same for programs.
    pub(crate) json: Value,
}

/// Asks once, or again and again, and prints the answers.
pub(crate) fn run(
    common: &Common,
    flags: &ProbeFlags,
    mut ask: impl FnMut(&Settings, &Root) -> Result<Answer, Fault>,
) -> Result<ExitCode> {
    let settings = common.settings()?;
    let root = root(&settings);
    let mut out = Output::new();
    loop {
        let began = pause::now();
        let answer = ask(&settings, &root)?;
        if flags.json {
            out.json(&answer.json)?;
        } else {
            for line in &answer.lines {
                let fields: Vec<String> = line.iter().map(|field| field_of(field)).collect();
                writeln!(out, "{}", fields.join(" "))?;
            }
        }
        out.flush()?;
        let Some(every) = flags.watch else { return Ok(ExitCode::SUCCESS) };
        pause::rest(began, every);
    }
}

/// The places that the options name.
pub(crate) fn root(settings: &Settings) -> Root {
    let collect = &settings.collect;
    Root::new(collect.proc.clone(), collect.sys.clone(), collect.root.clone())
}

/// One field: without blanks and control characters, never empty.
fn field_of(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// What a kernel file held that a probe cannot do without.
pub(crate) fn need<T>(path: &Path, reading: Reading<T>) -> Result<T, Fault> {
    let why = match reading {
        Reading::Known(value) => return Ok(value),
        Reading::Forbidden => "permission denied",
        Reading::Unsupported | Reading::Absent | Reading::Skipped | Reading::Pending => {
            "it is not there, or not as the kernel writes it"
        }
    };
    Err(Fault::new(Kind::Failed, format!("could not read {}", path.display())).because(why))
}

/// Local time as `2026-03-12__14:32:07`.
pub(crate) fn stamp() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d__%H:%M:%S").to_string()
}

/// Whole mebibytes, as `1023M`.
pub(crate) fn mebibytes(size: Bytes) -> String {
    format!("{}M", size.0 >> 20)
}

/// A share as `80.4%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", (share * 1000.0).round() / 10.0)
}

/// `part` of `whole`, 0 to 1; 0 of nothing is 0.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
pub(crate) fn share(part: Bytes, whole: Bytes) -> f64 {
    if whole.0 == 0 { 0.0 } else { part.0 as f64 / whole.0 as f64 }
}

/// A number as `%.2f` prints it, the way load averages are written.
pub(crate) fn load(value: f64) -> String {
    format!("{value:.2}")
}

/// `48.3°C`, or `-` where there is no sensor.
pub(crate) fn temperature(value: Option<Celsius>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}°C", value.0))
}

/// How alarming a value is: below `note` normal, below `warning` a note.
pub(crate) fn level(value: f64, note: f64, warning: f64) -> &'static str {
    if value < note {
        "normal"
    } else if value < warning {
        "note"
    } else {
        "warning"
    }
}

/// Level of the processor by its temperature: note from 50 °C, warning from 70 °C. No sensor, no alarm.
pub(crate) fn temperature_level(value: Option<Celsius>) -> &'static str {
    value.map_or("normal", |value| level(value.0, 50.0, 70.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_word() {
        for (text, field) in [("Debian GNU/Linux 12", "Debian_GNU/Linux_12"), ("", "-"), ("a\nb\tc", "a_b_c")] {
            assert_eq!(field_of(text), field);
        }
    }

    #[test]
    fn levels_begin_at_their_border() {
        for (value, word) in [(49.9, "normal"), (50.0, "note"), (69.9, "note"), (70.0, "warning")] {
            assert_eq!(temperature_level(Some(Celsius(value))), word, "{value}");
        }
        assert_eq!(temperature_level(None), "normal");
    }

    #[test]
    fn a_pause_is_seconds_or_has_a_unit() {
        for (text, ms) in [("2", 2000), ("0.5", 500), ("10s", 10_000), ("1min", 60_000)] {
            assert_eq!(seconds(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["0", "-1", "x", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
