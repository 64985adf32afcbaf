//! Collectors of upstream that are not there yet. Their switches and flags are taken, with a warning for each that is asked
//! for, so that a command line of node_exporter starts.

use crate::flags::Flag;

/// Their names.
pub const NAMES: &[&str] = &["logind", "systemd"];

const HELP: &str = "Taken for node_exporter's sake; the collector is not there yet.";

const fn word(name: &'static str) -> Flag {
    Flag::word(name, "", HELP).hidden()
}

const fn switch(name: &'static str) -> Flag {
    Flag::off(name, HELP).hidden()
}

/// Their flags.
pub const FLAGS: &[Flag] = &[
    word("collector.systemd.unit-include"),
    word("collector.systemd.unit-exclude"),
    word("collector.systemd.unit-whitelist"),
    word("collector.systemd.unit-blacklist"),
    switch("collector.systemd.enable-task-metrics"),
    switch("collector.systemd.enable-restarts-metrics"),
    switch("collector.systemd.enable-start-time-metrics"),
    switch("collector.systemd.private"),
];
