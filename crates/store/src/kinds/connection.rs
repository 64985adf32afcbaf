//! Sockets.

use std::net::SocketAddr;

use procyon_model::ProcessKey;
use procyon_model::connection::{Connection, Owner, Protocol, SocketState};
use procyon_units::{Bytes, Ticks};

use crate::column::Shape::{Level, Text};
use crate::column::{Cells, Fill, columns};
use crate::kinds::{Key, Kind, Tick, near};
use crate::texts::Texts;

columns! {
    PROTOCOL = "connection_protocol", Level;
    LOCAL = "connection_local_address", Text;
    REMOTE = "connection_remote_address", Text;
    INODE = "connection_inode", Level;
    NAMESPACE = "connection_network_namespace", Level;
    ORDER = "connection_order", Level;
    FLAGS = "connection_flags", Level;
    STATE = "connection_state", Level;
    UID = "connection_uid", Level;
    RECEIVE_QUEUE = "connection_receive_queue_bytes", Level;
    SEND_QUEUE = "connection_send_queue_bytes", Level;
    OWNER_PID = "connection_process_pid", Level;
    OWNER_START = "connection_process_start_ticks", Level;
    OWNER_BOOT = "connection_process_boot", Level;
    OWNER_NAME = "connection_process_name", Text;
    OWNER_USER = "connection_process_user", Text;
    OWNER_LABEL = "connection_process_label", Text;
}

const PROTOCOLS: [Protocol; 4] = [Protocol::Tcp, Protocol::Tcp6, Protocol::Udp, Protocol::Udp6];

/// Sockets.
pub(crate) struct Connections;

impl Kind for Connections {
    type Row = Connection;
    const AT: usize = 2;
    const ORDER: Option<usize> = Some(ORDER);

    fn key(row: &Connection, texts: &mut Texts) -> Key {
        let text = |address: &SocketAddr| address.to_string();
        let local = texts.number(0, text(&row.local).as_bytes());
        let remote = row.remote.map_or(0, |remote| texts.number(0, text(&remote).as_bytes()));
        let protocol = i64::from(matches!(row.protocol, Protocol::Udp | Protocol::Udp6));
        [protocol, local, remote, row.inode.cast_signed(), row.namespace.cast_signed(), 0]
    }

    fn write(row: &Connection, _: &Tick, old: Option<Cells<'_>>, texts: &mut Texts, new: &mut Fill<'_>) -> i64 {
        new.set(
            PROTOCOL,
            PROTOCOLS.iter().position(|p| *p == row.protocol).and_then(|at| at.try_into().ok()).unwrap_or(0),
        );
        new.set(LOCAL, texts.number(near(old, LOCAL), row.local.to_string().as_bytes()));
        if let Some(remote) = row.remote {
            new.set(REMOTE, texts.number(near(old, REMOTE), remote.to_string().as_bytes()));
        }
        new.count(INODE, row.inode);
        new.count(NAMESPACE, row.namespace);
        new.flag(FLAGS, 0, row.own_namespace);
        new.flag(FLAGS, 1, row.owner.is_some());
        new.set(STATE, i64::from(row.state.0));
        new.set(UID, i64::from(row.uid));
        new.count(RECEIVE_QUEUE, row.receive_queue.0);
        new.count(SEND_QUEUE, row.send_queue.0);
        if let Some(owner) = &row.owner {
            new.set(OWNER_PID, i64::from(owner.key.pid));
            new.count(OWNER_START, owner.key.start.0);
            new.set(OWNER_BOOT, i64::from(owner.key.boot));
            new.set(OWNER_NAME, texts.number(near(old, OWNER_NAME), &owner.name));
            new.set(OWNER_USER, texts.number(near(old, OWNER_USER), &owner.user));
            new.set(OWNER_LABEL, texts.number(near(old, OWNER_LABEL), &owner.label));
        }
        0
    }

    fn read(cells: Cells<'_>, _: Cells<'_>, _: &Tick, texts: &Texts) -> Connection {
        let address = |place| texts.string(cells.get(place)).parse::<SocketAddr>().ok();
        let protocol = usize::try_from(cells.get(PROTOCOL)).ok().and_then(|at| PROTOCOLS.get(at));
        Connection {
            protocol: protocol.copied().unwrap_or(Protocol::Tcp),
            local: address(LOCAL).unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
            remote: address(REMOTE),
            state: SocketState(u8::try_from(cells.get(STATE)).unwrap_or(0)),
            owner: cells.flag(FLAGS, 1).then(|| Owner {
                key: ProcessKey {
                    pid: cells.small(OWNER_PID),
                    start: Ticks(cells.count(OWNER_START)),
                    boot: cells.small(OWNER_BOOT),
                },
                name: texts.word(cells.get(OWNER_NAME)),
                user: texts.word(cells.get(OWNER_USER)),
                label: texts.word(cells.get(OWNER_LABEL)),
            }),
            uid: cells.small(UID),
            inode: cells.count(INODE),
            receive_queue: Bytes(cells.count(RECEIVE_QUEUE)),
            send_queue: Bytes(cells.count(SEND_QUEUE)),
            namespace: cells.count(NAMESPACE),
            own_namespace: cells.flag(FLAGS, 0),
        }
    }
}
