//! What drivers of network interfaces say of themselves: `ioctl(SIOCETHTOOL)`, as in `ethtool -i`, `ethtool -S` and
//! `ethtool` alone.
//!
//! The kernel writes as many names and counters as the driver has by then, however many the caller has room for. So
//! they are taken in memory that ends at a page which nobody may touch: too many of them are an error, not damage.

#![expect(unsafe_code, reason = "these calls have no safe wrapper")]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::netlink::{read_u32, read_u64};
use crate::text::lossy;

/// Commands and sets of `include/uapi/linux/ethtool.h`.
const GET_DRIVER: u32 = 0x3;
const GET_STRINGS: u32 = 0x1b;
const GET_STATS: u32 = 0x1d;
const GET_LINK_SETTINGS: u32 = 0x4c;
const SET_STATS: u32 = 1;

/// Of `include/uapi/linux/sockios.h`; the C library's crate leaves it out.
const SIOCETHTOOL: libc::Ioctl = 0x8946;
/// `IFNAMSIZ`.
const NAME: usize = 16;
/// Length of `struct ethtool_drvinfo`, and where its number of counters is.
const DRIVER: usize = 196;
const DRIVER_STATS: usize = 180;
/// `ETH_GSTRING_LEN`.
const TEXT: usize = 32;
/// Length of the heads of `struct ethtool_gstrings` and `struct ethtool_stats`.
const STRINGS_HEAD: usize = 12;
const STATS_HEAD: usize = 8;
/// Length of `struct ethtool_link_settings` without its masks; where it says whether it negotiates and how many words
/// a mask has.
const LINK: usize = 48;
const LINK_AUTONEGOTIATES: usize = 11;
const LINK_WORDS: usize = 15;

/// The most counters of one interface that are read; the largest drivers have some ten thousand.
pub const MOST_COUNTERS: usize = 65_536;
/// The most words of a mask that a kernel may ask for: four thousand modes, of which there are some hundred.
const MOST_WORDS: usize = 127;

/// What `ethtool -i` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Driver {
    /// Name of the driver.
    pub name: Box<str>,
    /// Its version; that of the kernel for most.
    pub version: Box<str>,
    /// Version of the firmware; empty where it is not told.
    pub firmware: Box<str>,
    /// Where the device is, as `0000:00:1f.6`.
    pub bus: Box<str>,
    /// Version of the expansion ROM.
    pub expansion_rom: Box<str>,
    counters: usize,
}

/// Modes of a link, a bit each (`enum ethtool_link_mode_bit_indices`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes(Vec<u32>);

impl Modes {
    /// From words of 32 bits, lowest first.
    #[must_use]
    pub const fn new(words: Vec<u32>) -> Self {
        Self(words)
    }

    /// Whether a mode is among them.
    #[must_use]
    pub fn has(&self, bit: u8) -> bool {
        self.0.get(usize::from(bit / 32)).is_some_and(|word| word & (1 << (bit % 32)) != 0)
    }
}

/// What `ethtool` shows of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkSettings {
    /// What the device can do.
    pub supported: Modes,
    /// What it offers to the other side.
    pub advertised: Modes,
    /// Whether it settles the speed with the other side.
    pub autonegotiates: bool,
}

/// A socket by which drivers are asked, of the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Ethtool {
    socket: OwnedFd,
}

impl Ethtool {
    /// Opens the socket. Privilege: none, here and below.
    pub fn open() -> Result<Self, Errno> {
        socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map(|socket| Self { socket })
    }

    /// Asks for the driver. [`Errno::OPNOTSUPP`] where it says nothing of itself, as the loopback's.
    pub fn driver(&self, interface: &str) -> Result<Driver, Errno> {
        let mut room = Room::new(DRIVER)?;
        room.put(0, GET_DRIVER);
        self.call(interface, &mut room)?;
        let text = |at: usize| text(room.bytes().get(4 + at * TEXT..).unwrap_or_default());
        let counters = read_u32(room.bytes(), DRIVER_STATS).unwrap_or(0);
        Ok(Driver {
            name: text(0),
            version: text(1),
            firmware: text(2),
            bus: text(3),
            expansion_rom: text(4),
            counters: usize::try_from(counters).unwrap_or(usize::MAX),
        })
    }

    /// The driver's own counters, by their names. None where it has none.
    pub fn counters(&self, interface: &str, driver: &Driver) -> Result<Vec<(Box<str>, u64)>, Errno> {
        let count = driver.counters;
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MOST_COUNTERS {
            return Err(Errno::TOOBIG);
        }
        let words = u32::try_from(count).map_err(|_| Errno::TOOBIG)?;
        let mut names = Room::new(STRINGS_HEAD + count * TEXT)?;
        names.put(0, GET_STRINGS);
        names.put(4, SET_STATS);
        names.put(8, words);
        self.call(interface, &mut names)?;
        let mut values = Room::new(STATS_HEAD + count * 8)?;
        values.put(0, GET_STATS);
        values.put(4, words);
        self.call(interface, &mut values)?;
        // Between the two the driver may have got more or fewer, and then names and values do not go together.
        if read_u32(names.bytes(), 8) != Some(words) || read_u32(values.bytes(), 4) != Some(words) {
            return Err(Errno::AGAIN);
        }
        let names = names.bytes().get(STRINGS_HEAD..).unwrap_or_default().chunks_exact(TEXT).map(text);
        let values = values.bytes().get(STATS_HEAD..).unwrap_or_default().chunks_exact(8);
        Ok(names.zip(values.map(|value| read_u64(value, 0).unwrap_or(0))).collect())
    }

    /// The link: since 4.6. [`Errno::OPNOTSUPP`] where there is no such thing.
    pub fn link(&self, interface: &str) -> Result<LinkSettings, Errno> {
        // Asked with masks of no words, the kernel says how many it has, as a negative number.
        let mut room = Room::new(LINK)?;
        room.put(0, GET_LINK_SETTINGS);
        self.call(interface, &mut room)?;
        let wanted = room.bytes().get(LINK_WORDS).map_or(0, |words| words.cast_signed().wrapping_neg());
        let words =
            usize::try_from(wanted).ok().filter(|words| (1..=MOST_WORDS).contains(words)).ok_or(Errno::BADMSG)?;
        let mut room = Room::new(LINK + 3 * 4 * words)?;
        room.put(0, GET_LINK_SETTINGS);
        if let Some(place) = room.bytes_mut().get_mut(LINK_WORDS) {
            *place = wanted.cast_unsigned();
        }
        self.call(interface, &mut room)?;
        let mask = |which: usize| {
            let words = (0..words).map_while(|word| read_u32(room.bytes(), LINK + 4 * (which * words + word)));
            Modes(words.collect())
        };
        let autonegotiates = room.bytes().get(LINK_AUTONEGOTIATES).is_some_and(|byte| *byte != 0);
        Ok(LinkSettings { supported: mask(0), advertised: mask(1), autonegotiates })
    }

    fn call(&self, interface: &str, room: &mut Room) -> Result<(), Errno> {
        let mut request = Request { name: [0; NAME], data: room.start, rest: [0; 16] };
        // With the zero that ends it.
        if interface.len() >= NAME {
            return Err(Errno::NODEV);
        }
        for (place, byte) in request.name.iter_mut().zip(interface.bytes()) {
            *place = byte.cast_signed();
        }
        // SAFETY: the request is a `struct ifreq`, whose data lead to memory that belongs to `room`, whole pages of it
        // up to one that the kernel cannot write to either: where it has more to say it fails.
        let result = unsafe { libc::ioctl(self.socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
        if result < 0 {
            let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
            return Err(Errno::from_raw_os_error(code));
        }
        Ok(())
    }
}

/// `struct ifreq`: the name, then a union of 24 bytes of which the pointer is used.
#[repr(C)]
struct Request {
    name: [libc::c_char; NAME],
    data: *mut u8,
    rest: [u8; 16],
}

/// Pages of memory with one behind them that nobody may touch.
struct Room {
    start: *mut u8,
    length: usize,
    mapped: usize,
}

impl Room {
    /// Room for so many bytes, all zero.
    fn new(length: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let usable = length.next_multiple_of(page);
        let mapped = usable + page;
        let (kind, usable_by) = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: a new mapping at a place of the kernel's choice touches no other memory.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), mapped, libc::PROT_NONE, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::NOMEM);
        }
        let room = Self { start: start.cast(), length, mapped };
        // SAFETY: these pages are the front of the mapping just made.
        if unsafe { libc::mprotect(start, usable, usable_by) } != 0 {
            return Err(Errno::NOMEM);
        }
        Ok(room)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes of the mapping can be read, they were zeroed by the kernel, and it lives as long as we.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; we are borrowed mutably, so that nobody else looks at them.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }

    fn put(&mut self, at: usize, word: u32) {
        if let Some(place) = self.bytes_mut().get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = word.to_ne_bytes();
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone, and nothing refers to it any more.
        unsafe { libc::munmap(self.start.cast(), self.mapped) };
    }
}

/// Text of at most 32 bytes that ends with a zero byte.
fn text(bytes: &[u8]) -> Box<str> {
    let bytes = bytes.get(..TEXT).unwrap_or(bytes);
    lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_no_driver_to_ask_and_names_that_are_too_long_no_device() {
        let ethtool = Ethtool::open().unwrap();
        let nobody = Driver::default();
        assert_eq!(ethtool.counters("lo", &nobody), Ok(Vec::new()));
        assert_eq!(ethtool.driver("a-name-of-16-byte"), Err(Errno::NODEV));
        assert_eq!(ethtool.driver("none-such"), Err(Errno::NODEV));
    }

    #[test]
    fn modes_beyond_the_first_word_are_found() {
        let modes = Modes::new(vec![1 << 5, 1 << 15]);
        assert!(modes.has(5) && modes.has(47) && !modes.has(15) && !modes.has(255));
    }

    #[test]
    fn room_ends_at_a_page_that_the_kernel_does_not_write_to() {
        let room = Room::new(100).unwrap();
        let (reader, writer) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let page = rustix::param::page_size();
        writer.send(&[7; 16]).unwrap();
        // SAFETY: the kernel refuses the addresses of the last page, and that is what is asked.
        let count = unsafe { libc::read(reader.as_raw_fd(), room.start.add(page).cast(), 16) };
        assert_eq!(count, -1);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EFAULT));
    }
}
