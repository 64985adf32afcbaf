//! Sockets: kinds, addresses, options.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::layout::Form;
use super::printer::{Printer, low, u16_at, u32_at};
use super::structures;
use crate::capture::{Length, What, When};
use crate::names::{Names, network as names};
use crate::table::Special;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
/// The longest address of a socket. Source: `struct sockaddr_storage`.
const LONGEST_ADDRESS: usize = 128;

/// Family, kind and protocol of a new socket.
pub(crate) static SOCKET: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let [family, kind, protocol] = [0, 1, 2].map(|offset| u64::from(printer.argument32(index + offset)));
        family_and_kind(printer, family, kind);
        match u16::try_from(family) {
            Ok(AF_INET | AF_INET6) => printer.one_of(protocol, &[&names::INET_PROTOCOLS]),
            Ok(AF_NETLINK) => printer.one_of(protocol, &[&names::NETLINK_PROTOCOLS]),
            Ok(AF_PACKET) => {
                let protocol = u16::try_from(protocol & 0xffff).unwrap_or(0).swap_bytes();
                printer.put("htons(");
                printer.one_of(protocol.into(), &[&names::ETHERNET_PROTOCOLS]);
                printer.put(")");
            }
            _ => printer.unsigned(printer.argument(index + 2)),
        }
    },
};

/// The same of a pair, whose protocol is a number.
pub(crate) static SOCKET_PAIR: Special = Special {
    copies: &[],
    tell: |printer, index| {
        let [family, kind] = [0, 1].map(|offset| u64::from(printer.argument32(index + offset)));
        family_and_kind(printer, family, kind);
        printer.unsigned(printer.argument(index + 2));
    },
};

fn family_and_kind(printer: &mut Printer<'_>, family: u64, kind: u64) {
    printer.one_of(family, &[&names::ADDRFAMS]);
    printer.put(", ");
    match names::SOCKTYPES.find(kind & 0xf) {
        Some(name) => {
            printer.put(name);
            if kind & !0xf != 0 {
                printer.put("|");
                printer.flags(kind & !0xf, &[&names::SOCK_TYPE_FLAGS]);
            }
        }
        None => {
            printer.flags(kind, &[&names::SOCK_TYPE_FLAGS]);
        }
    }
    printer.put(", ");
}

impl Printer<'_> {
    /// The address of a socket, of the length that is said.
    pub(crate) fn socket_address(&mut self, address: u64, length: i64, known: Option<&[u8]>) {
        match known {
            Some(bytes) if address != 0 && length >= 2 => {
                let length = usize::try_from(length).unwrap_or(0).min(LONGEST_ADDRESS);
                self.socket_address_bytes(bytes.get(..length).unwrap_or(bytes));
            }
            _ => self.address(address),
        }
    }

    /// The address of a socket.
    pub(crate) fn socket_address_bytes(&mut self, bytes: &[u8]) {
        let Some(family) = u16_at(bytes, 0) else {
            return self.put("{...}");
        };
        self.put("{sa_family=");
        self.one_of(family.into(), &[&names::ADDRFAMS]);
        let rest = bytes.get(2..).unwrap_or(&[]);
        match (family, bytes.len()) {
            (_, 2) => {}
            (AF_UNIX, _) => self.unix_address(rest.get(..108).unwrap_or(rest)),
            (AF_INET, 8..) => {
                self.port(", sin_port=", bytes);
                self.put(", sin_addr=");
                self.inet4(bytes.get(4..).unwrap_or(&[]));
            }
            (AF_INET6, 24..) => self.inet6_address(bytes),
            (AF_NETLINK, 12..) => {
                if let Some(pad) = u16_at(bytes, 2).filter(|pad| *pad != 0) {
                    self.format(format_args!(", nl_pad={pad:#x}"));
                }
                self.field("nl_pid", &Form::D32, bytes, 4);
                self.put(", nl_groups=");
                self.padded(u32_at(bytes, 8).unwrap_or(0).into(), 8);
            }
            (AF_PACKET, 12..) => self.packet_address(bytes),
            _ => {
                self.put(", sa_data=");
                self.quoted(rest);
            }
        }
        self.put("}");
    }

    fn unix_address(&mut self, path: &[u8]) {
        self.put(", sun_path=");
        if let [0, name @ ..] = path {
            self.put("@");
            self.quoted(name);
        } else {
            let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
            self.quoted(path.get(..end).unwrap_or(path));
        }
    }

    fn port(&mut self, name: &str, bytes: &[u8]) {
        let port = u16_at(bytes, 2).unwrap_or(0).swap_bytes();
        self.format(format_args!("{name}htons({port})"));
    }

    fn inet4(&mut self, bytes: &[u8]) {
        let address: [u8; 4] = bytes.first_chunk().copied().unwrap_or_default();
        self.format(format_args!("inet_addr(\"{}\")", Ipv4Addr::from(address)));
    }

    fn inet6_address(&mut self, bytes: &[u8]) {
        self.port(", sin6_port=", bytes);
        let flow = u32_at(bytes, 4).unwrap_or(0).swap_bytes();
        let address: [u8; 16] = bytes.get(8..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
        let address = Ipv6Addr::from(address);
        self.format(format_args!(", sin6_flowinfo=htonl({flow}), inet_pton(AF_INET6, \"{address}\", &sin6_addr)"));
        if bytes.len() > 24 {
            self.put(", sin6_scope_id=");
            let scope = bytes.get(24..).unwrap_or(&[]);
            let local =
                address.segments().first().is_some_and(|first| first & 0xffc0 == 0xfe80 || first & 0xff0f == 0xff02);
            if local { interface(self, scope) } else { self.form(&Form::U32, scope) }
        }
    }

    fn packet_address(&mut self, bytes: &[u8]) {
        let protocol = u16_at(bytes, 2).unwrap_or(0).swap_bytes();
        self.put(", sll_protocol=htons(");
        self.one_of(protocol.into(), &[&names::ETHERNET_PROTOCOLS]);
        self.put(")");
        self.field("sll_ifindex", &Form::By(interface), bytes, 4);
        self.field("sll_hatype", &Form::One16(&names::ARP_HARDWARE_TYPES), bytes, 8);
        self.field("sll_pkttype", &Form::One8(&names::AF_PACKET_TYPES), bytes, 10);
        self.field("sll_halen", &Form::U8, bytes, 11);
        let length = usize::from(bytes.get(11).copied().unwrap_or(0));
        if length > 0 {
            self.put(", sll_addr=[");
            for index in 0..length {
                self.next(index);
                let Some(byte) = bytes.get(12 + index) else {
                    self.put("...");
                    break;
                };
                self.padded(u64::from(*byte), 2);
            }
            self.put("]");
        }
    }
}

/// An IPv4 address.
pub(crate) fn inet(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.inet4(bytes);
}

/// A network interface. Its name is not known here, its number is.
pub(crate) fn interface(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.unsigned(u32_at(bytes, 0).unwrap_or(0).into());
}

/// Which layer, which option.
pub(crate) static SET_OPTION: Special = Special {
    copies: &[(2, When::Exit, What::Bytes(Length::Argument(4, 1)))],
    tell: |printer, index| {
        let [level, option] = level_and_option(printer, index, false);
        let address = printer.argument(index + 2);
        let length = printer.argument32(index + 3).cast_signed();
        let known = printer.input(address);
        option_value(printer, (level, option), address, length.into(), known);
        printer.format(format_args!(", {length}"));
    },
};

/// The same, its value, and the pointer to its length.
pub(crate) static GET_OPTION: Special = Special {
    copies: &[
        (3, When::Enter, What::Bytes(Length::Fixed(4))),
        (3, When::Exit, What::Bytes(Length::Fixed(4))),
        (2, When::Exit, What::Bytes(Length::Pointed(4))),
    ],
    tell: |printer, index| {
        let [level, option] = level_and_option(printer, index, true);
        printer.returned_with_length(index + 2, index + 3, |printer, address, length, known| {
            if length <= 0 {
                printer.address(address);
            } else {
                option_value(printer, (level, option), address, length, known);
            }
        });
    },
};

/// Where the call writes the address of a socket, and the pointer to its length.
pub(crate) fn address_out(printer: &mut Printer<'_>, index: usize) {
    printer.returned_with_length(index, index + 1, Printer::socket_address);
}

impl<'a> Printer<'a> {
    /// What the call wrote, and the pointer to its length: as it was, and as it became if that differs.
    fn returned_with_length(
        &mut self,
        value: usize,
        length: usize,
        tell: impl Fn(&mut Printer<'a>, u64, i64, Option<&'a [u8]>),
    ) {
        let [address, pointer] = [value, length].map(|index| self.argument(index));
        let signed = |bytes: &[u8]| u32_at(bytes, 0).map(|length| i64::from(length.cast_signed()));
        let before = self.input(pointer).and_then(signed).filter(|_| pointer != 0);
        let after = self.output(pointer).and_then(signed);
        match (before, after) {
            (Some(before), Some(after)) if address != 0 => {
                let known = self.output(address);
                tell(self, address, before.min(after), known);
                if before == after {
                    self.format(format_args!(", [{after}]"));
                } else {
                    self.format(format_args!(", [{before} => {after}]"));
                }
            }
            (Some(before), _) if address != 0 => {
                self.address(address);
                self.format(format_args!(", [{before}]"));
            }
            _ => {
                self.address(address);
                self.put(", ");
                self.address(pointer);
            }
        }
    }
}

/// The options of a layer: all, those that can only be asked for, those that can only be set.
static LAYERS: [(u64, [&Names; 3]); 15] = [
    (1, [&names::SOCK_OPTIONS, &names::GETSOCK_OPTIONS, &names::SETSOCK_OPTIONS]),
    (0, [&names::SOCK_IP_OPTIONS, &names::GETSOCK_IP_OPTIONS, &names::SETSOCK_IP_OPTIONS]),
    (41, [&names::SOCK_IPV6_OPTIONS, &names::GETSOCK_IPV6_OPTIONS, &names::SETSOCK_IPV6_OPTIONS]),
    (6, [&names::SOCK_TCP_OPTIONS; 3]),
    (17, [&names::SOCK_UDP_OPTIONS; 3]),
    (255, [&names::SOCK_RAW_OPTIONS; 3]),
    (270, [&names::SOCK_NETLINK_OPTIONS; 3]),
    (263, [&names::SOCK_PACKET_OPTIONS; 3]),
    (40, [&names::SOCK_VSOCK_OPTIONS; 3]),
    (282, [&names::SOCK_TLS_OPTIONS; 3]),
    (279, [&names::SOCK_ALG_OPTIONS; 3]),
    (274, [&names::SOCK_BLUETOOTH_OPTIONS; 3]),
    (132, [&names::SOCK_SCTP_OPTIONS; 3]),
    (101, [&names::SOCK_CAN_RAW_OPTIONS; 3]),
    (283, [&names::SOCK_XDP_OPTIONS; 3]),
];

fn level_and_option(printer: &mut Printer<'_>, index: usize, get: bool) -> [&'static str; 2] {
    let [level, option] = [0, 1].map(|offset| u64::from(printer.argument32(index + offset)));
    printer.one_of_or(level, &[&names::SOCKETLAYERS], "SOL_??");
    printer.put(", ");
    let layer = names::SOCKETLAYERS.find(level).unwrap_or("");
    let Some((_, [both, asked, set])) = LAYERS.iter().find(|(number, _)| *number == level) else {
        printer.format(format_args!("{option}, "));
        return [layer, ""];
    };
    let lists = [*both, if get { *asked } else { *set }];
    printer.one_of(option, &lists);
    printer.put(", ");
    [layer, lists.iter().find_map(|list| list.find(option)).unwrap_or("")]
}

fn option_value(
    printer: &mut Printer<'_>,
    (level, option): (&str, &str),
    address: u64,
    length: i64,
    known: Option<&[u8]>,
) {
    let structure = match (level, option) {
        ("SOL_SOCKET", "SO_LINGER") => Some(&structures::LINGER),
        ("SOL_SOCKET", "SO_PEERCRED") => Some(&structures::UCRED),
        ("SOL_SOCKET", "SO_ATTACH_FILTER" | "SO_ATTACH_REUSEPORT_CBPF") => Some(&structures::PROGRAM),
        ("SOL_IP", "IP_ADD_MEMBERSHIP" | "IP_DROP_MEMBERSHIP") => Some(&structures::IP_MREQ),
        _ => None,
    };
    match (structure, known.and_then(|bytes| u32_at(bytes, 0))) {
        (Some(layout), _) if length >= i64::from(layout.size) => printer.structure(address, known, layout),
        (Some(_), _) => printer.address(address),
        (None, Some(error)) if (level, option, length) == ("SOL_SOCKET", "SO_ERROR", 4) => {
            match crate::names::errors::error(error.into()) {
                Some((name, _)) => printer.format(format_args!("[{name}]")),
                None => printer.format(format_args!("[{error}]")),
            }
        }
        (None, _) if length == 4 => printer.boxed(address, known, &Form::D32),
        (None, _) if length < 0 => printer.address(address),
        (None, _) => printer.content(address, length.unsigned_abs(), known),
    }
}

/// The length of a socket's address as an argument.
pub(crate) fn address_in(printer: &mut Printer<'_>, index: usize, length: u8) {
    let address = printer.argument(index);
    let length = low(printer.argument(usize::from(length))).cast_signed();
    printer.socket_address(address, length.into(), printer.input(address));
}
