//! Wireless interfaces and their stations, as `iw dev` and `iw dev … station dump` show them: generic netlink `nl80211`
//! (`include/uapi/linux/nl80211.h`). Privilege: none. Absent where nothing is wireless. It tells of the network namespace of
//! the thread that connects.

use std::time::Duration;

use rustix::io::Errno;

use super::generic::{Generic, told};
use super::netlink::{attributes, read_u16, read_u32, read_u64};

const GET_INTERFACE: u8 = 5;
const GET_STATION: u8 = 17;
const GET_SCAN: u8 = 32;

const INTERFACE_INDEX: u16 = 3;
const INTERFACE_NAME: u16 = 4;
const ADDRESS: u16 = 6;
const STATION_INFO: u16 = 21;
const FREQUENCY: u16 = 38;
const CELL: u16 = 47;

/// Attributes within [`CELL`], and the element of a beacon that holds the name.
const CELL_ADDRESS: u16 = 1;
const CELL_ELEMENTS: u16 = 6;
const CELL_STATUS: u16 = 9;
const ELEMENT_NAME: u8 = 0;

/// Attributes within [`STATION_INFO`], and within its rates.
const INACTIVE: u16 = 1;
const RECEIVED_BYTES: u16 = 2;
const SENT_BYTES: u16 = 3;
const SIGNAL: u16 = 7;
const SEND_RATE: u16 = 8;
const RECEIVED_PACKETS: u16 = 9;
const SENT_PACKETS: u16 = 10;
const RETRIES: u16 = 11;
const FAILED: u16 = 12;
const RECEIVE_RATE: u16 = 14;
const CONNECTED: u16 = 16;
const BEACON_LOSS: u16 = 18;
const RECEIVED_BYTES_64: u16 = 23;
const SENT_BYTES_64: u16 = 24;
const RATE: u16 = 1;
const RATE_32: u16 = 5;

/// A rate is told in these, bits per second.
const RATE_UNIT: u64 = 100_000;
/// The most interfaces, and stations of one, that are told.
const MOST: usize = 10_000;

/// A wireless interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number among interfaces.
    pub index: u32,
    /// Its name; empty for devices that are no network interface.
    pub name: Box<str>,
    /// Frequency, MHz; 0 where it has none.
    pub frequency: u32,
}

/// What an interface belongs to, as an access point and its stations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its address (BSSID).
    pub address: Box<[u8]>,
    /// Its name (SSID).
    pub name: Box<str>,
    /// How the interface belongs to it: 0 authenticated, 1 associated, 2 joined from equal to equal.
    pub status: u32,
}

/// The other side of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Station {
    /// Its hardware address.
    pub address: Box<[u8]>,
    /// Time since it connected, whole seconds.
    pub connected: Duration,
    /// Time since it was heard of, whole milliseconds.
    pub inactive: Duration,
    /// Rates, bits per second.
    pub receive_rate: u64,
    /// The same the other way.
    pub send_rate: u64,
    /// Bytes from it.
    pub received_bytes: u64,
    /// Bytes to it.
    pub sent_bytes: u64,
    /// Packets from it.
    pub received_packets: u64,
    /// Packets to it.
    pub sent_packets: u64,
    /// Strength of its signal, dBm.
    pub signal: i8,
    /// Packets that were sent again.
    pub retries: u64,
    /// Packets that could not be sent.
    pub failed: u64,
    /// Beacons that were missed.
    pub beacon_loss: u64,
}

/// A connection to the kernel's wireless devices.
#[derive(Debug)]
pub struct Wireless(Generic);

impl Wireless {
    /// Connects. [`Errno::NOENT`] where nothing is wireless.
    pub fn open() -> Result<Self, Errno> {
        Generic::open("nl80211").map(Self)
    }

    /// The interfaces.
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, Errno> {
        let mut found = Vec::new();
        self.0.dump(GET_INTERFACE, None, &mut |payload| {
            if found.len() < MOST {
                found.push(interface(payload));
            }
        })?;
        Ok(found)
    }

    /// What an interface belongs to.
    pub fn cell(&mut self, index: u32) -> Result<Option<Cell>, Errno> {
        let mut found = None;
        let question = index.to_ne_bytes();
        let each = &mut |payload: &[u8]| found = found.take().or_else(|| cell(payload));
        self.0.dump(GET_SCAN, Some((INTERFACE_INDEX, &question)), each)?;
        Ok(found)
    }

    /// The stations that an interface is connected with.
    pub fn stations(&mut self, index: u32) -> Result<Vec<Station>, Errno> {
        let mut found = Vec::new();
        let question = index.to_ne_bytes();
        self.0.dump(GET_STATION, Some((INTERFACE_INDEX, &question)), &mut |payload| {
            found.extend(station(payload).filter(|_| found.len() < MOST));
        })?;
        Ok(found)
    }
}

fn interface(payload: &[u8]) -> Interface {
    let mut interface = Interface::default();
    for (kind, value) in told(payload) {
        match kind {
            INTERFACE_INDEX => interface.index = read_u32(value, 0).unwrap_or(0),
            INTERFACE_NAME => {
                let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
                interface.name = String::from_utf8_lossy(name).into();
            }
            FREQUENCY => interface.frequency = read_u32(value, 0).unwrap_or(0),
            _ => {}
        }
    }
    interface
}

/// Cells that are merely in reach have no status.
fn cell(payload: &[u8]) -> Option<Cell> {
    let (_, within) = told(payload).find(|(kind, _)| *kind == CELL)?;
    let (mut cell, mut status) = (Cell::default(), None);
    for (kind, value) in attributes(within) {
        match kind {
            CELL_ADDRESS => cell.address = value.into(),
            CELL_ELEMENTS => cell.name = String::from_utf8_lossy(name(value).unwrap_or_default()).into(),
            CELL_STATUS => status = read_u32(value, 0),
            _ => {}
        }
    }
    status.map(|status| Cell { status, ..cell })
}

/// The name among the elements of a beacon, each of which has a kind, a length, and that many bytes.
fn name(mut elements: &[u8]) -> Option<&[u8]> {
    loop {
        let [kind, length, rest @ ..] = elements else { return None };
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *kind == ELEMENT_NAME {
            return Some(value);
        }
        elements = after;
    }
}

fn station(payload: &[u8]) -> Option<Station> {
    let (mut station, mut is_told) = (Station::default(), false);
    for (kind, value) in told(payload) {
        match kind {
            ADDRESS => station.address = value.into(),
            STATION_INFO => {
                is_told = true;
                attributes(value).for_each(|(kind, value)| note(&mut station, kind, value));
            }
            _ => {}
        }
    }
    is_told.then_some(station)
}

fn note(station: &mut Station, kind: u16, value: &[u8]) {
    let number = || u64::from(read_u32(value, 0).unwrap_or(0));
    match kind {
        INACTIVE => station.inactive = Duration::from_millis(number()),
        CONNECTED => station.connected = Duration::from_secs(number()),
        // Those of 32 bits count where there are no others.
        RECEIVED_BYTES if station.received_bytes == 0 => station.received_bytes = number(),
        SENT_BYTES if station.sent_bytes == 0 => station.sent_bytes = number(),
        RECEIVED_BYTES_64 => station.received_bytes = read_u64(value, 0).unwrap_or(0),
        SENT_BYTES_64 => station.sent_bytes = read_u64(value, 0).unwrap_or(0),
        SIGNAL => station.signal = value.first().map_or(0, |byte| byte.cast_signed()),
        RECEIVE_RATE => station.receive_rate = rate(value),
        SEND_RATE => station.send_rate = rate(value),
        RECEIVED_PACKETS => station.received_packets = number(),
        SENT_PACKETS => station.sent_packets = number(),
        RETRIES => station.retries = number(),
        FAILED => station.failed = number(),
        BEACON_LOSS => station.beacon_loss = number(),
        _ => {}
    }
}

/// Bits per second; those of 16 bits are for rates that fit.
fn rate(within: &[u8]) -> u64 {
    let of = |wanted: u16| attributes(within).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let long = of(RATE_32).and_then(|value| read_u32(value, 0)).map(u64::from);
    let short = || of(RATE).and_then(|value| read_u16(value, 0)).map(u64::from);
    long.or_else(short).unwrap_or(0) * RATE_UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![0, 1, 0, 0], attributes.concat()].concat()
    }

    #[test]
    fn an_interface_is_told_by_name_number_and_frequency() {
        let payload = answer(&[
            attribute(INTERFACE_INDEX, &7_u32.to_ne_bytes()),
            attribute(INTERFACE_NAME, b"wlan0\0"),
            attribute(FREQUENCY, &2412_u32.to_ne_bytes()),
            attribute(200, &[1]),
        ]);
        assert_eq!(interface(&payload), Interface { index: 7, name: "wlan0".into(), frequency: 2412 });
        assert_eq!(interface(&payload[..10]), Interface::default());
    }

    #[test]
    fn the_cell_that_it_belongs_to_is_the_one_with_a_status() {
        let elements = [&[1, 2, 9, 9, ELEMENT_NAME, 4][..], b"home", &[3, 1, 6]].concat();
        let mut within = [attribute(CELL_ADDRESS, &[1, 2, 3, 4, 5, 6]), attribute(CELL_ELEMENTS, &elements)].concat();
        assert_eq!(cell(&answer(&[attribute(CELL, &within)])), None);
        within.extend(attribute(CELL_STATUS, &1_u32.to_ne_bytes()));
        let expected = Cell { address: [1, 2, 3, 4, 5, 6].into(), name: "home".into(), status: 1 };
        assert_eq!(cell(&answer(&[attribute(CELL, &within)])), Some(expected));
        // An element that claims more than there is.
        assert_eq!(name(&[1, 9, 0]), None);
    }

    #[test]
    fn a_station_is_told_and_long_counts_win() {
        let rates = |long: &[u8], short: &[u8]| [attribute(RATE_32, long), attribute(RATE, short)].concat();
        let info = [
            attribute(INACTIVE, &400_u32.to_ne_bytes()),
            attribute(CONNECTED, &30_u32.to_ne_bytes()),
            attribute(RECEIVED_BYTES_64, &(1_u64 << 40).to_ne_bytes()),
            attribute(RECEIVED_BYTES, &5_u32.to_ne_bytes()),
            attribute(SENT_BYTES, &6_u32.to_ne_bytes()),
            attribute(SIGNAL, &[0xcc]),
            attribute(RECEIVE_RATE, &rates(&1280_u32.to_ne_bytes(), &1_u16.to_ne_bytes())),
            attribute(SEND_RATE, &attribute(RATE, &1640_u16.to_ne_bytes())),
            attribute(RECEIVED_PACKETS, &11_u32.to_ne_bytes()),
            attribute(SENT_PACKETS, &12_u32.to_ne_bytes()),
            attribute(RETRIES, &10_u32.to_ne_bytes()),
            attribute(FAILED, &2_u32.to_ne_bytes()),
            attribute(BEACON_LOSS, &1_u32.to_ne_bytes()),
        ];
        let payload = answer(&[attribute(ADDRESS, &[1, 2, 3, 4, 5, 6]), attribute(STATION_INFO, &info.concat())]);
        let expected = Station {
            address: [1, 2, 3, 4, 5, 6].into(),
            connected: Duration::from_secs(30),
            inactive: Duration::from_millis(400),
            receive_rate: 128_000_000,
            send_rate: 164_000_000,
            received_bytes: 1 << 40,
            sent_bytes: 6,
            received_packets: 11,
            sent_packets: 12,
            signal: -52,
            retries: 10,
            failed: 2,
            beacon_loss: 1,
        };
        assert_eq!(station(&payload), Some(expected));
        assert_eq!(station(&answer(&[attribute(ADDRESS, &[1])])), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            interface(&bytes);
            cell(&bytes);
            station(&bytes);
        }
    }
}
