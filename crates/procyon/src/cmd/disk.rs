//! `procyon disk`: file systems, a line for the whole and one for each.

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use procyon_collect::Mounts;
use procyon_diag::{Fault, Kind};
use procyon_linux::host::filesystems::{self, Statvfs};
use procyon_linux::host::mountinfo::Mount;
use procyon_linux::root::Root;
use procyon_units::{Bytes, Reading};
use serde_json::json;

use crate::cli::Common;
use crate::collecting;
use crate::probe::{self, Answer, ProbeFlags};

/// How long file systems may take to answer; one whose server is away never does.
const DEADLINE: Duration = Duration::from_secs(2);

/// Not on a disk of this machine.
const ELSEWHERE: &[&str] = &[
    "tmpfs",
    "ramfs",
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "ceph",
    "afs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "iso9660",
];

/// Disk space: a line for the whole, then one for each file system
///
/// Fields: time, number (0 for the whole), mount point (`disk` for the whole), total, free, used. File systems in memory
/// and on the network are left out; one that does not answer within two seconds shows `-`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  $ procyon disk\n  2026-03-12__14:32:07 0 disk 29768M 25213M 15.3%\n  2026-03-12__14:32:07 1 / 29512M 25009M 15.3%\n  2026-03-12__14:32:07 2 /boot 256M 204M 20.3%"
)]
pub(crate) struct Disk {
    #[command(flatten)]
    probe: ProbeFlags,
}

impl Disk {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        probe::run(common, &self.probe, |settings, root| ask(root, &collecting::mounts(settings)))
    }
}

/// Space of one file system; none while it does not answer.
pub(crate) struct Partition {
    mount: Mount,
    space: Option<Statvfs>,
}

/// Sum over the file systems that answered: size and free space.
pub(crate) fn whole(partitions: &[Partition]) -> (Bytes, Bytes) {
    let known = || partitions.iter().filter_map(|partition| partition.space);
    (known().map(|space| space.size).sum(), known().map(|space| space.free).sum())
}

/// The wanted file systems on this machine's disks, in order of their mount points.
pub(crate) fn partitions(root: &Root, wanted: &Mounts) -> Result<Vec<Partition>, Fault> {
    let mounts = probe::need(&root.proc("self/mountinfo"), filesystems::list(root, &mut Vec::new()))?;
    let on_disk = |mount: &Mount| !ELSEWHERE.contains(&&*mount.kind) && wanted.want(&mount.mount_point);
    let mounts: Vec<Mount> = mounts.into_iter().filter(on_disk).collect();
    let (tell, told) = mpsc::sync_channel(mounts.len());
    for (at, mount) in mounts.iter().enumerate() {
        let (tell, root, mount) = (tell.clone(), root.clone(), mount.clone());
        // A thread that hangs in the kernel ends with this process.
        let asking = move || tell.send((at, filesystems::read_one(&root, &mount))).is_ok();
        std::thread::Builder::new()
            .name("statvfs".to_owned())
            .spawn(asking)
            .map_err(|error| Fault::new(Kind::Failed, "could not start a thread").because(error))?;
    }
    drop(tell);
    let mut partitions: Vec<Partition> = mounts.into_iter().map(|mount| Partition { mount, space: None }).collect();
    let mut refused = Vec::new();
    while let Ok((at, reading)) = told.recv_timeout(DEADLINE) {
        match (reading, partitions.get_mut(at)) {
            (Reading::Known(space), Some(partition)) if space.is_countable() && wanted.want_size(space.size) => {
                partition.space = Some(space);
            }
            _ => refused.push(at),
        }
    }
    let mut at = 0;
    partitions.retain(|_| {
        at += 1;
        !refused.contains(&(at - 1))
    });
    Ok(partitions)
}

fn ask(root: &Root, wanted: &Mounts) -> Result<Answer, Fault> {
    let partitions = partitions(root, wanted)?;
    if partitions.is_empty() {
        let fault = Fault::new(Kind::Failed, "no file system on a disk can be seen");
        return Err(if *wanted == Mounts::default() {
            fault
        } else {
            fault.hint("the options collect.skip_mounts and collect.smallest_filesystem leave some out")
        });
    }
    let time = probe::stamp();
    let line = |number: usize, name: &str, sizes: Option<(Bytes, Bytes)>| {
        let mut line = vec![time.clone(), number.to_string(), name.to_owned()];
        line.extend(match sizes {
            Some((size, free)) => {
                [probe::mebibytes(size), probe::mebibytes(free), probe::percent(probe::share(size.since(free), size))]
            }
            None => ["-", "-", "-"].map(str::to_owned),
        });
        line
    };
    let (size, free) = whole(&partitions);
    let mut lines = vec![line(0, "disk", Some((size, free)))];
    let mut items = Vec::new();
    for (at, partition) in partitions.iter().enumerate() {
        let mount = String::from_utf8_lossy(&partition.mount.mount_point);
        let sizes = partition.space.map(|space| (space.size, space.free));
        lines.push(line(at + 1, &mount, sizes));
        items.push(json!({
            "mount": mount, "device": partition.mount.source, "type": partition.mount.kind,
            "total": sizes.map(|(size, _)| size.0), "free": sizes.map(|(_, free)| free.0),
            "used": sizes.map(|(size, free)| probe::share(size.since(free), size)),
        }));
    }
    let json = json!({
        "time": time, "total": size.0, "free": free.0, "used": probe::share(size.since(free), size), "partitions": items,
    });
    Ok(Answer { lines, json })
}
