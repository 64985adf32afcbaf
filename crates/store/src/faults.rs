//! A disk that fails, and what the store makes of it.

mod memory;

use std::path::Path;
use std::sync::Arc;

use memory::MemoryDisk;
use procyon_history::conformance::script::Script;
use procyon_history::{History, HistoryError, Sink};
use procyon_model::Frame;
use procyon_units::Wall;
use proptest::prelude::*;

use crate::care::verify_on;
use crate::config::Config;
use crate::reader::Reader;
use crate::writer::Writer;

/// What happens to a store.
#[derive(Debug, Clone)]
enum Action {
    /// Frames come.
    Write(usize),
    /// They are made to survive.
    Sync,
    /// The log becomes a block.
    Seal,
    /// The program is killed and started again.
    Kill,
    /// The power goes and comes back.
    PowerLoss,
    /// So many operations from now on, one fails (and so many after it): the disk is full, or broken.
    Fail { after: u32, times: u32, full: bool },
    /// Nothing is known for a while.
    Away,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1_usize..12).prop_map(Action::Write),
        2 => Just(Action::Sync),
        2 => Just(Action::Seal),
        1 => Just(Action::Kill),
        1 => Just(Action::PowerLoss),
        2 => (0_u32..60, 1_u32..20, any::<bool>()).prop_map(|(after, times, full)| Action::Fail { after, times, full }),
        1 => Just(Action::Away),
    ]
}

/// A store and what is known about it.
struct World {
    disk: Arc<MemoryDisk>,
    config: Config,
    writer: Option<Writer>,
    script: Script,
    /// Frames whose writing was acknowledged, and whether that survives the loss of power.
    kept: Vec<(Arc<Frame>, bool)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let config = Config::new("/data/history");
        let mut script = Script::new();
        for pid in 1..6 {
            script.start_earlier(pid, &format!("worker{pid}"), 60_000);
        }
        Self { disk: Arc::new(MemoryDisk::new(seed)), config, writer: None, script, kept: Vec::new() }
    }

    fn writer(&mut self) -> Option<&mut Writer> {
        if self.writer.is_none() {
            self.writer = Writer::open(self.disk.clone(), &self.config).ok();
        }
        self.writer.as_mut()
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Write(count) => {
                for number in 0..*count {
                    let key = self.script.processes[number % 5].key;
                    self.script.burn(key, 10 * number as u64);
                    let place = self.script.tick();
                    let frame = Arc::clone(&self.script.frames[place]);
                    if self.writer().is_some_and(|writer| writer.write(&frame).is_ok()) {
                        self.kept.push((frame, false));
                    } else {
                        self.writer = None;
                    }
                }
            }
            Action::Sync => {
                if self.writer.as_mut().is_some_and(|writer| writer.sync().is_ok()) {
                    // What stood in logs before a failure was synced when the log was closed, or is only safe from the end of the program.
                    self.sync_kept();
                }
            }
            Action::Seal => {
                if self.writer.as_mut().is_some_and(|writer| writer.seal().is_ok()) {
                    self.sync_kept();
                }
            }
            Action::Kill => {
                self.disk.freeze(true);
                self.writer = None;
                self.disk.freeze(false);
            }
            Action::PowerLoss => {
                self.disk.freeze(true);
                self.writer = None;
                self.disk.lose_power();
                self.kept.retain(|(_, safe)| *safe);
            }
            Action::Fail { after, times, full } => self.disk.fail(*after, *times, *full),
            Action::Away => self.script.away(std::time::Duration::from_mins(1)),
        }
    }

    /// Frames since the last failure are safe now.
    fn sync_kept(&mut self) {
        for (_, safe) in &mut self.kept {
            *safe = true;
        }
    }

    /// Everything that has to be there is, as it was written.
    fn check(&self) -> Result<(), TestCaseError> {
        let reader = Reader::new(self.disk.clone(), &self.config.dir);
        for (frame, _) in &self.kept {
            let past =
                reader.at(frame.wall).map_err(|error| TestCaseError::fail(format!("frame {}: {error}", frame.seq)))?;
            prop_assert_eq!(past.frame.wall, frame.wall, "frame {} is missing", frame.seq);
            prop_assert_eq!(format!("{:?}", past.frame.processes), format!("{:?}", frame.processes));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_on_a_disk_that_fails(seed: u64, actions in prop::collection::vec(action(), 1..25)) {
        let mut world = World::new(seed);
        // The first frames stand on a sound disk, so that there is something to lose.
        world.act(&Action::Write(3));
        for action in &actions {
            world.act(action);
        }
        world.disk.fail(0, 0, false);
        if let Some(writer) = &world.writer {
            writer.settle();
        }
        world.check()?;
        // Starting again mends what was left in the middle of something.
        world.writer = None;
        world.act(&Action::Write(2));
        if let Some(writer) = &mut world.writer {
            prop_assert!(writer.seal().is_ok());
        }
        world.check()?;
        let problems = verify_on(world.disk.clone(), &world.config.dir, &mut |_, _| {}).unwrap();
        prop_assert!(problems.iter().all(|problem| problem.file.starts_with("log/")), "{:?}", problems);
    }

    #[test]
    fn any_change_of_any_file_is_found_or_harmless_and_never_a_panic(
        file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0_u8..8, cut: bool, sealed: bool,
    ) {
        let mut world = World::new(1);
        world.act(&Action::Write(8));
        if sealed {
            world.act(&Action::Seal);
        }
        world.act(&Action::Write(5));
        world.writer = None;
        let paths = world.disk.paths();
        let path = file.get(&paths);
        let length = world.disk.length(path);
        prop_assume!(length > 0);
        if cut {
            world.disk.cut(path, place.index(length));
        } else {
            world.disk.flip(path, place.index(length), bit);
        }
        let reader = Reader::new(world.disk.clone(), &world.config.dir);
        let ask_all = |reader: &Reader| -> Result<(), HistoryError> {
            reader.extent()?;
            for (frame, _) in &world.kept {
                if let Ok(past) = reader.at(frame.wall) {
                    // What comes back is a frame that was written, whole or without a part that is damaged.
                    let written = world.kept.iter().find(|(other, _)| other.wall == past.frame.wall);
                    assert!(written.is_some(), "a frame of {:?} was never written", past.frame.wall);
                    let written = &written.unwrap().0;
                    for row in &past.frame.processes {
                        let wanted = written.process(&row.key).map(|row| format!("{row:?}"));
                        assert_eq!(Some(format!("{row:?}")), wanted);
                    }
                }
            }
            reader.gaps(Wall(0), Wall(i64::MAX))?;
            Ok(())
        };
        // Whether it answers or refuses: no panic, nothing that was never so.
        drop(ask_all(&reader));
        if let Ok(mut writer) = Writer::open(world.disk.clone(), &world.config) {
            let place = world.script.tick();
            prop_assert!(writer.write(&Arc::clone(&world.script.frames[place])).is_ok());
            prop_assert!(writer.seal().is_ok());
        }
    }
}

fn read(disk: &Arc<MemoryDisk>) -> Reader {
    Reader::new(disk.clone(), Path::new("/data/history"))
}

#[test]
fn after_the_clock_was_set_back_what_came_later_stands_for_that_time() {
    let mut world = World::new(1);
    world.act(&Action::Write(10));
    let mut back = Script::new();
    back.start_earlier(9, "later", 60_000);
    // The same instants again, half a second later.
    back.away(std::time::Duration::from_millis(500));
    back.ticks(5);
    let writer = world.writer.as_mut().unwrap();
    for frame in &back.frames {
        writer.write(frame).unwrap();
    }
    writer.seal().unwrap();
    let reader = read(&world.disk);
    let (first, last) = (back.frames[0].wall, back.frames[back.frames.len() - 1].wall);
    let mut hidden = 0;
    for frame in back.frames.iter().chain(world.kept.iter().map(|(frame, _)| frame)) {
        let answer = reader.at(frame.wall).unwrap().frame;
        let twice = frame.wall >= first && frame.wall <= last;
        if twice && answer.wall != frame.wall {
            hidden += 1;
            assert_eq!(answer.host.boot, back.frames[0].host.boot);
            assert!(back.frames.iter().any(|later| later.wall == answer.wall));
        } else {
            assert_eq!(answer.wall, frame.wall);
        }
    }
    assert_eq!(hidden, 4, "those between the five later ones");
}

#[test]
fn the_oldest_frames_go_when_it_takes_too_much_room_or_they_are_too_old() {
    let mut world = World::new(1);
    world.config.max_size = procyon_units::Bytes(200_000);
    let blocks = |world: &mut World, count: usize| {
        for _ in 0..count {
            world.act(&Action::Write(11));
            world.act(&Action::Seal);
        }
    };
    blocks(&mut world, 30);
    let usage = read(&world.disk).usage().unwrap();
    assert!(usage.bytes.0 <= 260_000, "{usage:?}");
    let extent = read(&world.disk).extent().unwrap().unwrap();
    assert!(extent.first > world.script.at(0), "the oldest are gone");
    assert_eq!(extent.last, world.script.frames.last().unwrap().wall, "the newest are not");

    let mut world = World::new(1);
    world.config.retention = std::time::Duration::from_mins(1);
    blocks(&mut world, 20);
    let extent = read(&world.disk).extent().unwrap().unwrap();
    let kept = extent.last.0 - extent.first.0;
    assert!((55_000_000_000..=75_000_000_000).contains(&kept), "{kept}");
}

#[test]
fn blocks_of_an_hour_become_one_and_answer_alike() {
    let mut world = World::new(1);
    for _ in 0..4 {
        world.act(&Action::Write(9));
        world.act(&Action::Seal);
    }
    let before = read(&world.disk);
    let question = procyon_history::TopQuestion {
        from: Wall(0),
        to: Wall(i64::MAX),
        by: "cpu".to_owned(),
        group: procyon_history::GroupBy::Process,
        n: 3,
    };
    let top = before.top(&question).unwrap();
    // The next hour.
    world.act(&Action::Away);
    world.script.away(std::time::Duration::from_hours(1));
    world.act(&Action::Write(1));
    world.act(&Action::Seal);
    let names: Vec<String> = world.disk.paths().iter().filter_map(|path| path.to_str().map(str::to_owned)).collect();
    let merged = names.iter().filter(|name| name.contains("blocks/0000000000000001-0000000000000004-"));
    assert!(merged.count() > 3, "{names:#?}");
    assert!(!names.iter().any(|name| name.contains("blocks/0000000000000002-")), "{names:#?}");
    world.check().unwrap();
    let question = procyon_history::TopQuestion { to: top.entries[0].last, ..question };
    let again = read(&world.disk).top(&question).unwrap();
    assert_eq!(again.entries.len(), top.entries.len());
    for (one, other) in again.entries.iter().zip(&top.entries) {
        assert_eq!((one.key, &one.label, one.first, one.last), (other.key, &other.label, other.first, other.last));
        assert!((one.mean - other.mean).abs() < 1e-12);
    }
    let problems = verify_on(world.disk.clone(), &world.config.dir, &mut |_, _| {}).unwrap();
    assert_eq!(problems, []);
}
