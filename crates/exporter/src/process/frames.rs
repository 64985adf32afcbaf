//! Processes out of frames: what `procyon up` has read already, so that a scrape reads none of them again.
//!
//! Command lines are masked there, and states are those of main threads; threads are not told one by one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use procyon_collect::provider::RawProcess;
use procyon_linux::net::socket::{Protocol as LinuxProtocol, Socket};
use procyon_model::connection::{Connection, Protocol};
use procyon_model::feed::Feed;
use procyon_model::frame::Frame;
use procyon_model::process::{Net, ProcessRow};
use procyon_units::{Reading, Ticks};

use super::rules::Facts;
use super::source::{Details, Key, Source, up};
use crate::node::CollectError;

/// The newest frame of a feed.
pub(crate) struct Frames {
    feed: Arc<Feed>,
    frame: Arc<Frame>,
    users: HashMap<u32, Arc<str>>,
}

impl Frames {
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        let frame = feed.latest().unwrap_or_default();
        Self { feed, frame, users: HashMap::new() }
    }

    fn row(&self, key: Key) -> Option<&ProcessRow> {
        self.frame.process_by_pid(key.pid).filter(|row| row.key.start == key.start)
    }
}

fn raw(row: &ProcessRow) -> RawProcess<'_> {
    RawProcess {
        pid: row.key.pid,
        start: row.key.start,
        name: &row.descriptor.name,
        state: row.state,
        ppid: row.ppid,
        kernel_thread: row.kernel_thread,
        uid: row.uid,
        euid: row.euid,
        gid: row.gid,
        threads: row.threads,
        nice: row.nice,
        policy: row.policy,
        cpu: row.cpu,
        faults: row.faults,
        memory: row.memory,
        io: row.io,
        switches: row.switches,
        run_delay: row.run_delay,
        exec_id: None,
        cgroup: None,
    }
}

impl Source for Frames {
    fn pass(&mut self, each: &mut dyn FnMut(&RawProcess<'_>, Reading<Net>)) -> Result<(), CollectError> {
        let frame = self.feed.latest();
        self.frame = frame.ok_or_else(|| CollectError::Processes("no frame has been made yet".to_owned()))?;
        self.users.clear();
        for row in &self.frame.processes {
            each(&raw(row), row.net);
        }
        Ok(())
    }

    fn boot(&self) -> i64 {
        self.frame.host.boot_time.0
    }

    fn up(&self) -> Ticks {
        up()
    }

    fn facts(&mut self, keys: &[Key]) -> Vec<(Key, Facts)> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let facts = |key: &Key| {
            let row = self.row(*key)?;
            let descriptor = &row.descriptor;
            // Threads of the kernel and processes without arguments show their name in brackets.
            let has_none = row.kernel_thread || descriptor.cmd.first() == Some(&b'[');
            let words = descriptor.cmd.split(|byte| *byte == b' ');
            let arguments = if has_none { Vec::new() } else { words.map(lossy).collect() };
            let (user, cgroups) = (lossy(&descriptor.user), vec![lossy(&descriptor.cgroup)]);
            Some((*key, Facts { arguments, user, cgroups, pid: key.pid, ..Facts::default() }))
        };
        keys.iter().filter_map(facts).collect()
    }

    fn user(&mut self, uid: u32) -> Arc<str> {
        let frame = &self.frame;
        let name = || {
            let row = frame.processes.iter().find(|row| row.euid == uid);
            row.map_or_else(|| uid.to_string().into(), |row| String::from_utf8_lossy(&row.descriptor.user).into())
        };
        Arc::clone(self.users.entry(uid).or_insert_with(name))
    }

    fn look(&mut self, key: Key, _: u32, details: &mut Details) {
        let Some(row) = self.row(key) else { return };
        let fds = row.fds.get();
        details.fds = fds.map(|fds| fds.open);
        details.limit = fds.and_then(|fds| fds.limit);
        details.wchan = row.wchan.get().map(|wchan| Box::from(&**wchan)).unwrap_or_default();
    }

    fn lags(&self) -> bool {
        true
    }

    fn proportional(&mut self, keys: &[Key]) -> Vec<(Key, Option<(u64, u64)>)> {
        let of = |key: &Key| {
            let pss = self.row(*key)?.pss;
            Some((*key, pss.get().map(|pss| (pss.proportional.0, pss.swap.0))))
        };
        keys.iter().filter_map(of).collect()
    }

    fn sockets(&mut self, _: &[(u32, Ticks)], _: &HashSet<u32>) -> Vec<(Key, Socket)> {
        let held = |connection: &Connection| {
            let owner = connection.owner.as_ref()?;
            Some((Key { pid: owner.key.pid, start: owner.key.start }, socket(connection)))
        };
        self.frame.connections.items.iter().filter_map(held).collect()
    }
}

fn socket(connection: &Connection) -> Socket {
    Socket {
        protocol: match connection.protocol {
            Protocol::Tcp => LinuxProtocol::Tcp,
            Protocol::Tcp6 => LinuxProtocol::Tcp6,
            Protocol::Udp => LinuxProtocol::Udp,
            Protocol::Udp6 => LinuxProtocol::Udp6,
        },
        local: connection.local,
        remote: connection.remote,
        state: connection.state.0,
        uid: connection.uid,
        inode: connection.inode,
        receive_queue: connection.receive_queue,
        send_queue: connection.send_queue,
        namespace: connection.namespace,
        cookie: None,
        tcp: None,
    }
}
