//! `netstat`: chosen counters of the network protocols.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

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
    known: Mutex<HashMap<String, bool>>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Netstat { fields: compile(FIELDS, flags.text(FIELDS))?, known: Mutex::default() }))
}

impl Netstat {
    /// Whether a counter is chosen. Expressions cost more than looking up what they said the last time.
    fn wants(&self, key: &str) -> bool {
        let Some(fields) = &self.fields else { return true };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wanted) = known.get(key) {
            return *wanted;
        }
        let wanted = fields.is_match(key);
        if known.len() < MOST_KNOWN {
            known.insert(key.to_owned(), wanted);
        }
        wanted
    }
}

/// The kernel has some 500 counters.
const MOST_KNOWN: usize = 10_000;

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
        let mut key = String::new();
        for (protocol, name, value) in counters {
            key.clear();
            key.extend([protocol, "_", name]);
            if self.wants(&key)
                && let Some(value) = number(value)
            {
                out.untyped(format!("node_netstat_{key}"), format!("Statistic {protocol}{name}."), &[], value);
            }
        }
        Ok(())
    }
}
