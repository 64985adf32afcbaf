//! A disk in memory that can lose power, be full, or break. What was not synced may go, names included.

#![expect(clippy::cast_possible_truncation, reason = "everything is small")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, Input, Output};

#[derive(Debug)]
pub(super) struct MemoryDisk(Arc<Mutex<State>>);

type Id = usize;

#[derive(Debug)]
struct State {
    nodes: Vec<Node>,
    dice: u64,
    /// Operations until one fails, and how many do.
    failing: Option<(u32, u32, bool)>,
    frozen: bool,
    locked: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Folder { live: BTreeMap<String, Id>, safe: BTreeMap<String, Id> },
    File { live: Vec<u8>, safe: Vec<u8> },
}

impl State {
    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }

    /// An operation that changes something: whether it fails now.
    fn step(&mut self) -> io::Result<()> {
        if self.frozen {
            return Err(io::Error::other("the program was killed"));
        }
        match &mut self.failing {
            Some((0, 0, _)) | None => Ok(()),
            Some((0, times, full)) => {
                *times -= 1;
                Err(if *full { ErrorKind::StorageFull.into() } else { io::Error::other("input/output error") })
            }
            Some((after, ..)) => {
                *after -= 1;
                Ok(())
            }
        }
    }

    fn find(&self, path: &Path) -> io::Result<Id> {
        let mut id = 0;
        for name in parts(path) {
            let Node::Folder { live, .. } = &self.nodes[id] else { return Err(ErrorKind::NotADirectory.into()) };
            id = *live.get(&name).ok_or(ErrorKind::NotFound)?;
        }
        Ok(id)
    }

    fn names(&mut self, folder: Id) -> io::Result<&mut BTreeMap<String, Id>> {
        match &mut self.nodes[folder] {
            Node::Folder { live, .. } => Ok(live),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn split(&self, path: &Path) -> io::Result<(Id, String)> {
        let folder = self.find(path.parent().unwrap_or(Path::new("/")))?;
        Ok((folder, parts(path).pop().unwrap_or_default()))
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<Id> {
        let (folder, name) = self.split(path)?;
        self.nodes.push(node);
        let id = self.nodes.len() - 1;
        self.names(folder)?.insert(name, id);
        Ok(id)
    }

    fn paths(&self, id: Id, path: &Path, out: &mut Vec<PathBuf>) {
        match &self.nodes[id] {
            Node::Folder { live, .. } => live.iter().for_each(|(name, id)| self.paths(*id, &path.join(name), out)),
            Node::File { .. } => out.push(path.to_owned()),
        }
    }
}

fn parts(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str().map(str::to_owned),
            _ => None,
        })
        .collect()
}

fn folder() -> Node {
    Node::Folder { live: BTreeMap::new(), safe: BTreeMap::new() }
}

impl MemoryDisk {
    pub(super) fn new(seed: u64) -> Self {
        let state = State { nodes: vec![folder()], dice: seed | 1, failing: None, frozen: false, locked: false };
        let disk = Self(Arc::new(Mutex::new(state)));
        disk.make_folder(Path::new("/data")).unwrap();
        disk.sync_folder(Path::new("/")).unwrap();
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// From now on, after so many operations, so many fail.
    pub(super) fn fail(&self, after: u32, times: u32, full: bool) {
        self.state().failing = Some((after, times, full));
    }

    /// Nothing works while the program is dead.
    pub(super) fn freeze(&self, frozen: bool) {
        self.state().frozen = frozen;
    }

    /// What was not synced is gone, or torn.
    pub(super) fn lose_power(&self) {
        let mut state = self.state();
        let mut nodes = std::mem::take(&mut state.nodes);
        for node in &mut nodes {
            match node {
                Node::Folder { live, safe } => live.clone_from(safe),
                Node::File { live, safe } => {
                    // Some of what was written at the end may have got through.
                    if live.starts_with(safe) {
                        let more = state.roll() as usize % (live.len() - safe.len() + 1);
                        live.truncate(safe.len() + more);
                    } else {
                        live.clone_from(safe);
                    }
                    safe.clone_from(live);
                }
            }
        }
        state.nodes = nodes;
        state.frozen = false;
        state.locked = false;
        state.failing = None;
    }

    /// All files.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        self.state().paths(0, Path::new("/"), &mut paths);
        paths
    }

    fn change(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let id = state.find(path).unwrap();
        if let Node::File { live, .. } = &mut state.nodes[id] {
            change(live);
        }
    }

    pub(super) fn bytes(&self, path: &Path) -> Vec<u8> {
        let mut copy = Vec::new();
        self.change(path, |bytes| copy.clone_from(bytes));
        copy
    }

    pub(super) fn length(&self, path: &Path) -> usize {
        self.bytes(path).len()
    }

    pub(super) fn flip(&self, path: &Path, at: usize, bit: u8) {
        self.change(path, |bytes| bytes[at] ^= 1 << bit);
    }

    pub(super) fn cut(&self, path: &Path, length: usize) {
        self.change(path, |bytes| bytes.truncate(length));
    }
}

impl Disk for MemoryDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let mut so_far = PathBuf::from("/");
        for name in parts(path) {
            so_far.push(name);
            if state.find(&so_far).is_err() {
                state.add(&so_far, folder())?;
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        match state.find(path) {
            Ok(id) => Ok(state.names(id)?.keys().cloned().collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let mut state = self.state();
        state.step()?;
        let id = state.add(path, Node::File { live: Vec::new(), safe: Vec::new() })?;
        Ok(Box::new(Handle { state: Arc::clone(&self.0), id }))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn Output>> {
        let mut state = self.state();
        state.step()?;
        let id = state.find(path)?;
        if let Node::File { live, .. } = &mut state.nodes[id] {
            live.truncate(length as usize);
        }
        Ok(Box::new(Handle { state: Arc::clone(&self.0), id }))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let id = self.state().find(path)?;
        Handle { state: Arc::clone(&self.0), id }.sync()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input>> {
        let id = self.state().find(path)?;
        Ok(Box::new(Handle { state: Arc::clone(&self.0), id }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let id = state.find(from)?;
        let (old_folder, old_name) = state.split(from)?;
        let (new_folder, new_name) = state.split(to)?;
        state.names(old_folder)?.remove(&old_name);
        state.names(new_folder)?.insert(new_name, id);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let (folder, name) = state.split(path)?;
        state.names(folder)?.remove(&name).map(drop).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let id = state.find(path)?;
        if let Node::Folder { live, safe } = &mut state.nodes[id] {
            safe.clone_from(live);
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Debug>>> {
        drop(self.create(path)?);
        let mut state = self.state();
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(Lock(Arc::clone(&self.0)))))
    }
}

#[derive(Debug)]
struct Lock(Arc<Mutex<State>>);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.lock().unwrap().locked = false;
    }
}

#[derive(Debug)]
struct Handle {
    state: Arc<Mutex<State>>,
    id: Id,
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        let failed = state.step();
        // A write that fails may have got through in part.
        let count =
            if failed.is_err() && !state.frozen { state.roll() as usize % (bytes.len() + 1) } else { bytes.len() };
        if !state.frozen {
            if let Node::File { live, .. } = &mut state.nodes[self.id] {
                live.extend_from_slice(&bytes[..count]);
            }
        }
        failed.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Handle {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.step()?;
        if let Node::File { live, safe } = &mut state.nodes[self.id] {
            safe.clone_from(live);
        }
        Ok(())
    }
}

impl Input for Handle {
    fn length(&self) -> io::Result<u64> {
        match &self.state.lock().unwrap().nodes[self.id] {
            Node::File { live, .. } => Ok(live.len() as u64),
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match &self.state.lock().unwrap().nodes[self.id] {
            Node::File { live, .. } => {
                let rest = live.get(at as usize..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }
}
