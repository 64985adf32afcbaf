//! `arp`: neighbours by interface.

use procyon_linux::net::{arp, links};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: &str = "collector.arp.device-include";
const EXCLUDE: &str = "collector.arp.device-exclude";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(EXCLUDE, "", "Regexp of arp devices to exclude (mutually exclusive to device-include)."),
    Flag::word(INCLUDE, "", "Regexp of arp devices to include (mutually exclusive to device-exclude)."),
    Flag::on("collector.arp.netlink", "Use netlink to gather stats instead of /proc/net/arp."),
];

struct Arp {
    filter: Filter,
    netlink: bool,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let filter = Filter::new(flags, INCLUDE, EXCLUDE)?;
    Ok(Box::new(Arp { filter, netlink: flags.is_on("collector.arp.netlink") }))
}

impl Collector for Arp {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let counts = if self.netlink {
            links::neighbours().map_err(|error| CollectError::Call { call: "rtnetlink", source: error.into() })?
        } else {
            arp::parse(&at.proc("net/arp")?)
        };
        for (device, count) in counts {
            if !self.filter.ignores(&device) {
                out.gauge("node_arp_entries", "ARP entries by device", &[("device", &device)], float(count));
            }
        }
        Ok(())
    }
}
