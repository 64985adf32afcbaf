//! Who holds the port that we want.

use std::net::SocketAddr;

use procyon_diag::{Fault, Kind};
use procyon_linux::net::connections::Connections;
use procyon_linux::net::namespaces::Namespaces;
use procyon_linux::net::owners::{Holder, SocketOwners};
use procyon_linux::net::sock_diag::Detail;
use procyon_linux::root::Root;
use procyon_linux::walk::{Descriptors, ProcessWalk};

use crate::options::Settings;
use crate::table::printable;

/// Adds to an error about a port in use who uses it and what to do.
pub(crate) fn explain(error: Fault, settings: &Settings) -> Fault {
    if !is_in_use(&error) {
        return error;
    }
    let who =
        holder(settings.listen).map_or_else(String::new, |(pid, name)| format!(" by {} (pid {pid})", printable(&name)));
    let port = settings.listen.port();
    let other = SocketAddr::new(settings.listen.ip(), port.checked_add(100).unwrap_or(9400));
    Fault::new(Kind::Unavailable, format!("could not listen on {}: the port is in use{who}", settings.listen))
        .hint(format!("choose another one with `--listen {other}`, or stop what uses it"))
}

fn is_in_use(error: &Fault) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::AddrInUse) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// The process that listens on this address: pid and name.
fn holder(address: SocketAddr) -> Option<(u32, String)> {
    let root = Root::live();
    let mut processes = Vec::new();
    let mut names = Vec::new();
    let mut walk = ProcessWalk::new(&root, Descriptors::Reopen).ok()?;
    walk.walk(|files| {
        processes.push((files.stat.pid, files.stat.start));
        names.push((files.stat.pid, String::from_utf8_lossy(files.stat.comm).into_owned()));
    })
    .ok()?;
    let mut namespaces = Namespaces::default();
    namespaces.refresh(&root, &processes);
    let own: Vec<_> = namespaces.list().iter().filter(|namespace| namespace.own).cloned().collect();
    let mut sockets = Vec::new();
    Connections::default().list(&root, &own, Detail::Plain, &mut sockets);
    let ours = |local: SocketAddr| {
        local.port() == address.port()
            && (local.ip() == address.ip() || local.ip().is_unspecified() || address.ip().is_unspecified())
    };
    let inodes: Vec<u64> = sockets
        .iter()
        .filter(|socket| socket.state == LISTEN && ours(socket.local))
        .map(|socket| socket.inode)
        .collect();
    let mut owners = SocketOwners::default();
    owners.resolve(&root, &processes, &inodes);
    let pid = inodes.iter().find_map(|inode| match owners.holder(*inode) {
        Holder::Process(pid) => Some(pid),
        Holder::Kernel | Holder::Hidden | Holder::Nobody | Holder::Pending => None,
    })?;
    names.into_iter().find(|(known, _)| *known == pid)
}

/// `TCP_LISTEN`. Source: include/net/tcp_states.h.
const LISTEN: u8 = 10;
