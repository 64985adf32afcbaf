//! `fibrechannel`: adapters for storage networks (`/sys/class/fc_host`).

use super::row::Row;
use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Fibrechannel;

/// Attributes below `statistics`, hexadecimal; all ones where the adapter does not count.
const ROWS: [Row; 14] = [
    Row::counter("dumped_frames", "node_fibrechannel_dumped_frames_total", "Number of dumped frames"),
    Row::counter("error_frames", "node_fibrechannel_error_frames_total", "Number of errors in frames"),
    Row::counter("invalid_crc_count", "node_fibrechannel_invalid_crc_total", "Invalid Cyclic Redundancy Check count"),
    Row::counter("rx_frames", "node_fibrechannel_rx_frames_total", "Number of frames received"),
    Row::counter("rx_words", "node_fibrechannel_rx_words_total", "Number of words received by host port"),
    Row::counter("tx_frames", "node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port"),
    Row::counter("tx_words", "node_fibrechannel_tx_words_total", "Number of words transmitted by host port"),
    Row::counter(
        "seconds_since_last_reset",
        "node_fibrechannel_seconds_since_last_reset_total",
        "Number of seconds since last host port reset",
    ),
    Row::counter(
        "invalid_tx_word_count",
        "node_fibrechannel_invalid_tx_words_total",
        "Number of invalid words transmitted by host port",
    ),
    Row::counter(
        "link_failure_count",
        "node_fibrechannel_link_failure_total",
        "Number of times the host port link has failed",
    ),
    Row::counter(
        "loss_of_sync_count",
        "node_fibrechannel_loss_of_sync_total",
        "Number of failures on either bit or transmission word boundaries",
    ),
    Row::counter(
        "loss_of_signal_count",
        "node_fibrechannel_loss_of_signal_total",
        "Number of times signal has been lost",
    ),
    Row::counter(
        "nos_count",
        "node_fibrechannel_nos_total",
        "Number Not_Operational Primitive Sequence received by host port",
    ),
    Row::counter("fcp_packet_aborts", "node_fibrechannel_fcp_packet_aborts_total", "Number of aborted packets"),
];

const LABELS: [&str; 10] = [
    "speed",
    "port_state",
    "port_type",
    "port_id",
    "port_name",
    "fabric_name",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
];

impl Collector for Fibrechannel {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (host, folder) in at.devices("class/fc_host")? {
            let fc_host = ("fc_host", &*host);
            let values = LABELS.map(|label| {
                let text = folder.text(label).unwrap_or_default();
                // Names and numbers are hexadecimal; upstream drops what says so.
                text.strip_prefix("0x").map_or(text.clone(), str::to_owned)
            });
            let mut labels = vec![fc_host];
            labels.extend(LABELS.iter().copied().zip(values.iter().map(String::as_str)));
            let help = "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.";
            out.gauge("node_fibrechannel_info", help, &labels, 1.0);
            let statistics = folder.below("statistics");
            for row in ROWS {
                if let Some(value) = statistics.number(row.source).filter(|value| *value != u64::MAX) {
                    row.put(&[fc_host], float(value), out);
                }
            }
        }
        Ok(())
    }
}
