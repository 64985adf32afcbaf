//! A disk that fails, and what the store makes of it.

mod memory;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory::MemoryDisk;
use procyon_history::conformance::script::Script;
use procyon_history::{History, HistoryError, Sink};
use procyon_model::Frame;
use procyon_model::feed::Consumer;
use procyon_units::{Clock, Mono, Wall};
use proptest::prelude::*;

use crate::block::build::build;
use crate::block::merge::merge;
use crate::care::verify_on;
use crate::config::Config;
use crate::disk::Disk;
use crate::export::{self, Format};
use crate::folder::Folder;
use crate::reader::Reader;
use crate::recorder::Recorder;
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
    fn nothing_acknowledged_is_lost_on_a_disk_that_fails(
        seed: u64, first in prop::option::of((0_u32..20, 1_u32..4, any::<bool>())), actions in prop::collection::vec(action(), 1..25),
    ) {
        let mut world = World::new(seed);
        // Mostly the first frames stand on a sound disk, so that there is something to lose; else making the folder fails.
        if let Some((after, times, full)) = first {
            world.act(&Action::Fail { after, times, full });
        }
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
        prop_assert!(world.writer.as_mut().is_some_and(|writer| writer.seal().is_ok()));
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
fn a_start_that_failed_anywhere_is_made_good_by_the_next_one() {
    for after in 0..20 {
        for power in [false, true] {
            let mut world = World::new(u64::from(after) + 1);
            world.act(&Action::Fail { after, times: 1, full: true });
            world.act(&Action::Write(1));
            world.act(if power { &Action::PowerLoss } else { &Action::Kill });
            world.act(&Action::Fail { after: 0, times: 0, full: false });
            world.act(&Action::Write(1));
            assert!(world.writer.is_some(), "operation {after}: {:?}", world.disk.paths());
        }
    }
}

#[test]
fn a_recorder_that_starts_on_a_full_disk_goes_on_by_itself() {
    let disk = Arc::new(MemoryDisk::new(1));
    let config = Config::new("/data/history");
    let clock = Arc::new(Hands::default());
    disk.fail(0, 3, true);
    let recorder = Recorder::start_on(disk.clone(), &config, clock.clone()).unwrap();
    let history = recorder.history();
    let trouble = history.usage().unwrap().trouble.unwrap();
    assert!(trouble.contains("no room"), "{trouble}");
    let mut script = Script::new();
    script.ticks(2);
    disk.fail(0, 0, false);
    recorder.offer(&script.frames[0]);
    wait_for(|| history.usage().unwrap().lost == 1);
    clock.0.store(10_000_000_000, Ordering::Relaxed);
    recorder.offer(&script.frames[1]);
    wait_for(|| history.extent().unwrap().is_some_and(|extent| extent.last == script.frames[1].wall));
    assert_eq!(history.usage().unwrap().trouble, None);
    // Somebody else's folder stays somebody else's.
    assert!(matches!(Recorder::start_on(disk, &config, clock), Err(HistoryError::Locked(_))));
}

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn wall(&self) -> Wall {
        Wall(0)
    }

    fn mono(&self) -> Mono {
        Mono(self.0.load(Ordering::Relaxed))
    }
}

/// What other threads do.
fn wait_for(what: impl Fn() -> bool) {
    for _ in 0..6000 {
        if what() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    panic!("it did not come to pass");
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

fn bytes_of(world: &World) -> u64 {
    read(&world.disk).usage().unwrap().bytes.0
}

#[test]
fn a_clock_that_was_far_ahead_for_a_while_erases_nothing() {
    let mut world = World::new(1);
    world.config.retention = std::time::Duration::from_hours(1);
    for _ in 0..40 {
        world.act(&Action::Write(11));
        world.act(&Action::Seal);
    }
    let kept = read(&world.disk).extent().unwrap().unwrap();
    // The clock says that years went by, for some seconds: an hour is kept here, where it would be a month and hours.
    let mut ahead = Script::new();
    ahead.start_earlier(9, "ahead", 60_000);
    ahead.away(std::time::Duration::from_hours(40_000));
    ahead.ticks(20);
    let writer = world.writer.as_mut().unwrap();
    for frame in &ahead.frames {
        writer.write(frame).unwrap();
    }
    writer.seal().unwrap();
    world.act(&Action::Kill);
    world.act(&Action::Write(11));
    world.act(&Action::Seal);
    assert_eq!(read(&world.disk).extent().unwrap().unwrap().first, kept.first);
    world.check().unwrap();
}

#[test]
fn limits_hold_from_the_start_on() {
    let mut world = World::new(1);
    for _ in 0..20 {
        world.act(&Action::Write(11));
        world.act(&Action::Seal);
    }
    let before = bytes_of(&world);
    world.writer = None;
    world.config.max_size = procyon_units::Bytes(before / 2);
    world.writer().unwrap().settle();
    assert!(bytes_of(&world) <= before / 2, "{} of {before}", bytes_of(&world));
}

#[test]
fn a_log_that_cannot_become_a_block_goes_when_it_is_the_oldest() {
    let mut world = World::new(1);
    world.act(&Action::Write(5));
    world.writer = None;
    // As a log of another version looks: it is left alone.
    let log = PathBuf::from("/data/history/log/0000000000000001.log");
    world.disk.flip(&log, 3, 1);
    world.act(&Action::Write(5));
    world.act(&Action::Seal);
    assert!(world.disk.paths().contains(&log));
    world.writer = None;
    world.config.max_size = procyon_units::Bytes(bytes_of(&world) - 1);
    world.writer().unwrap().settle();
    let left = world.disk.paths();
    assert!(!left.contains(&log), "{left:?}");
    assert!(left.iter().any(|path| path.starts_with("/data/history/blocks")), "only the oldest goes: {left:?}");
}

#[test]
fn a_damaged_log_is_set_aside_and_what_can_be_read_of_it_is_kept() {
    for crash in [false, true] {
        let mut world = World::new(1);
        world.act(&Action::Write(10));
        world.writer = None;
        let log = PathBuf::from("/data/history/log/0000000000000001.log");
        let aside = PathBuf::from("/data/history/log/0000000000000001.log.damaged");
        let length = world.disk.length(&log);
        world.disk.flip(&log, length / 2, 4);
        let mut kept = std::mem::take(&mut world.kept);
        if crash {
            // The block is whole, and the program ends before its log is let go.
            let folder = folder_of(&world);
            let bytes = world.disk.bytes(&log);
            build(&folder, 1).unwrap();
            world.disk.rename(&aside, &log).unwrap();
            assert_eq!(world.disk.bytes(&log), bytes);
        }
        world.act(&Action::Write(5));
        world.act(&Action::Seal);
        assert!(world.disk.paths().contains(&aside), "{:?}", world.disk.paths());
        assert_eq!(world.disk.length(&aside), length, "nothing of it is lost");
        assert!(!world.disk.paths().contains(&log));
        let reader = read(&world.disk);
        kept.retain(|(frame, _)| reader.at(frame.wall).is_ok_and(|past| past.frame.wall == frame.wall));
        assert!((1..10).contains(&kept.len()), "{} of 10", kept.len());
        world.check().unwrap();
        let problems = verify_on(world.disk.clone(), &world.config.dir, &mut |_, _| {}).unwrap();
        let files: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
        assert_eq!(files, ["log/0000000000000001.log.damaged"]);
        // It goes with the block beside it.
        world.writer = None;
        world.config.max_size = procyon_units::Bytes(1);
        world.writer().unwrap().settle();
        assert!(!world.disk.paths().contains(&aside));
    }
}

/// Three blocks that can become one.
fn three_blocks() -> World {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.act(&Action::Write(9));
        world.act(&Action::Seal);
    }
    world.writer = None;
    world
}

fn folder_of(world: &World) -> Folder {
    Folder::new(world.disk.clone(), &world.config.dir)
}

fn put_together(folder: &Folder) {
    let names = folder.block_names().unwrap();
    if names.len() > 1 {
        merge(folder, &names).unwrap();
    }
}

/// Takes what is written, and has blocks put together after the first of it.
struct Meanwhile(Folder, Vec<u8>);

impl std::io::Write for Meanwhile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1.extend_from_slice(bytes);
        put_together(&self.0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn blocks_that_are_put_together_meanwhile_neither_end_an_export_nor_come_twice() {
    let world = three_blocks();
    let all = (Wall(0), Wall(i64::MAX));
    let mut wanted = Vec::new();
    let rows = export::export(&read(&world.disk), all, Format::Json, &mut wanted).unwrap();
    let mut out = Meanwhile(folder_of(&world), Vec::new());
    assert_eq!(export::export(&read(&world.disk), all, Format::Json, &mut out).unwrap(), rows);
    assert_eq!(String::from_utf8(out.1).unwrap(), String::from_utf8(wanted).unwrap());
    assert_eq!(folder_of(&world).block_names().unwrap().len(), 1);
}

#[test]
fn blocks_that_are_put_together_meanwhile_are_not_called_damaged() {
    let world = three_blocks();
    let found = verify_on(world.disk.clone(), &world.config.dir, &mut |_, _| put_together(&folder_of(&world)));
    assert_eq!(found.unwrap(), []);
}

#[test]
fn a_range_beyond_all_frames_says_which_there_are() {
    let world = three_blocks();
    let extent = read(&world.disk).extent().unwrap().unwrap();
    for range in [(Wall(0), Wall(1)), (Wall(extent.last.0 + 1), Wall(i64::MAX))] {
        let mut out = Vec::new();
        let refused = export::export(&read(&world.disk), range, Format::Csv, &mut out);
        assert!(matches!(refused, Err(HistoryError::Before { extent: told, .. }) if told == extent), "{refused:?}");
        assert!(out.is_empty());
    }
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
