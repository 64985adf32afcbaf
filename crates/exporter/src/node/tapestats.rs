//! `tapestats`: tape drives (`/sys/class/scsi_tape`).

use regex::Regex;

use super::{Collector, FlagError, Flags, Outcome, Places, float};
use crate::filter::compile;
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};

const IGNORED: &str = "collector.tapestats.ignored-devices";

pub(super) const FLAGS: &[Flag] = &[Flag::word(IGNORED, "^$", "Regexp of devices to ignore for tapestats.")];

struct Tapestats {
    ignored: Option<Regex>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Tapestats { ignored: compile(IGNORED, flags.text(IGNORED))? }))
}

/// Attributes below `stats`; those that end in `_ns` are nanoseconds.
const ROWS: [(&str, Kind, &str, &str); 10] = [
    ("in_flight", Kind::Gauge, "node_tape_io_now", "The number of I/Os currently outstanding to this device."),
    (
        "io_ns",
        Kind::Counter,
        "node_tape_io_time_seconds_total",
        "The amount of time spent waiting for all I/O to complete (including read and write). This includes tape movement commands such as seeking between file or set marks and implicit tape movement such as when rewind on close tape devices are used.",
    ),
    (
        "other_cnt",
        Kind::Counter,
        "node_tape_io_others_total",
        "The number of I/Os issued to the tape drive other than read or write commands. The time taken to complete these commands uses the following calculation io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
    ),
    ("read_byte_cnt", Kind::Counter, "node_tape_read_bytes_total", "The number of bytes read from the tape drive."),
    (
        "read_cnt",
        Kind::Counter,
        "node_tape_reads_completed_total",
        "The number of read requests issued to the tape drive.",
    ),
    (
        "read_ns",
        Kind::Counter,
        "node_tape_read_time_seconds_total",
        "The amount of time spent waiting for read requests to complete.",
    ),
    (
        "write_byte_cnt",
        Kind::Counter,
        "node_tape_written_bytes_total",
        "The number of bytes written to the tape drive.",
    ),
    (
        "write_cnt",
        Kind::Counter,
        "node_tape_writes_completed_total",
        "The number of write requests issued to the tape drive.",
    ),
    (
        "write_ns",
        Kind::Counter,
        "node_tape_write_time_seconds_total",
        "The amount of time spent waiting for write requests to complete.",
    ),
    (
        "resid_cnt",
        Kind::Counter,
        "node_tape_residual_total",
        "The number of times during a read or write we found the residual amount to be non-zero. This should mean that a program is issuing a read larger thean the block size on tape. For write not all data made it to tape.",
    ),
];

impl Collector for Tapestats {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("class/scsi_tape")? {
            // Each drive has several names; `st0` is the plain one.
            let plain = device.strip_prefix("st").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            if !plain || self.ignored.as_ref().is_some_and(|ignored| ignored.is_match(&device)) {
                continue;
            }
            let stats = folder.below("stats");
            for (file, kind, name, help) in ROWS {
                if let Some(value) = stats.number(file) {
                    let value = if file.ends_with("_ns") { float(value) * 0.000_000_001 } else { float(value) };
                    out.add(kind, name.into(), help.into(), &[("device", &device)], value);
                }
            }
        }
        Ok(())
    }
}
