//! `netstat`: chosen counters of the network protocols.

use procyon_linux::net::snmp;
use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places, number};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::Metrics;

const FIELDS: &str = "collector.netstat.fields";

pub(super) const FLAGS: &[Flag] = &[Flag::word(
    FIELDS,
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Regexp of fields to return for netstat collector.",
)];

struct Netstat {
    fields: Option<Regex>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Netstat { fields: compile(FIELDS, flags.text(FIELDS))? }))
}

impl Collector for Netstat {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        let mut counters = snmp::parse(&at.proc("net/netstat")?);
        counters.extend(snmp::parse(&at.proc("net/snmp")?));
        match at.proc("net/snmp6") {
            Ok(text) => counters.extend(snmp::parse6(&text)),
            // Without IPv6 there is none.
            Err(error) if error.is_nothing() => {}
            Err(error) => return Err(error),
        }
        for (protocol, name, value) in counters {
            let key = format!("{protocol}_{name}");
            if let Some(value) = number(&value)
                && self.fields.as_ref().is_none_or(|fields| fields.is_match(&key))
            {
                out.untyped(format!("node_netstat_{key}"), format!("Statistic {protocol}{name}."), &[], value);
            }
        }
        Ok(())
    }
}
