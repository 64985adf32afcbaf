//! What a process is called: reads its strings, masks secrets, finds unit, container and title.

use std::sync::Arc;

use procyon_linux::proc::{PidDir, ProcDir, Seen, pid_cgroup, pid_cmdline, pid_cwd, pid_exe};
use procyon_linux::root::Root;
use procyon_linux::users::accounts::Accounts;
use procyon_model::descriptor::Descriptor;
use procyon_model::key::ProcessKey;
use procyon_model::mask::Masker;
use procyon_units::Reading;

use crate::containers::{self, Names};
use crate::guarded::About;
use crate::label;

/// A process whose strings are to be read.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) key: ProcessKey,
    pub(crate) name: Box<[u8]>,
    pub(crate) kernel_thread: bool,
    /// Effective user.
    pub(crate) uid: u32,
    /// Reading its memory blocked: the command line is left out.
    pub(crate) blocked: bool,
    /// What container engines call their containers.
    pub(crate) names: Arc<Names>,
}

/// What is known of the strings of a process that nobody can ask any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remains<'a> {
    pub(crate) name: &'a [u8],
    /// Effective user.
    pub(crate) uid: u32,
    pub(crate) kernel_thread: bool,
    /// File and arguments of the last program that it ran, if that was seen.
    pub(crate) program: Option<&'a Program>,
    /// Path of its control group, where another process was seen in it.
    pub(crate) cgroup: &'a [u8],
}

/// A program that a process was seen to run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) file: Box<[u8]>,
    /// Each ended by NUL.
    pub(crate) arguments: Box<[u8]>,
    pub(crate) truncated: bool,
}

impl About for Question {
    fn key(&self) -> ProcessKey {
        self.key
    }
}

/// Descriptions between two looks at the user database.
const REFRESH_EVERY: u32 = 64;

/// Reads strings of processes into buffers that are used again.
#[derive(Debug)]
pub(crate) struct Describer {
    root: Root,
    proc: ProcDir,
    accounts: Accounts,
    masker: Masker,
    buffer: Vec<u8>,
    masked: Vec<u8>,
    calls: u32,
}

impl Describer {
    pub(crate) fn new(root: &Root, proc: ProcDir, masker: Masker) -> Self {
        let accounts = Accounts::default();
        Self { root: root.clone(), proc, accounts, masker, buffer: Vec::new(), masked: Vec::new(), calls: 0 }
    }

    /// The strings of a process; none when it has ended.
    pub(crate) fn describe(&mut self, question: &Question) -> Option<Descriptor> {
        let user = self.user(question.uid);
        let mut descriptor = Descriptor { name: question.name.clone(), user, ..Descriptor::default() };
        if question.kernel_thread {
            descriptor.cmd = bracketed(&question.name);
            descriptor.title.clone_from(&question.name);
            return Some(descriptor);
        }
        let dir = PidDir::open(&self.proc, question.key.pid).ok()?;
        if !matches!(dir.start_time(&mut self.buffer), Ok(Reading::Known(start)) if start == question.key.start) {
            return None;
        }
        descriptor.exe = text(pid_exe::read(&dir)).map(|exe| exe.path.into()).unwrap_or_default();
        descriptor.cwd = text(pid_cwd::read(&dir)).unwrap_or_default().into();
        if let Some(cgroup) = text(pid_cgroup::read(&dir, &mut self.buffer)) {
            descriptor.cgroup = cgroup.main_path().into();
        }
        put_place(&mut descriptor, &question.names);
        let script = if question.blocked {
            descriptor.cmd = bracketed(&descriptor.name);
            None
        } else {
            self.command_line(&dir, &mut descriptor)
        };
        descriptor.title = label::title(&descriptor, script.as_deref());
        Some(descriptor)
    }

    /// Fills in the command line, masked; returns the script that it runs.
    fn command_line(&mut self, dir: &PidDir, descriptor: &mut Descriptor) -> Option<Box<[u8]>> {
        let line = match pid_cmdline::read(dir, &mut self.buffer) {
            Ok(Reading::Known(line)) if !line.bytes.is_empty() => line,
            // A process that has ended and waits for its parent has no arguments any more.
            _ => {
                descriptor.cmd = bracketed(&descriptor.name);
                return None;
            }
        };
        descriptor.cmd_truncated = line.truncated;
        put_command(&self.masker, &mut self.masked, line.bytes, descriptor)
    }

    /// The strings of a process that has ended.
    pub(crate) fn describe_remains(&mut self, remains: &Remains<'_>, names: &Names) -> Descriptor {
        let mut descriptor =
            Descriptor { name: remains.name.into(), user: self.user(remains.uid), ..Descriptor::default() };
        descriptor.cmd = bracketed(remains.name);
        if remains.kernel_thread {
            descriptor.title.clone_from(&descriptor.name);
            return descriptor;
        }
        descriptor.cgroup = remains.cgroup.into();
        put_place(&mut descriptor, names);
        let mut script = None;
        if let Some(program) = remains.program {
            descriptor.exe.clone_from(&program.file);
            descriptor.cmd_truncated = program.truncated;
            let arguments = program.arguments.strip_suffix(b"\0").unwrap_or(&program.arguments);
            if !arguments.is_empty() {
                script = put_command(&self.masker, &mut self.masked, arguments, &mut descriptor);
            }
        }
        descriptor.title = label::title(&descriptor, script.as_deref());
        descriptor
    }

    fn user(&mut self, uid: u32) -> Box<[u8]> {
        self.calls = self.calls.wrapping_add(1);
        // Three looks at files that hardly ever change are not worth it for each process.
        if self.calls % REFRESH_EVERY == 1 {
            self.accounts.refresh(&self.root);
        }
        match self.accounts.name(uid) {
            Some(name) => name.as_bytes().into(),
            None => uid.to_string().into_bytes().into(),
        }
    }
}

/// Fills in unit and container, which follow from the control group.
fn put_place(descriptor: &mut Descriptor, names: &Names) {
    let place = containers::place(&descriptor.cgroup);
    let (unit, container) = (place.unit.into(), place.container.map(|found| names.name(found.id)).unwrap_or_default());
    descriptor.unit = unit;
    descriptor.container = container;
}

/// Fills in the command line, masked; returns the script that it runs.
fn put_command(masker: &Masker, masked: &mut Vec<u8>, line: &[u8], descriptor: &mut Descriptor) -> Option<Box<[u8]>> {
    let shown = if masker.mask(line, masked) { &masked[..] } else { line };
    descriptor.cmd = shown.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    // Of the masked line: the title is shown as well, and `bash -lc 'mysql -pX'` holds no script.
    // A title that the process wrote over its arguments has blanks in place of NULs.
    let rewritten = !shown.contains(&0);
    label::script(shown.split(|byte| *byte == 0 || (rewritten && *byte == b' ')))
}

fn text<T>(seen: Seen<T>) -> Option<T> {
    match seen {
        Ok(Reading::Known(value)) => Some(value),
        _ => None,
    }
}

fn bracketed(name: &[u8]) -> Box<[u8]> {
    [b"[", name, b"]"].concat().into()
}
