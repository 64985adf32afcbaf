//! Generic netlink: families of messages that the kernel finds by their names (`include/uapi/linux/genetlink.h`).

use rustix::io::Errno;
use rustix::net::netlink;

use super::netlink::{Message, Netlink, attributes};

const CONTROL_FAMILY: u16 = 0x10;
const CONTROL_GET_FAMILY: u8 = 3;
const CONTROL_FAMILY_ID: u16 = 1;
const CONTROL_FAMILY_NAME: u16 = 2;
/// `struct genlmsghdr`: command, version, two reserved bytes.
const HEADER: usize = 4;

/// A socket for the questions of one family.
#[derive(Debug)]
pub struct Generic {
    netlink: Netlink,
    family: u16,
}

impl Generic {
    /// Finds the family. [`Errno::NOENT`] where the kernel has none of this name.
    pub fn open(name: &str) -> Result<Self, Errno> {
        let mut netlink = Netlink::open(netlink::GENERIC, 0)?;
        let name = [name.as_bytes(), b"\0"].concat();
        let question = request(CONTROL_GET_FAMILY, Some((CONTROL_FAMILY_NAME, &name)));
        let family = |answer: Message<'_>| {
            let (_, value) = told(answer.payload).find(|(kind, _)| *kind == CONTROL_FAMILY_ID)?;
            Some(u16::from_ne_bytes(*value.first_chunk()?))
        };
        let family = netlink.ask(CONTROL_FAMILY, &question, family)?.ok_or(Errno::NOSYS)?;
        Ok(Self { netlink, family })
    }

    /// Sends a command with one attribute and hands the payload of the one answer to `take`.
    pub fn ask<T>(&mut self, command: u8, attribute: (u16, &[u8]), take: impl FnOnce(&[u8]) -> T) -> Result<T, Errno> {
        self.netlink.ask(self.family, &request(command, Some(attribute)), |answer| take(answer.payload))
    }

    /// Sends a command, and hands the payload of every answer to `each`.
    pub fn dump(
        &mut self,
        command: u8,
        attribute: Option<(u16, &[u8])>,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Errno> {
        self.netlink.dump(self.family, &request(command, attribute), &mut |answer| each(answer.payload))
    }
}

/// The attributes of an answer.
pub fn told(payload: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    attributes(payload.get(HEADER..).unwrap_or_default())
}

/// A question with at most one attribute.
fn request(command: u8, attribute: Option<(u16, &[u8])>) -> Vec<u8> {
    let mut bytes = vec![command, 1, 0, 0];
    if let Some((kind, value)) = attribute {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        bytes.extend(length.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}
