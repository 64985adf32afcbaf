//! What sysfs says of disks, interfaces, sensors and processor clocks. A driver may answer late or never (a sensor behind
//! a slow bus, an interface whose driver holds the lock of the network), so each kind is read on a thread of its own.

use std::time::Duration;

use procyon_linux::root::Root;
use procyon_linux::sys::block::{self, BlockDevice};
use procyon_linux::sys::class_net::{self, NetInterface};
use procyon_linux::sys::cpufreq;
use procyon_linux::sys::temperature::{self, Sensor};
use procyon_model::frame::SourceHealth;
use procyon_units::{Mono, Reading};

use crate::background::Background;

/// Time between two looks at what disks and interfaces there are.
const DEVICES_EVERY: Duration = Duration::from_secs(15);
/// Time between two looks at sensors and clocks.
const SENSORS_EVERY: Duration = Duration::from_secs(5);
/// An answer later than this is shown as late.
const DEADLINE: Duration = Duration::from_secs(2);
/// Sensors that nobody has read for this long say nothing of the present.
const SENSORS_LAST: Duration = Duration::from_secs(30);
/// How long the first frame waits for the first answers, without which it would show no disks.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);

/// What is read of one kind, the last time that it was.
#[derive(Debug)]
struct Slow<Q, A> {
    id: &'static str,
    background: Background<Q, A>,
    latest: A,
    taken: Option<Mono>,
}

impl<Q: Send + 'static, A: Default + Send + 'static> Slow<Q, A> {
    fn start(
        id: &'static str,
        interval: Duration,
        answer: impl FnMut(Q) -> A + Send + 'static,
    ) -> std::io::Result<Self> {
        let background = Background::start(id, interval, DEADLINE, answer)?;
        Ok(Self { id, background, latest: A::default(), taken: None })
    }

    /// Takes an answer in and asks again when it is time; waits for the first one, for a moment, and never again.
    fn run(&mut self, now: Mono, question: impl FnOnce() -> Q) {
        self.take(now);
        if self.background.is_due(now) {
            let first = self.background.is_first();
            self.background.ask(question(), now);
            if first {
                self.background.wait(FIRST_PATIENCE);
                self.take(now);
            }
        }
    }

    fn take(&mut self, now: Mono) {
        if let Some(answer) = self.background.poll() {
            self.latest = answer;
            self.taken = Some(now);
        }
    }

    fn health(&self, now: Mono) -> SourceHealth {
        SourceHealth {
            id: self.id,
            state: self.background.state(now),
            interval: self.background.interval(),
            took: self.background.took(),
        }
    }
}

/// Sensors, and clocks of the cores that were asked for.
#[derive(Debug, Default)]
struct Sensed {
    sensors: Vec<Sensor>,
    frequencies: Vec<Reading<u64>>,
}

/// Reads sysfs on threads of its own.
#[derive(Debug)]
pub(crate) struct DevicesSource {
    disks: Slow<(), Vec<BlockDevice>>,
    interfaces: Slow<(), Vec<NetInterface>>,
    sensors: Slow<Vec<u32>, Sensed>,
}

impl DevicesSource {
    pub(crate) fn new(root: &Root) -> std::io::Result<Self> {
        let (of_disks, of_interfaces, of_sensors) = (root.clone(), root.clone(), root.clone());
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let sensors = move |cores: Vec<u32>| Sensed {
            sensors: temperature::list(&of_sensors, &mut third),
            frequencies: cores.into_iter().map(|core| cpufreq::read(&of_sensors, core, &mut third)).collect(),
        };
        Ok(Self {
            disks: Slow::start("disks", DEVICES_EVERY, move |()| block::list(&of_disks, &mut first))?,
            interfaces: Slow::start("interfaces", DEVICES_EVERY, move |()| {
                class_net::list(&of_interfaces, &mut second)
            })?,
            sensors: Slow::start("sensors", SENSORS_EVERY, sensors)?,
        })
    }

    /// Takes answers in and asks again when it is time. `cores` are those whose clocks are wanted.
    pub(crate) fn run(&mut self, now: Mono, cores: impl FnOnce() -> Vec<u32>) {
        self.disks.run(now, || ());
        self.interfaces.run(now, || ());
        self.sensors.run(now, cores);
        if self.sensors.taken.is_some_and(|taken| now.since(taken) > SENSORS_LAST) {
            self.sensors.latest = Sensed::default();
        }
    }

    pub(crate) fn disks(&self) -> &[BlockDevice] {
        &self.disks.latest
    }

    pub(crate) fn interfaces(&self) -> &[NetInterface] {
        &self.interfaces.latest
    }

    pub(crate) fn sensors(&self) -> &[Sensor] {
        &self.sensors.latest.sensors
    }

    /// When sensors were read; none before the first time.
    pub(crate) const fn sensors_taken(&self) -> Option<Mono> {
        self.sensors.taken
    }

    /// Clock of each core that was asked for, in that order.
    pub(crate) fn frequencies(&self) -> &[Reading<u64>] {
        &self.sensors.latest.frequencies
    }

    pub(crate) fn health(&self, now: Mono) -> [SourceHealth; 3] {
        [self.disks.health(now), self.interfaces.health(now), self.sensors.health(now)]
    }
}

#[cfg(test)]
mod tests {
    use procyon_model::frame::SourceState;
    use procyon_testkit::eventually;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A sensor that blocks: opening a FIFO for reading waits until somebody opens it for writing.
    fn with_blocking_sensor() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let chip = dir.path().join("sys/class/hwmon/hwmon0");
        std::fs::create_dir_all(&chip).unwrap();
        std::fs::write(chip.join("name"), "slowchip\n").unwrap();
        let fifo = chip.join("temp1_input");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let disk = dir.path().join("sys/block/sda");
        std::fs::create_dir_all(disk.join("queue")).unwrap();
        std::fs::write(disk.join("size"), "2048\n").unwrap();
        (dir, fifo)
    }

    #[test]
    fn a_sensor_that_blocks_delays_neither_the_tick_nor_the_disks() {
        let (dir, fifo) = with_blocking_sensor();
        let mut source = DevicesSource::new(&Root::at(dir.path())).unwrap();
        source.run(Mono(0), Vec::new);
        assert_eq!(source.disks().len(), 1, "{:?}", source.disks());
        assert!(source.sensors().is_empty());
        for second in 1..14 {
            source.run(Mono(second * SECOND), Vec::new);
        }
        let states: Vec<_> = source.health(Mono(14 * SECOND)).map(|health| (health.id, health.state)).into();
        assert_eq!(
            states,
            [("disks", SourceState::Ok), ("interfaces", SourceState::Ok), ("sensors", SourceState::Late)]
        );
        // It answers after all; the reader may ask for more than one of its files, so all of them are answered.
        let writer = std::thread::spawn(move || std::fs::write(fifo, "45000\n"));
        eventually("the sensor is read", Duration::from_mins(1), || {
            source.run(Mono(21 * SECOND), Vec::new);
            (!source.sensors().is_empty()).then_some(())
        });
        writer.join().unwrap().unwrap();
        assert_eq!(source.sensors_taken(), Some(Mono(21 * SECOND)));
        // Nobody writes to it again: what it said is not shown for ever.
        source.run(Mono(60 * SECOND), Vec::new);
        assert!(source.sensors().is_empty());
    }
}
