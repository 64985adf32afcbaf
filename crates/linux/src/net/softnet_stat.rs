//! `/proc/net/softnet_stat`: packets by processor, a line of hexadecimal numbers each.

use crate::text::{hex, lines, words};

/// Counters of one processor. Source: `softnet_seq_show`, net/core/net-procfs.c.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoftnetStat {
    /// The processor: field 13 since 5.10, before that the number of the line.
    pub cpu: u64,
    /// Packets. Field 1.
    pub processed: u64,
    /// Packets for which the backlog had no room. Field 2.
    pub dropped: u64,
    /// Rounds that ended with work left. Field 3.
    pub time_squeezed: u64,
    /// Collisions while taking a device's lock. Field 9.
    pub cpu_collision: u64,
    /// Wake-ups by other processors. Field 10, since 2.6.35.
    pub received_rps: u64,
    /// Times that the limit of flows was reached. Field 11, since 3.11.
    pub flow_limit: u64,
    /// Packets in the backlog now. Field 12, since 5.10.
    pub backlog: u64,
}

/// Parses the file; lines with fewer than nine numbers are left out.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<SoftnetStat> {
    let parse_line = |(line, number): (&[u8], u64)| {
        let mut fields = [0_u64; 13];
        let mut found = 0;
        for (slot, word) in fields.iter_mut().zip(words(line)) {
            *slot = hex(word)?;
            found += 1;
        }
        let [processed, dropped, time_squeezed, _, _, _, _, _, cpu_collision, received_rps, flow_limit, backlog, cpu] =
            fields;
        let cpu = if found > 12 { cpu } else { number };
        (found >= 9).then_some(SoftnetStat {
            cpu,
            processed,
            dropped,
            time_squeezed,
            cpu_collision,
            received_rps,
            flow_limit,
            backlog,
        })
    };
    lines(text).zip(0..).filter_map(parse_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_have_no_processor_number() {
        let all = parse(b"01 02 03 0 0 0 0 0 04\n00a 0 0 0 0 0 0 0 0 5 6 7 9\nx\n");
        assert_eq!(all.first().map(|stat| (stat.cpu, stat.processed, stat.cpu_collision)), Some((0, 1, 4)));
        assert_eq!(all.get(1).map(|stat| (stat.cpu, stat.processed, stat.backlog)), Some((9, 10, 7)));
        assert_eq!(all.len(), 2);
    }
}
