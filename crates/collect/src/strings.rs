//! The strings of processes: read at birth, when name or user change, and from time to time; equal ones are stored once.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use procyon_linux::proc::ProcDir;
use procyon_linux::root::Root;
use procyon_model::descriptor::{Descriptor, DescriptorId};
use procyon_model::frame::SourceHealth;
use procyon_model::machine::Container;
use procyon_model::mask::Masker;
use procyon_model::process::ProcessRow;
use procyon_units::Mono;

use crate::collector::StartError;
use crate::config::Config;
use crate::containers::{self, EngineSource};
use crate::describe::{Describer, Question, Remains};
use crate::guarded::{Answerer, Guarded, Outcome};
use crate::label::{Template, label};
use crate::provider::ProviderError;
use crate::table::{Hold, Table, Tick, Tracked};

/// Strings are read again after this time: a process may run another program under the same name, or change its title.
const REVISIT: Duration = Duration::from_mins(1);
/// Most strings that are read again in one tick, beside the newborn.
const REVISIT_MOST: usize = 32;
/// How long a tick gives newborn processes to be described in the frame of their birth.
const PATIENCE: Duration = Duration::from_millis(15);
/// The same for the first tick, in which every process is new.
const FIRST_PATIENCE: Duration = Duration::from_millis(800);
/// How many more times a newborn process without arguments is looked at in the tick of its birth.
const LOOKS_OF_A_TICK: u8 = 3;
/// At how many more ticks a process without arguments is looked at: the kernel gives a program its name a moment before its
/// arguments.
const MORE_LOOKS: u8 = 3;
/// How long a process that runs another program may be without arguments and keep those that it had.
const LONGEST_EXEC: Duration = Duration::from_secs(2);
/// The one file about strings that may block.
const FILE: &str = "cmdline";
/// Descriptors beyond which those that nobody uses any more are swept out.
const SWEEP_FROM: usize = 4096;

/// Reads strings, stores equal ones once, makes labels.
#[derive(Debug)]
pub(crate) struct StringsLane {
    guarded: Guarded<Question, Option<Descriptor>>,
    engines: EngineSource,
    template: Option<Template>,
    stored: HashMap<DescriptorId, Weak<Descriptor>>,
    sweep_at: usize,
    first: bool,
    /// For those that nobody can ask any more.
    remains: Describer,
}

impl StringsLane {
    pub(crate) fn new(config: &Config) -> Result<Self, StartError> {
        let masker = Masker::new(&config.mask_patterns, config.strip_args)?;
        let template = config.label.as_deref().map(Template::parse).transpose()?;
        // Said here once, so that a thread started later can take it for granted.
        let proc = ProcDir::open(&config.root).map_err(|error| ProviderError(error.to_string()))?;
        let remains = Describer::new(&config.root, proc, masker.clone());
        let root = config.root.clone();
        let make = move || answerer(&root, &masker);
        Ok(Self {
            guarded: Guarded::new("strings", Box::new(make)),
            engines: EngineSource::new(&config.root, config.containers).map_err(StartError::Thread)?,
            template,
            stored: HashMap::new(),
            sweep_at: SWEEP_FROM,
            first: true,
            remains,
        })
    }

    /// Takes answers in, asks for what is new or due again, and waits a moment for quick answers.
    pub(crate) fn run(&mut self, table: &mut Table, rows: &mut [ProcessRow], tick: Tick) {
        let contained = table.tracked().iter().map(|tracked| &tracked.descriptor);
        let contained = contained.filter(|descriptor| !descriptor.container.is_empty());
        if self.engines.run(tick.now, contained.map(|descriptor| &*descriptor.cgroup)) {
            for tracked in table.tracked_mut() {
                tracked.describe |= !tracked.descriptor.container.is_empty();
            }
        }
        self.take(table, rows, tick);
        // In the middle of an exec the kernel has a name and no arguments yet: one more look a moment later finds them.
        for _ in 0..=LOOKS_OF_A_TICK {
            if !self.ask(table, tick) || self.take(table, rows, tick) == 0 {
                break;
            }
        }
        self.name_the_rest(table, rows);
        self.relabel(table, rows);
    }

    /// Gives those that could not be described yet, or never can be, at least the name that came with their numbers.
    fn name_the_rest(&mut self, table: &mut Table, rows: &mut [ProcessRow]) {
        for (tracked, row) in table.tracked_mut().iter_mut().zip(rows) {
            if tracked.descriptor.name.is_empty() && !tracked.name().is_empty() {
                let name: Box<[u8]> = tracked.name().into();
                tracked.descriptor = self.store(Descriptor { title: name.clone(), name, ..Descriptor::default() });
                tracked.relabel = true;
                row.descriptor = Arc::clone(&tracked.descriptor);
            }
        }
    }

    /// Asks for what is due; answers whether there is something in hand that others wait for.
    fn ask(&mut self, table: &mut Table, tick: Tick) -> bool {
        if !self.guarded.is_idle(tick.now) {
            return false;
        }
        let batch = self.due(table, tick.now);
        if batch.is_empty() {
            return false;
        }
        let urgent = batch.iter().any(|(_, urgent)| *urgent);
        let patience = match (urgent, std::mem::take(&mut self.first)) {
            (_, true) => FIRST_PATIENCE,
            (true, false) => PATIENCE,
            (false, false) => Duration::ZERO,
        };
        self.guarded.ask(batch.into_iter().map(|(question, _)| question).collect(), tick.now, patience);
        true
    }

    fn due(&self, table: &mut Table, now: Mono) -> Vec<(Question, bool)> {
        let mut again = 0;
        let names = self.engines.names();
        let is_due = |tracked: &&mut Tracked| {
            if tracked.describe {
                return true;
            }
            if tracked.quarantined.is_some() {
                return false;
            }
            let old = !tracked.kernel_thread && tracked.described_at.is_none_or(|at| now.since(at) >= REVISIT);
            again += usize::from(old);
            old && again <= REVISIT_MOST
        };
        let question = |tracked: &mut Tracked| Question {
            key: tracked.key,
            name: tracked.name().into(),
            kernel_thread: tracked.kernel_thread,
            uid: tracked.uid,
            blocked: tracked.quarantined.is_some(),
            names: Arc::clone(names),
        };
        table.tracked_mut().iter_mut().filter(is_due).map(|tracked| (question(tracked), is_urgent(tracked))).collect()
    }

    /// Takes answers in; tells how many of the newborn and renewed had no arguments yet.
    fn take(&mut self, table: &mut Table, rows: &mut [ProcessRow], tick: Tick) -> usize {
        let outcome = self.guarded.poll(tick.now);
        for key in self.guarded.take_returned() {
            if let Some(tracked) = table.find_mut(&key) {
                tracked.describe |= tracked.release(FILE);
            }
        }
        let answers = match outcome {
            Outcome::Nothing => return 0,
            Outcome::Answers(answers) => answers,
            Outcome::Stuck(key) => {
                if let Some(tracked) = table.find_mut(&key) {
                    // What else is known of it is asked for once more, without the file that blocked. If that blocks too,
                    // nothing is.
                    tracked.describe = tracked.quarantined.is_none();
                    tracked.described_at = Some(tick.now);
                    tracked.quarantined.get_or_insert(Hold { file: FILE, since: tick.wall });
                    tracing::warn!(
                        pid = key.pid,
                        "reading the command line of a process blocked; it is left alone until that reading returns"
                    );
                }
                return 0;
            }
        };
        let mut unfinished = 0;
        for (question, descriptor) in answers {
            let Some(at) = table.position(&question.key) else { continue };
            let (Some(tracked), Some(row)) = (table.tracked_mut().get_mut(at), rows.get_mut(at)) else { continue };
            // A name that changed meanwhile is asked for again.
            tracked.describe = *question.name != *tracked.name() || question.uid != tracked.uid;
            let urgent = is_urgent(tracked);
            let first = tracked.described_at.replace(tick.now) != Some(tick.now);
            let Some(descriptor) = descriptor else { continue };
            let empty = descriptor.cmd.starts_with(b"[") && !question.kernel_thread && !question.blocked;
            tracked.looks = if empty { tracked.looks.saturating_add(first.into()) } else { 0 };
            let since = *tracked.renewed_at.get_or_insert(tick.now);
            // Also an exec that the numbers do not tell of yet takes the arguments away for a moment.
            let had = !tracked.descriptor.cmd.is_empty() && !tracked.descriptor.cmd.starts_with(b"[");
            let in_exec = (tracked.renewed || had) && tick.now.since(since) < LONGEST_EXEC;
            if empty && (in_exec || tracked.looks <= MORE_LOOKS) {
                tracked.describe = true;
                unfinished += usize::from(urgent);
                if tracked.renewed || had {
                    // What it was is better than nothing until the kernel knows its arguments.
                    continue;
                }
            } else {
                tracked.renewed = false;
                tracked.renewed_at = None;
            }
            if *tracked.descriptor != descriptor {
                tracked.descriptor = self.store(descriptor);
                tracked.relabel = true;
            }
            row.descriptor = Arc::clone(&tracked.descriptor);
        }
        unfinished
    }

    fn store(&mut self, descriptor: Descriptor) -> Arc<Descriptor> {
        let id = descriptor.id();
        if let Some(stored) = self.stored.get(&id).and_then(Weak::upgrade) {
            return stored;
        }
        if self.stored.len() >= self.sweep_at {
            self.stored.retain(|_, stored| stored.strong_count() > 0);
            self.sweep_at = SWEEP_FROM.max(self.stored.len() * 2);
        }
        let descriptor = Arc::new(descriptor);
        self.stored.insert(id, Arc::downgrade(&descriptor));
        descriptor
    }

    fn relabel(&self, table: &mut Table, rows: &mut [ProcessRow]) {
        for (tracked, row) in table.tracked_mut().iter_mut().zip(rows) {
            if std::mem::take(&mut tracked.relabel) {
                tracked.label = label(self.template.as_ref(), &tracked.descriptor, tracked.lowest_port);
                row.label = Arc::clone(&tracked.label);
            }
        }
    }

    /// Descriptor and label of a process that has ended.
    pub(crate) fn describe_remains(&mut self, remains: &Remains<'_>) -> (Arc<Descriptor>, Arc<[u8]>) {
        let descriptor = self.remains.describe_remains(remains, self.engines.names());
        let descriptor = self.store(descriptor);
        let label = label(self.template.as_ref(), &descriptor, None);
        (descriptor, label)
    }

    /// The containers of a tick.
    pub(crate) fn containers(&self, rows: &[ProcessRow]) -> Arc<[Container]> {
        containers::sums(rows, self.engines.names())
    }

    pub(crate) fn health(&self, now: Mono) -> SourceHealth {
        self.engines.health(now)
    }
}

/// Whether a process has no strings yet that belong to its program.
const fn is_urgent(tracked: &Tracked) -> bool {
    tracked.described_at.is_none() || tracked.renewed || tracked.looks > 0
}

/// Reads strings on a thread of its own. Without procfs, which was there at start, every process counts as ended.
fn answerer(root: &Root, masker: &Masker) -> Answerer<Question, Option<Descriptor>> {
    match ProcDir::open(root) {
        Ok(proc) => {
            let mut describer = Describer::new(root, proc, masker.clone());
            Box::new(move |question| describer.describe(question))
        }
        Err(_) => Box::new(|_| None),
    }
}
