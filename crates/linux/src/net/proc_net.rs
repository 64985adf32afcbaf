//! `/proc/PID/net/{tcp,tcp6,udp,udp6}`: the sockets of a process' network namespace as text, for where netlink or
//! `setns(2)` are refused. About ten times slower than netlink.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use procyon_units::Bytes;
use rustix::io::Errno;

use super::socket::{Protocol, Socket, assemble};
use crate::file;
use crate::text::{hex, lines, number, split_once, words};

/// Appends the sockets that a file lists; lines that do not parse are left out.
pub fn parse(protocol: Protocol, namespace: u64, text: &[u8], out: &mut Vec<Socket>) {
    out.extend(lines(text).skip(1).filter_map(|line| parse_line(protocol, namespace, line)));
}

fn parse_line(protocol: Protocol, namespace: u64, line: &[u8]) -> Option<Socket> {
    let mut words = words(line).skip(1);
    let (local, remote) = (endpoint(words.next()?)?, endpoint(words.next()?)?);
    let mut socket = assemble(protocol, local, remote, 0, namespace);
    socket.state = u8::try_from(hex(words.next()?)?).ok()?;
    let (send, receive) = split_once(words.next()?, b':')?;
    (socket.send_queue, socket.receive_queue) = (Bytes(hex(send)?), Bytes(hex(receive)?));
    let mut words = words.skip(2);
    socket.uid = u32::try_from(number(words.next()?)?).ok()?;
    socket.inode = number(words.nth(1)?)?;
    Some(socket)
}

/// An address is printed as 32-bit words of the machine's byte order, the port as a plain number.
fn endpoint(word: &[u8]) -> Option<(IpAddr, u16)> {
    let (address, port) = split_once(word, b':')?;
    let port = u16::try_from(hex(port)?).ok()?;
    let word = |at: usize| Some(u32::try_from(hex(address.get(at..at + 8)?)?).ok()?.to_ne_bytes());
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((address, port))
}

/// Reads one protocol's file in `dir` (`/proc/PID/net`) and appends its sockets. Privilege: none, except `hidepid`.
pub fn read(
    dir: &Path,
    protocol: Protocol,
    namespace: u64,
    buffer: &mut Vec<u8>,
    out: &mut Vec<Socket>,
) -> Result<(), Errno> {
    file::read_into(&dir.join(protocol.word()), buffer)?;
    parse(protocol, namespace, buffer, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn one(protocol: Protocol, line: &str) -> Socket {
        let mut out = Vec::new();
        parse(protocol, 7, format!("{HEAD}{line}\n").as_bytes(), &mut out);
        out.pop().unwrap()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_v4_and_v6_are_read() {
        let line = "   0: 0100007F:1F90 0900000A:C350 01 00000007:00000005 01:00000018 00000003  1000        0 4242 2 0 20 4 1 10 -1";
        let socket = one(Protocol::Tcp, line);
        assert_eq!(socket.local.to_string(), "127.0.0.1:8080");
        assert_eq!(socket.remote.unwrap().to_string(), "10.0.0.9:50000");
        assert_eq!((socket.receive_queue.0, socket.send_queue.0, socket.uid, socket.inode), (5, 7, 1000, 4242));
        let line = "  1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 11 2 0 0";
        let socket = one(Protocol::Udp6, line);
        assert_eq!((socket.local.to_string(), socket.remote, socket.state), ("[::1]:53".into(), None, 7));
        let line = "  2: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000100007F:D431 06 00000000:00000000 03:00000f 00000000     0        0 0 3 0";
        assert_eq!(one(Protocol::Tcp6, line).protocol, Protocol::Tcp);
    }
}
