//! `rapl`: energy that processors used (`/sys/class/powercap`; since 5.10 for root alone).

use std::collections::BTreeMap;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float};
use crate::flags::Flag;
use crate::metric::Metrics;

const ZONE_LABEL: &str = "collector.rapl.enable-zone-label";

pub(super) const FLAGS: &[Flag] = &[Flag::off(ZONE_LABEL, "Enables the zone label for RAPL metrics")];

struct Rapl {
    zone_label: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Rapl { zone_label: flags.is_on(ZONE_LABEL) }))
}

impl Collector for Rapl {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        // Zones of one name are numbered in the order of their folders.
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut found = false;
        for (_, folder) in at.devices("class/powercap")? {
            let Some(full) = folder.text("name") else { continue };
            // `package-0` is the package with the index 0.
            let (name, index) = match full.rsplit_once('-') {
                Some((name, index)) if index.parse::<u64>().is_ok() => (name.to_owned(), index.to_owned()),
                _ => {
                    let count = seen.entry(full.clone()).or_default();
                    let index = count.to_string();
                    *count += 1;
                    (full, index)
                }
            };
            let path = folder.path().join("energy_uj");
            let energy = match folder.bytes("energy_uj") {
                Ok(text) => String::from_utf8_lossy(&text).trim().parse::<u64>().ok(),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Err(CollectError::Nothing(format!("{} is for root alone", path.display())));
                }
                Err(source) => return Err(CollectError::Read { path, source }),
            };
            let Some(energy) = energy else { continue };
            found = true;
            let shown = folder.path().to_string_lossy();
            let help = format!("Current RAPL {name} value in joules");
            let joules = float(energy) / 1_000_000.0;
            if self.zone_label {
                let labels = [("index", &*index), ("path", &*shown), ("rapl_zone", &*name)];
                out.counter("node_rapl_joules_total", "Current RAPL value in joules", &labels, joules);
            } else {
                let labels = [("index", &*index), ("path", &*shown)];
                out.counter(format!("node_rapl_{}_joules_total", super::clean(&name)), help, &labels, joules);
            }
        }
        if found { Ok(()) } else { Err(CollectError::Nothing("no zone tells its energy".to_owned())) }
    }
}
