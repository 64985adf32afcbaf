//! `arp`: neighbours by interface.

use std::sync::{Mutex, PoisonError};

use procyon_linux::net::arp;
use procyon_linux::net::links::Rtnetlink;

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
    netlink: Option<Mutex<Rtnetlink>>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let filter = Filter::new(flags, INCLUDE, EXCLUDE)?;
    Ok(Box::new(Arp { filter, netlink: flags.is_on("collector.arp.netlink").then(Mutex::default) }))
}

impl Collector for Arp {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let counts = match &self.netlink {
            Some(netlink) => netlink
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .neighbours()
                .map_err(|error| CollectError::Call { call: "rtnetlink", source: error.into() })?,
            None => arp::parse(&at.proc("net/arp")?),
        };
        for (device, count) in counts {
            if !self.filter.ignores(&device) {
                out.gauge("node_arp_entries", "ARP entries by device", &[("device", &device)], float(count));
            }
        }
        Ok(())
    }
}
