//! The flags of process groups: process-exporter's, and ours. Beside the node collectors each has
//! `collector.process.` in front.

use std::time::Duration;

use super::rules::Rules;
use super::top::By;
use crate::flags::{Flag, FlagError, Flags};

/// process-exporter's flags and our own.
pub(crate) const FLAGS: &[Flag] = &[
    Flag::word("config.path", "", "Path to YAML config file that says how processes are grouped."),
    Flag::word("procnames", "", "Comma-separated list of process names to monitor."),
    Flag::word(
        "namemapping",
        "",
        "Comma-separated list, alternating process name and capturing regex to apply to cmdline.",
    ),
    Flag::on("children", "If a proc is tracked, track with it any children that aren't part of their own group."),
    Flag::on("threads", "Report on per-threadname metrics as well."),
    Flag::on("gather-smaps", "Gather proportional memory from smaps_rollup."),
    Flag::off("recheck", "Look again at each scrape at processes that are in no group."),
    Flag::word("recheck-with-time-limit", "0s", "As recheck, for so long after a process was seen first."),
    Flag::off("remove-empty-groups", "Forget groups that have no processes any more."),
    Flag::word("smaps-age", "60s", "How old proportional memory may get before it is read again (procyon's own)."),
    Flag::word("source", "auto", "Where processes are read: auto, ebpf or procfs (procyon's own)."),
    Flag::on("netstat", "Serve the sockets of groups (procyon's own)."),
    Flag::word(
        "netstat-top",
        "200",
        "The most sockets that are served, 0 for no limit; the rest is counted (procyon's own).",
    ),
    Flag::word(
        "top",
        "auto",
        "The most groups that are served, 0 for no limit; the rest is summed in group other. auto: 100 where nothing was configured, else 0 (procyon's own).",
    ),
    Flag::word("top-by", "cpu,rss,io,net", "What makes a group large: cpu, rss, io, net, fds, procs (procyon's own)."),
    Flag::word("top-sticky", "5m", "How long a group stays among the largest once it was one of them (procyon's own)."),
];

/// The most groups that are served where every process is one.
const TOP_OF_EACH: usize = 100;

/// Where processes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the kernel's own list where that can be had, else from procfs.
    Auto,
    /// From the kernel's own list.
    Ebpf,
    /// From procfs.
    Procfs,
}

/// What the flags say.
#[expect(clippy::struct_excessive_bools, reason = "upstream's switches, each by itself")]
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rules: Rules,
    pub(crate) children: bool,
    pub(crate) threads: bool,
    pub(crate) smaps: bool,
    pub(crate) smaps_age: Duration,
    /// How long processes in no group are looked at again; zero is for ever, none not at all.
    pub(crate) recheck: Option<Duration>,
    pub(crate) remove_empty: bool,
    pub(crate) from: From,
    pub(crate) netstat: bool,
    pub(crate) netstat_top: usize,
    pub(crate) top: usize,
    pub(crate) top_by: Vec<By>,
    pub(crate) top_sticky: Duration,
}

/// Declares the flags, each behind `prefix`.
pub fn declare(flags: &mut Flags, prefix: &str) {
    for flag in FLAGS {
        flags.declare_one(format!("{prefix}{}", flag.name), flag.help.to_owned(), flag.shape, flag.hidden);
    }
}

impl Options {
    /// From the flags behind `prefix`.
    pub(crate) fn new(flags: &Flags, prefix: &str) -> Result<Self, FlagError> {
        let name = |name: &str| format!("{prefix}{name}");
        let is_on = |flag: &str| flags.is_on(&name(flag));
        let rules = rules(flags, prefix)?;
        let limit = flags.duration(&name("recheck-with-time-limit"))?;
        let recheck =
            if is_on("recheck") { Some(Duration::ZERO) } else { Some(limit).filter(|limit| !limit.is_zero()) };
        let top = match flags.text(&name("top")) {
            "auto" if rules.is_each() => TOP_OF_EACH,
            "auto" => 0,
            _ => flags.number(&name("top"))?,
        };
        let threads = is_on("threads") && (!rules.is_each() || flags.is_given(&name("threads")));
        let by = flags.text(&name("top-by"));
        let top_by: Option<Vec<By>> = by.split(',').map(|word| By::named(word.trim())).collect();
        let wrong = |flag: &str, problem: &str| FlagError::value(&name(flag), flags.text(&name(flag)), problem);
        Ok(Self {
            children: is_on("children") && !rules.is_each(),
            threads,
            smaps: is_on("gather-smaps"),
            smaps_age: flags.duration(&name("smaps-age"))?,
            recheck,
            remove_empty: is_on("remove-empty-groups"),
            from: match flags.text(&name("source")) {
                "auto" => From::Auto,
                "ebpf" => From::Ebpf,
                "procfs" => From::Procfs,
                _ => return Err(wrong("source", "is none of auto, ebpf, procfs")),
            },
            netstat: is_on("netstat"),
            netstat_top: flags.number(&name("netstat-top"))?,
            top,
            top_by: top_by.ok_or_else(|| wrong("top-by", "is no list of cpu, rss, io, net, fds, procs"))?,
            top_sticky: flags.duration(&name("top-sticky"))?,
            rules,
        })
    }
}

fn rules(flags: &Flags, prefix: &str) -> Result<Rules, FlagError> {
    let name = |name: &str| format!("{prefix}{name}");
    let (path, names, mapping) =
        (flags.text(&name("config.path")), flags.text(&name("procnames")), flags.text(&name("namemapping")));
    let rules = match (path, names, mapping) {
        ("", "", "") => return Ok(Rules::Each),
        ("", ..) => Rules::from_names(names, mapping),
        // Upstream lets the file win over names.
        (_, _, "") => Rules::load(path),
        _ => {
            return Err(FlagError::value(&name("namemapping"), mapping, "cannot be used together with config.path"));
        }
    };
    rules.map_err(|error| FlagError::Rules(error.to_string()))
}
