//! `sysctl`: chosen settings of the kernel (`/proc/sys`).

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places};
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.sysctl.include";
const INCLUDE_INFO: &str = "collector.sysctl.include-info";

pub(super) const FLAGS: &[Flag] = &[
    Flag::list(INCLUDE, "Select sysctl metrics to include"),
    Flag::list(INCLUDE_INFO, "Select sysctl metrics to include as info metrics"),
];

struct Sysctl {
    numeric: Vec<Setting>,
    info: Vec<Setting>,
}

struct Setting {
    name: String,
    /// Names of the values, where there are several.
    keys: Vec<String>,
}

impl Setting {
    fn parse(flag: &str, text: &str) -> Result<Self, FlagError> {
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        if name.split(['.', '/']).any(|part| part.is_empty() || part == "..") {
            return Err(FlagError::value(flag, text, "is no name of a sysctl"));
        }
        let keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), keys })
    }

    fn values(&self, at: &Places) -> Result<Vec<String>, CollectError> {
        let text = at.proc_text(&format!("sys/{}", self.name.replace('.', "/")))?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let settings = |flag: &str| -> Result<Vec<Setting>, FlagError> {
        flags.list(flag).iter().map(|text| Setting::parse(flag, text)).collect()
    };
    Ok(Box::new(Sysctl { numeric: settings(INCLUDE)?, info: settings(INCLUDE_INFO)? }))
}

impl Collector for Sysctl {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for setting in &self.numeric {
            numbers(setting, at, out)?;
        }
        for setting in &self.info {
            for (index, value) in setting.values(at)?.iter().enumerate() {
                let labels = [("name", &*setting.name), ("value", value), ("index", &index.to_string())];
                out.gauge("node_sysctl_info", "sysctl info", &labels, 1.0);
            }
        }
        Ok(())
    }
}

fn numbers(setting: &Setting, at: &Places, out: &mut Metrics) -> Outcome {
    let path = format!("sys/{}", setting.name.replace('.', "/"));
    let values = setting.values(at)?;
    let parsed: Option<Vec<f64>> = values.iter().map(|value| super::number(value)).collect();
    let numbers = parsed.filter(|numbers| !numbers.is_empty()).ok_or_else(|| at.odd(&path, "numbers"))?;
    let metric = format!("node_sysctl_{}", super::clean(&setting.name));
    let help = format!("sysctl {}", setting.name);
    if !setting.keys.is_empty() {
        if setting.keys.len() != numbers.len() {
            return Err(at.odd(&path, "as many numbers as names were given"));
        }
        for (index, (key, value)) in setting.keys.iter().zip(numbers).enumerate() {
            let help = format!("sysctl {}, field {index}", setting.name);
            out.untyped(format!("{metric}_{}", super::clean(key)), help, &[], value);
        }
        return Ok(());
    }
    match *numbers {
        [value] => out.untyped(metric, help, &[], value),
        _ => {
            for (index, value) in numbers.iter().enumerate() {
                out.untyped(metric.clone(), help.clone(), &[("index", &index.to_string())], *value);
            }
        }
    }
    Ok(())
}
