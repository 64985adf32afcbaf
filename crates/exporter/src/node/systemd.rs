//! `systemd`: units and their states, as systemd tells them over D-Bus.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag, float};
use crate::dbus::{Call, Connection, DbusError, End, Message, Value};
use crate::filter::Filter;
use crate::flags::Flag;
use crate::metric::Metrics;

const INCLUDE: [&str; 2] = ["collector.systemd.unit-include", "collector.systemd.unit-whitelist"];
const EXCLUDE: [&str; 2] = ["collector.systemd.unit-exclude", "collector.systemd.unit-blacklist"];
const PRIVATE: &str = "collector.systemd.private";
const TASKS: &str = "collector.systemd.enable-task-metrics";
const RESTARTS: &str = "collector.systemd.enable-restarts-metrics";
const STARTS: &str = "collector.systemd.enable-start-time-metrics";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(
        INCLUDE[0],
        ".+",
        "Regexp of systemd units to include. Units must both match include and not match exclude to be included.",
    ),
    Flag::word(
        EXCLUDE[0],
        r".+\.(automount|device|mount|scope|slice)",
        "Regexp of systemd units to exclude. Units must both match include and not match exclude to be included.",
    ),
    Flag::word(INCLUDE[1], "", "DEPRECATED: Use --collector.systemd.unit-include").hidden(),
    Flag::word(EXCLUDE[1], "", "DEPRECATED: Use collector.systemd.unit-exclude").hidden(),
    Flag::off(
        PRIVATE,
        "Establish a private, direct connection to systemd without dbus (Strongly discouraged since it requires root. For testing purposes only).",
    )
    .hidden(),
    Flag::off(TASKS, "Enables service unit tasks metrics unit_tasks_current and unit_tasks_max"),
    Flag::off(RESTARTS, "Enables service unit metric service_restart_total"),
    Flag::off(STARTS, "Enables service unit metric unit_start_time_seconds"),
];

/// systemd's own socket; whoever is there is root.
const SOCKET: &str = "/run/systemd/private";
const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const OBJECT: &str = "/org/freedesktop/systemd1";

/// The most units that are taken.
const MOST_UNITS: usize = 50_000;
/// From this version on systemd tells its own state, and when timers last went off.
const TELLS_STATE: f64 = 212.0;
const STATES: [&str; 5] = ["active", "activating", "deactivating", "inactive", "failed"];

#[expect(clippy::struct_excessive_bools, reason = "four switches of upstream that have nothing to do with each other")]
struct Systemd {
    units: Filter,
    private: bool,
    tasks: bool,
    restarts: bool,
    starts: bool,
    patience: Duration,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Systemd {
        units: Filter::whole(flags, INCLUDE, EXCLUDE)?,
        private: flags.is_on(PRIVATE),
        tasks: flags.is_on(TASKS),
        restarts: flags.is_on(RESTARTS),
        starts: flags.is_on(STARTS),
        patience: super::patience(flags)?,
    }))
}

impl Collector for Systemd {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let mut systemd = self.connect().map_err(CollectError::Dbus)?;
        self.tell(&mut systemd, out).map_err(CollectError::Dbus)
    }
}

/// A unit, as the list of all has it.
#[derive(Debug, PartialEq, Eq)]
struct Unit {
    name: Box<str>,
    load: Box<str>,
    active: Box<str>,
    path: Box<str>,
}

/// What is asked of a unit beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    ServiceType,
    MountType,
    Restarts,
    TasksCurrent,
    TasksMax,
    Start,
    LastTrigger,
    Accepted,
    Connections,
    Refused,
}

impl Property {
    /// Interface and name.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::ServiceType => ("org.freedesktop.systemd1.Service", "Type"),
            Self::MountType => ("org.freedesktop.systemd1.Mount", "Type"),
            Self::Restarts => ("org.freedesktop.systemd1.Service", "NRestarts"),
            Self::TasksCurrent => ("org.freedesktop.systemd1.Service", "TasksCurrent"),
            Self::TasksMax => ("org.freedesktop.systemd1.Service", "TasksMax"),
            Self::Start => ("org.freedesktop.systemd1.Unit", "ActiveEnterTimestamp"),
            Self::LastTrigger => ("org.freedesktop.systemd1.Timer", "LastTriggerUSec"),
            Self::Accepted => ("org.freedesktop.systemd1.Socket", "NAccepted"),
            Self::Connections => ("org.freedesktop.systemd1.Socket", "NConnections"),
            Self::Refused => ("org.freedesktop.systemd1.Socket", "NRefused"),
        }
    }
}

impl Systemd {
    /// By the bus; where there is none, root asks systemd itself.
    fn connect(&self) -> Result<Connection, DbusError> {
        let end = End::after(self.patience);
        if self.private {
            return Connection::direct(SOCKET, end);
        }
        Connection::system(end).or_else(|error| {
            // Whoever let us in and then was silent has had all of the time.
            let may_ask = rustix::process::geteuid().is_root() && !matches!(error, DbusError::Broken(_));
            if may_ask { Connection::direct(SOCKET, end).map_err(|_| error) } else { Err(error) }
        })
    }

    fn tell(&self, systemd: &mut Connection, out: &mut Metrics) -> Result<(), DbusError> {
        let property = |name| Call::property(SYSTEMD, OBJECT, MANAGER, name);
        let [mut version, mut virtualization, mut state] = [const { Err(DbusError::Odd("no answer")) }; 3];
        let questions = ["Version", "Virtualization", "SystemState"].map(|name| (name, property(name)));
        systemd.ask(questions, |name, told| match name {
            "Version" => version = told.and_then(|answer| text(&answer)),
            "Virtualization" => virtualization = told.and_then(|answer| text(&answer)),
            _ => state = told.and_then(|answer| text(&answer)),
        })?;
        let (number, version) = version.ok().and_then(|text| Some((number(&text)?, text))).unwrap_or_default();
        out.gauge("node_systemd_version", "Detected systemd version", &[("version", &version)], number);
        let virtualization = match &virtualization {
            Ok(text) if text.is_empty() => "none",
            Ok(text) => text,
            Err(_) => "unknown",
        };
        let label = [("virtualization_type", virtualization)];
        out.gauge("node_systemd_virtualization_info", "Detected virtualization technology", &label, 1.0);

        let answer = systemd.one(&Call::plain(SYSTEMD, OBJECT, MANAGER, "ListUnits"))?;
        let units = units(&answer).ok_or(DbusError::Odd("a list of units that cannot be read, or is too long"))?;
        summary(&units, out);
        let tells_state = number >= TELLS_STATE;
        self.units(systemd, &units, tells_state, out)?;
        if tells_state {
            let help = "Whether the system is operational (see 'systemctl is-system-running')";
            out.gauge("node_systemd_system_running", help, &[], flag(&*state? == "running"));
        }
        Ok(())
    }

    /// What each of the chosen units is and does.
    fn units(
        &self,
        systemd: &mut Connection,
        units: &[Unit],
        tells_state: bool,
        out: &mut Metrics,
    ) -> Result<(), DbusError> {
        let chosen = || units.iter().filter(|unit| &*unit.load == "loaded" && !self.units.ignores(&unit.name));
        for unit in chosen() {
            if kind(&unit.name) != "service" && kind(&unit.name) != "mount" {
                states(unit, "", out);
            }
            if self.starts && &*unit.active != "active" {
                start(unit, 0, out);
            }
        }
        let questions = chosen().flat_map(|unit| {
            let properties = self.questions(unit, tells_state);
            properties.map(move |property| {
                let (interface, name) = property.place();
                ((unit, property), Call::property(SYSTEMD, &unit.path, interface, name))
            })
        });
        // What is not there, perhaps because this systemd is too old, or because the unit has just gone, is left out.
        systemd.ask(questions, |(unit, property), told| {
            write(unit, property, told.ok().as_ref().and_then(Message::property), out);
        })
    }

    fn questions(&self, unit: &Unit, tells_state: bool) -> impl Iterator<Item = Property> + use<> {
        let (tasks, restarts) = (self.tasks, self.restarts);
        let all: &[(Property, bool)] = match kind(&unit.name) {
            "service" => &[
                (Property::ServiceType, true),
                (Property::Restarts, restarts),
                (Property::TasksCurrent, tasks),
                (Property::TasksMax, tasks),
            ],
            "mount" => &[(Property::MountType, true)],
            "timer" => &[(Property::LastTrigger, tells_state)],
            "socket" => &[(Property::Accepted, true), (Property::Connections, true), (Property::Refused, true)],
            _ => &[],
        };
        let wants_start = self.starts && &*unit.active == "active";
        let start = wants_start.then_some(Property::Start);
        let wanted: Vec<Property> = all.iter().filter(|(_, wanted)| *wanted).map(|(property, _)| *property).collect();
        wanted.into_iter().chain(start)
    }
}

/// What stands behind the last dot of a unit's name.
fn kind(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, kind)| kind)
}

fn text(answer: &Message) -> Result<Box<str>, DbusError> {
    match answer.property() {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(DbusError::Odd("a property of systemd that is no text")),
    }
}

/// The number in a version, as in `252.38-1~deb12u1`: the first that has three digits or more, and those behind a dot.
fn number(version: &str) -> Option<f64> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let mut rest = version;
    loop {
        rest = rest.get(rest.find(is_digit)?..)?;
        let (whole, after) = rest.split_at(rest.find(|letter| !is_digit(letter)).unwrap_or(rest.len()));
        if whole.len() >= 3 {
            let part = after.strip_prefix('.').unwrap_or_default();
            let part = part.get(..part.find(|letter| !is_digit(letter)).unwrap_or(part.len()))?;
            return format!("{whole}.{part}0").parse().ok();
        }
        rest = after;
    }
}

/// The units in an answer to `ListUnits`.
fn units(answer: &Message) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    answer.body("a(ssssssouso)")?.structures(MOST_UNITS, |unit| {
        let (name, _description, load, active) = (unit.text()?, unit.text()?, unit.text()?, unit.text()?);
        let (_sub, _following, path) = (unit.text()?, unit.text()?, unit.text()?);
        let (_job, _job_type, _job_path) = (unit.u32()?, unit.text()?, unit.text()?);
        units.push(Unit { name: name.into(), load: load.into(), active: active.into(), path: path.into() });
        Some(())
    })?;
    Some(units)
}

/// How many units are in which state; states that are unheard of stand there by themselves.
fn summary(units: &[Unit], out: &mut Metrics) {
    let mut counts: BTreeMap<&str, u64> = STATES.map(|state| (state, 0)).into();
    for unit in units {
        *counts.entry(&unit.active).or_default() += 1;
    }
    for (state, count) in counts {
        out.gauge("node_systemd_units", "Summary of systemd unit states", &[("state", state)], float(count));
    }
}

fn states(unit: &Unit, kind: &str, out: &mut Metrics) {
    for state in STATES {
        let labels = [("name", &*unit.name), ("state", state), ("type", kind)];
        out.gauge("node_systemd_unit_state", "Systemd unit", &labels, flag(state == &*unit.active));
    }
}

fn start(unit: &Unit, microseconds: u64, out: &mut Metrics) {
    let help = "Start time of the unit since unix epoch in seconds.";
    out.gauge("node_systemd_unit_start_time_seconds", help, &[("name", &unit.name)], float(microseconds) / 1e6);
}

/// Writes what came of a question.
fn write(unit: &Unit, property: Property, value: Option<Value>, out: &mut Metrics) {
    let label = [("name", &*unit.name)];
    match (property, value) {
        (Property::ServiceType | Property::MountType, Some(Value::Text(kind))) => states(unit, &kind, out),
        (Property::ServiceType | Property::MountType, _) => states(unit, "", out),
        (Property::Restarts, Some(Value::U32(count))) => {
            let (name, help) = ("node_systemd_service_restart_total", "Service unit count of Restart triggers");
            out.counter(name, help, &label, count.into());
        }
        // The largest number says that nobody counts, or that there is no limit.
        (Property::TasksCurrent | Property::TasksMax, Some(Value::U64(u64::MAX))) => {}
        (Property::TasksCurrent, Some(Value::U64(count))) => {
            let (name, help) = ("node_systemd_unit_tasks_current", "Current number of tasks per Systemd unit");
            out.gauge(name, help, &label, float(count));
        }
        (Property::TasksMax, Some(Value::U64(count))) => {
            let (name, help) = ("node_systemd_unit_tasks_max", "Maximum number of tasks per Systemd unit");
            out.gauge(name, help, &label, float(count));
        }
        (Property::Start, Some(Value::U64(time))) => start(unit, time, out),
        (Property::LastTrigger, Some(Value::U64(time))) => {
            let (name, help) = ("node_systemd_timer_last_trigger_seconds", "Seconds since epoch of last trigger.");
            out.gauge(name, help, &label, float(time) / 1e6);
        }
        (Property::Accepted, Some(Value::U32(count))) => {
            let name = "node_systemd_socket_accepted_connections_total";
            out.counter(name, "Total number of accepted socket connections", &label, count.into());
        }
        (Property::Connections, Some(Value::U32(count))) => {
            let name = "node_systemd_socket_current_connections";
            out.gauge(name, "Current number of socket connections", &label, count.into());
        }
        // A gauge upstream, whatever its name says.
        (Property::Refused, Some(Value::U32(count))) => {
            let name = "node_systemd_socket_refused_connections_total";
            out.gauge(name, "Total number of refused socket connections", &label, count.into());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_a_number_of_three_digits() {
        for (version, expected) in [
            ("252.38-1~deb12u1", Some(252.38)),
            ("v257~rc1-2", Some(257.0)),
            ("systemd 44 of 12, 1234.5.6", Some(1234.5)),
            ("249.11-0ubuntu3.12", Some(249.11)),
            ("256.", Some(256.0)),
            ("44", None),
            ("", None),
        ] {
            assert_eq!(number(version), expected, "{version}");
        }
    }

    fn written(property: Property, value: Value) -> Vec<(String, f64)> {
        let text = |text: &str| -> Box<str> { text.into() };
        let unit = Unit { name: text("a.x"), load: text("loaded"), active: text("reloading"), path: text("/") };
        let mut out = Metrics::default();
        write(&unit, property, Some(value), &mut out);
        let families = out.sorted(&mut 0).into_iter();
        families
            .flat_map(|family| family.samples.into_iter().map(move |sample| (family.name.to_string(), sample.value)))
            .collect()
    }

    #[test]
    fn counts_of_tasks_that_nobody_keeps_are_left_out() {
        let name = |name: &str| format!("node_systemd_unit_tasks_{name}");
        for (property, short) in [(Property::TasksCurrent, "current"), (Property::TasksMax, "max")] {
            assert_eq!(written(property, Value::U64(7)), [(name(short), 7.0)]);
            assert_eq!(written(property, Value::U64(u64::MAX)), []);
            // Of another type than systemd has it.
            assert_eq!(written(property, Value::U32(7)), []);
        }
    }

    #[test]
    fn a_state_that_is_unheard_of_is_none_of_the_five() {
        let states = written(Property::ServiceType, Value::Text("simple".into()));
        assert!(states.len() == 5 && states.iter().all(|(_, value)| *value == 0.0), "{states:?}");
        assert_eq!(written(Property::ServiceType, Value::U32(1)).len(), 5);
    }
}
