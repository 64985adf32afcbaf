//! The figures of a connection.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::figure::{Aggregate, Figure, Kind, Pace, Scope, Unit, figure};
use crate::connection::{Connection, Owner};
use crate::value::Value;

const fn fig(
    number: u16,
    id: &'static str,
    name: &'static str,
    unit: Unit,
    title: [&'static str; 2],
    help: [&'static str; 2],
    source: &'static str,
    value: fn(&Connection) -> Value<'_>,
) -> Figure<Connection> {
    let kind = if matches!(unit, Unit::Bytes) { Kind::Gauge } else { Kind::Text };
    figure(Scope::Connection, number, id, name, unit, kind, title, help, source, value).pace(Pace::Slow)
}

const fn traffic(
    number: u16,
    id: &'static str,
    name: &'static str,
    unit: Unit,
    kind: Kind,
    title: [&'static str; 2],
    help: [&'static str; 2],
    source: &'static str,
    value: fn(&Connection) -> Value<'_>,
) -> Figure<Connection> {
    figure(Scope::Connection, number, id, name, unit, kind, title, help, source, value).pace(Pace::Slow).private()
}

fn address(address: SocketAddr) -> Value<'static> {
    let text = match (address.ip().is_unspecified(), address.port()) {
        (true, 0) => "*".to_owned(),
        (true, port) => format!("*:{port}"),
        (false, _) => address.to_string(),
    };
    Value::Text(Cow::Owned(text.into_bytes()))
}

fn owner(connection: &Connection, take: fn(&Owner) -> &[u8]) -> Value<'_> {
    connection.owner.as_ref().map_or(Value::Unknown, |owner| Value::text_or_unknown(take(owner)))
}

/// Figures of a connection, in the order in which tables show them.
#[rustfmt::skip]
pub static CONNECTION: &[Figure<Connection>] = &[
    fig(400, "proto", "connection_protocol", Unit::Text, ["Protocol", "协议"], ["tcp, tcp6, udp or udp6.", "tcp、tcp6、udp 或 udp6。"], "sock_diag", |c| Value::text(c.protocol.word().as_bytes())),
    fig(401, "local", "connection_local", Unit::Text, ["Local", "本地地址"], ["Local address and port.", "本地地址与端口。"], "sock_diag", |c| address(c.local)),
    fig(402, "remote", "connection_remote", Unit::Text, ["Remote", "远端地址"], ["Remote address and port; * when not connected.", "远端地址与端口；未连接时为 *。"], "sock_diag", |c| c.remote.map_or(Value::text(b"*"), address)),
    fig(403, "local_port", "connection_local_port", Unit::None, ["Local port", "本地端口"], ["Local port.", "本地端口。"], "sock_diag", |c| u32::from(c.local.port()).into()),
    fig(404, "remote_port", "connection_remote_port", Unit::None, ["Remote port", "远端端口"], ["Remote port.", "远端端口。"], "sock_diag", |c| c.remote.map(|r| u32::from(r.port())).into()),
    fig(405, "state", "connection_state", Unit::Text, ["State", "状态"], ["TCP state; UDP is ESTAB when connected, else UNCONN.", "TCP 状态；UDP 已连接为 ESTAB，否则 UNCONN。"], "sock_diag", |c| Value::text(c.state.word().as_bytes())),
    fig(406, "pid", "connection_pid", Unit::None, ["PID", "进程号"], ["Process that holds it.", "持有它的进程。"], "/proc/PID/fd", |c| c.owner.as_ref().map(|o| o.key.pid).into()).private(),
    fig(407, "key", "connection_process_key", Unit::Text, ["Process address", "进程地址"], ["Address of the process that holds it.", "持有它的进程的地址。"], "/proc/PID/fd", |c| c.owner.as_ref().map_or(Value::Unknown, |o| Value::Text(Cow::Owned(o.key.to_string().into_bytes())))).private().head("Key", "进程地址"),
    fig(408, "name", "connection_process_name", Unit::Text, ["Owner", "所属进程"], ["Name of the process that holds it.", "持有它的进程名称。"], "/proc/PID/fd", |c| owner(c, |o| &o.name)).private(),
    fig(409, "user", "connection_user", Unit::Text, ["User", "用户"], ["User of the process that holds it.", "持有它的进程的用户。"], "/proc/PID/fd", |c| owner(c, |o| &o.user)).private(),
    fig(410, "label", "connection_label", Unit::Text, ["Label", "标签"], ["What people call the process that holds it.", "持有它的进程的通称。"], "/proc/PID/fd", |c| owner(c, |o| &o.label)).private(),
    fig(411, "inode", "connection_inode", Unit::None, ["Inode", "Inode"], ["Inode of the socket.", "套接字的 inode。"], "sock_diag", |c| c.inode.into()).private(),
    fig(412, "rx_queue", "connection_receive_queue_bytes", Unit::Bytes, ["Receive queue", "接收队列"], ["Bytes received and not yet read; for a listening socket the connections not yet accepted.", "已收到而未读取的字节；监听套接字为待接受的连接数。"], "sock_diag", |c| c.receive_queue.into()).head("Rx queue", "接收队列"),
    fig(413, "tx_queue", "connection_send_queue_bytes", Unit::Bytes, ["Send queue", "发送队列"], ["Bytes sent and not yet acknowledged; for a listening socket how many may wait.", "已发出而未确认的字节；监听套接字为队列上限。"], "sock_diag", |c| c.send_queue.into()).head("Tx queue", "发送队列"),
    fig(414, "netns", "connection_network_namespace", Unit::None, ["Network namespace", "网络命名空间"], ["Inode of its network namespace.", "所在网络命名空间的 inode。"], "/proc/PID/ns/net", |c| c.namespace.into()).head("Netns", "网络空间"),
    fig(415, "uid", "connection_uid", Unit::None, ["User id", "用户 ID"], ["User who made it.", "创建它的用户。"], "sock_diag", |c| c.uid.into()).head("UID", "UID"),
    traffic(416, "rx", "connection_receive_bytes_per_second", Unit::BytesPerSecond, Kind::Gauge, ["Received", "接收"], ["Payload received each second; of a listening socket by all connections to its port.", "每秒收到的载荷；监听套接字为其端口所有连接之和。"], "eBPF sock_recv_length, else tcp_info", |c| c.rates.get().map(|r| r.received).into()).head("Rx/s", "收/秒"),
    traffic(417, "tx", "connection_transmit_bytes_per_second", Unit::BytesPerSecond, Kind::Gauge, ["Sent", "发送"], ["Payload sent each second; of a listening socket by all connections to its port.", "每秒发出的载荷；监听套接字为其端口所有连接之和。"], "eBPF sock_send_length, else tcp_info", |c| c.rates.get().map(|r| r.sent).into()).head("Tx/s", "发/秒"),
    traffic(418, "rx_total", "connection_receive_bytes_total", Unit::Bytes, Kind::Counter, ["Received, total", "接收累计"], ["Payload received since it was made or since watching began.", "建立或开始观测以来收到的载荷。"], "eBPF sock_recv_length, else tcp_info", |c| c.net.get().map(|n| n.received).into()).head("Rx", "收累计"),
    traffic(419, "tx_total", "connection_transmit_bytes_total", Unit::Bytes, Kind::Counter, ["Sent, total", "发送累计"], ["Payload sent since it was made or since watching began.", "建立或开始观测以来发出的载荷。"], "eBPF sock_send_length, else tcp_info", |c| c.net.get().map(|n| n.sent).into()).head("Tx", "发累计"),
    traffic(420, "rtt", "connection_round_trip_seconds", Unit::Seconds, Kind::Gauge, ["Round trip", "往返时延"], ["Smoothed round-trip time of a TCP connection.", "TCP 连接的平滑往返时延。"], "sock_diag tcp_info tcpi_rtt", |c| (&c.round_trip).into()).head("RTT", "往返").group(Aggregate::Max),
    traffic(421, "retransmits", "connection_retransmits_total", Unit::Count, Kind::Counter, ["Retransmits", "重传"], ["Segments of a TCP connection that were sent again.", "TCP 连接重传的报文段数。"], "sock_diag tcp_info tcpi_total_retrans", |c| (&c.retransmits).into()).head("Retrans", "重传"),
];
