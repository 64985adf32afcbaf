//! `netstat`: chosen counters of the network protocols.

use procyon_linux::net::snmp;

use super::{Collector, FlagError, Flags, Outcome, Places, number};
use crate::filter::Selection;
use crate::flags::Flag;
use crate::metric::Metrics;

const FIELDS: &str = "collector.netstat.fields";

pub(super) const FLAGS: &[Flag] = &[Flag::word(
    FIELDS,
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Regexp of fields to return for netstat collector.",
)];

struct Netstat {
    fields: Selection,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Netstat { fields: Selection::new(flags, FIELDS)? }))
}

impl Collector for Netstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let texts = [at.proc("net/netstat")?, at.proc("net/snmp")?];
        let six = match at.proc("net/snmp6") {
            Ok(text) => text,
            // Without IPv6 there is none.
            Err(error) if error.is_nothing() => Vec::new(),
            Err(error) => return Err(error),
        };
        let counters = texts.iter().flat_map(|text| snmp::parse(text)).chain(snmp::parse6(&six));
        let (mut key, mut wants) = (String::new(), self.fields.begin());
        for (protocol, name, value) in counters {
            key.clear();
            key.extend([protocol, "_", name]);
            if wants(&key)
                && let Some(value) = number(value)
            {
                out.untyped(format!("node_netstat_{key}"), format!("Statistic {protocol}{name}."), &[], value);
            }
        }
        Ok(())
    }
}
