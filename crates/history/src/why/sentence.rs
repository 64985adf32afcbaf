//! One sentence for each.

use super::{Item, Metric};
use crate::GroupBy;

/// What happened to it, for people.
pub(super) fn of(item: &Item, metric: Metric, known_before: bool) -> String {
    let who = who(item);
    let now = amount(item.now, metric);
    let mut text = if !known_before {
        format!("{who} {} {now}; nothing is known of the time before", verb(metric))
    } else if item.born && item.before < metric.floor() {
        format!("{who} {} {now}, and was not there before", verb(metric))
    } else {
        let before = amount(item.before, metric);
        let way = if item.change() >= 0.0 { "up" } else { "down" };
        format!("{who} {} {now}, {way} from {before} in the hour before{}", verb(metric), times(item))
    };
    if item.restarted {
        text.push_str("; it was started again");
    }
    if item.ended {
        text.push_str(if item.processes > 1 { "; all of them ended" } else { "; it ended" });
    }
    text
}

fn who(item: &Item) -> String {
    let label = String::from_utf8_lossy(&item.label);
    let many = item.processes;
    match item.group {
        None | Some(GroupBy::Process) => format!("{label} (pid {})", item.key.pid),
        Some(GroupBy::Label | GroupBy::Name) => format!("{many} processes {label}"),
        Some(GroupBy::User) => format!("{many} processes of user {label}"),
        Some(GroupBy::Cgroup) => format!("{many} processes in {label}"),
        Some(GroupBy::Container) => format!("{many} processes of container {label}"),
        Some(GroupBy::Unit) => format!("{many} processes of {label}"),
    }
}

const fn verb(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "used",
        Metric::Memory => "held",
        Metric::Io => "read and wrote",
        Metric::Network => "received and sent",
        Metric::Load => "made a load of",
    }
}

fn amount(value: f64, metric: Metric) -> String {
    match metric {
        Metric::Cpu if value < 0.1 => format!("{value:.3} cores"),
        Metric::Cpu => format!("{value:.2} cores"),
        Metric::Memory => bytes(value),
        Metric::Io | Metric::Network => format!("{}/s", bytes(value)),
        Metric::Load => format!("{value:.2}"),
    }
}

fn bytes(value: f64) -> String {
    let mut value = value;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// How many times as much, where that says something.
fn times(item: &Item) -> String {
    let times = item.now / item.before;
    if !times.is_finite() || times < 2.0 {
        String::new()
    } else if times > 100.0 {
        " (more than 100 times as much)".to_owned()
    } else {
        format!(" ({times:.0} times as much)")
    }
}
