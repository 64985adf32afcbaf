//! Sockets.

use std::net::SocketAddr;

use procyon_model::ProcessKey;
use procyon_model::connection::{Connection, Owner, Protocol, SocketState};
use procyon_model::process::{Net, NetRates};
use procyon_units::{Bytes, PerSecond, Reading, Ticks};

use crate::column::Shape::{Float, Level, Text};
use crate::column::{Cells, Fill, columns, duration, nanos};
use crate::kinds::{Key, Kind, Tick, near};
use crate::reading::{EXPLICIT, code, reading};
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
    READINGS = "connection_readings", Level;
    RECEIVED = "connection_receive_bytes", Level;
    SENT = "connection_transmit_bytes", Level;
    RECEIVE_CALLS = "connection_receive_calls", Level;
    SEND_CALLS = "connection_transmit_calls", Level;
    RATE_RECEIVED = "connection_receive_bytes_per_second", Float;
    RATE_SENT = "connection_transmit_bytes_per_second", Float;
    ROUND_TRIP = "connection_round_trip_nanoseconds", Level;
    RETRANSMITS = "connection_retransmits", Level;
}

/// Readings, three bits each, in [`READINGS`]; zero where the row is older than these columns.
mod readings {
    pub(super) const NET: u32 = 0;
    pub(super) const RATES: u32 = 1;
    pub(super) const ROUND_TRIP: u32 = 2;
    pub(super) const RETRANSMITS: u32 = 3;
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
        write_traffic(row, new);
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
            net: kept(cells, readings::NET, || Net {
                received: Bytes(cells.count(RECEIVED)),
                sent: Bytes(cells.count(SENT)),
                receive_calls: cells.count(RECEIVE_CALLS),
                send_calls: cells.count(SEND_CALLS),
            }),
            rates: kept(cells, readings::RATES, || NetRates {
                received: PerSecond(cells.float(RATE_RECEIVED)),
                sent: PerSecond(cells.float(RATE_SENT)),
            }),
            round_trip: kept(cells, readings::ROUND_TRIP, || duration(cells.get(ROUND_TRIP))),
            retransmits: kept(cells, readings::RETRANSMITS, || cells.count(RETRANSMITS)),
        }
    }
}

fn write_traffic(row: &Connection, new: &mut Fill<'_>) {
    let explicit = |code: i64| if code == 0 { EXPLICIT } else { code };
    new.code(READINGS, readings::NET, explicit(code(&row.net)));
    new.code(READINGS, readings::RATES, explicit(code(&row.rates)));
    new.code(READINGS, readings::ROUND_TRIP, explicit(code(&row.round_trip)));
    new.code(READINGS, readings::RETRANSMITS, explicit(code(&row.retransmits)));
    if let Reading::Known(net) = row.net {
        new.count(RECEIVED, net.received.0);
        new.count(SENT, net.sent.0);
        new.count(RECEIVE_CALLS, net.receive_calls);
        new.count(SEND_CALLS, net.send_calls);
    }
    if let Reading::Known(rates) = row.rates {
        new.float(RATE_RECEIVED, rates.received.0);
        new.float(RATE_SENT, rates.sent.0);
    }
    if let Reading::Known(round_trip) = row.round_trip {
        new.set(ROUND_TRIP, nanos(round_trip));
    }
    if let Reading::Known(retransmits) = row.retransmits {
        new.count(RETRANSMITS, retransmits);
    }
}

fn kept<T>(cells: Cells<'_>, at: u32, value: impl FnOnce() -> T) -> Reading<T> {
    match cells.code(READINGS, at) {
        0 => Reading::Unsupported,
        code => reading(code, value),
    }
}
