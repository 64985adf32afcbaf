//! Vectors of content, and messages with addresses and control data.

use super::layout::Form;
use super::printer::{Printer, u32_at, u64_at};
use super::structures;
use crate::capture::When;
use crate::names::network as names;

/// `struct iovec`.
const VECTOR: usize = 16;
/// `struct msghdr`.
const HEADER: usize = 56;
/// `struct mmsghdr`.
const MANY_HEADER: usize = 64;
/// `struct cmsghdr`.
const CONTROL: usize = 16;

/// What is told of vectors.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    /// What they hold, up to so many bytes in all.
    Content(u64),
    /// Where they are.
    Addresses,
}

impl Printer<'_> {
    /// Vectors in the thread's memory.
    pub(crate) fn vectors(&mut self, address: u64, count: u64, told: Told) {
        if address == 0 {
            return self.put("NULL");
        }
        if count == 0 {
            return self.put("[]");
        }
        let known = self.call.memory.at(When::Exit, address).or_else(|| self.input(address)).unwrap_or(&[]);
        let mut left = match told {
            Told::Content(left) => left,
            Told::Addresses => 0,
        };
        let limit = u64::try_from(self.options.limit).unwrap_or(u64::MAX);
        for index in 0..count {
            let at = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(VECTOR);
            let element = known.get(at..).and_then(|rest| Some((u64_at(rest, 0)?, u64_at(rest, 8)?)));
            let Some((base, length)) = element else {
                if index == 0 {
                    return self.address(address);
                }
                let at = index.saturating_mul(16).wrapping_add(address);
                self.format(format_args!(", ... /* {at:#x} */"));
                break;
            };
            self.put(if index == 0 { "[" } else { ", " });
            if index >= limit {
                self.put("...");
                break;
            }
            self.put("{iov_base=");
            match told {
                Told::Content(_) => {
                    let here = length.min(left);
                    left -= here;
                    let content = self.call.memory.at(When::Exit, base).or_else(|| self.input(base));
                    self.content(base, here, content);
                }
                Told::Addresses => self.address(base),
            }
            self.format(format_args!(", iov_len={length}}}"));
        }
        self.put("]");
    }

    /// A message that was sent.
    pub(crate) fn sent_message(&mut self, address: u64) {
        match self.input(address).filter(|bytes| address != 0 && bytes.len() >= HEADER) {
            Some(bytes) => self.message(bytes, None, u64::MAX),
            None => self.address(address),
        }
    }

    /// A message that was received.
    pub(crate) fn received_message(&mut self, address: u64) {
        let before = self.call.memory.at(When::Enter, address).filter(|_| address != 0);
        let name_length = before.and_then(|bytes| u32_at(bytes, 8));
        match (self.success(), self.output(address).filter(|bytes| bytes.len() >= HEADER)) {
            (Some(length), Some(bytes)) if address != 0 => self.message(bytes, name_length, length),
            (None, _) if let Some(length) = name_length => self.format(format_args!("{{msg_namelen={length}}}")),
            _ => self.address(address),
        }
    }

    /// Several messages: `told` of them, of which the first `done` have a length.
    pub(crate) fn messages(&mut self, address: u64, told: u64, done: u64, received: bool) {
        let known = if received { self.output(address) } else { self.input(address) };
        if address == 0 {
            return self.put("NULL");
        }
        if told == 0 && (!received || self.success().is_some()) {
            return self.put("[]");
        }
        let Some(known) = known.filter(|bytes| bytes.len() >= MANY_HEADER) else {
            return self.address(address);
        };
        let before = self.call.memory.at(When::Enter, address).unwrap_or(&[]);
        self.put("[");
        for index in 0..told {
            let at = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(MANY_HEADER);
            if index > 0 {
                self.put(", ");
            }
            let Some(bytes) = known.get(at..).filter(|bytes| bytes.len() >= MANY_HEADER) else {
                let at = index.saturating_mul(64).wrapping_add(address);
                self.format(format_args!("... /* {at:#x} */"));
                break;
            };
            let length = u32_at(bytes, HEADER).unwrap_or(0);
            let name_length = before.get(at..).and_then(|bytes| u32_at(bytes, 8));
            self.put("{msg_hdr=");
            self.message(bytes, name_length, if received { length.into() } else { u64::MAX });
            if index < done {
                self.format(format_args!(", msg_len={length}"));
            }
            self.put("}");
        }
        self.put("]");
    }

    fn message(&mut self, header: &[u8], name_length_before: Option<u32>, length: u64) {
        let word = |at| u64_at(header, at).unwrap_or(0);
        let name_length = u32_at(header, 8).unwrap_or(0);
        let shown = i64::from(name_length.min(name_length_before.unwrap_or(u32::MAX)).cast_signed());
        self.put("{msg_name=");
        let known = self.call.memory.at(When::Exit, word(0)).or_else(|| self.input(word(0)));
        self.socket_address(word(0), shown, known);
        self.put(", msg_namelen=");
        if let Some(before) = name_length_before.filter(|before| *before != name_length) {
            self.format(format_args!("{} => ", before.cast_signed()));
        }
        self.format(format_args!("{}, msg_iov=", name_length.cast_signed()));
        self.vectors(word(16), word(24), Told::Content(length));
        self.format(format_args!(", msg_iovlen={}", word(24)));
        if word(40) != 0 {
            self.control(word(32), word(40));
        }
        self.format(format_args!(", msg_controllen={}", word(40)));
        self.field("msg_flags", &Form::Flags32(&names::MSG_FLAGS), header, 48);
        self.put("}");
    }

    fn control(&mut self, address: u64, length: u64) {
        self.put(", msg_control=");
        let known = self.call.memory.at(When::Exit, address).or_else(|| self.input(address));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(known) = known.filter(|known| address != 0 && length >= CONTROL && known.len() >= CONTROL) else {
            return self.address(address);
        };
        let mut rest = known.get(..length).unwrap_or(known);
        self.put("[");
        let mut index = 0;
        while let (Some(size), Some(level), Some(kind)) = (u64_at(rest, 0), u32_at(rest, 8), u32_at(rest, 12)) {
            self.next(index);
            index += 1;
            self.format(format_args!("{{cmsg_len={size}, cmsg_level="));
            self.one_of(level.into(), &[&names::SOCKETLAYERS]);
            self.put(", cmsg_type=");
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            self.control_data(level, kind, rest.get(CONTROL..size.min(rest.len())).unwrap_or(&[]));
            self.put("}");
            if size < CONTROL {
                break;
            }
            rest = rest.get(size.saturating_add(7) & !7..).unwrap_or(&[]);
        }
        if !rest.is_empty() || known.len() < length {
            self.next(index);
            self.put("...");
        }
        self.put("]");
    }

    fn control_data(&mut self, level: u32, kind: u32, data: &[u8]) {
        let list = match level {
            1 => &names::SCMVALS,
            0 => &names::IP_CMSG_TYPES,
            _ => return self.hex(kind.into()),
        };
        self.one_of(kind.into(), &[list]);
        let name = list.find(kind.into()).unwrap_or("");
        let words = u16::try_from(data.len() / 4).unwrap_or(u16::MAX);
        let form = match name {
            "SCM_RIGHTS" if data.len() >= 4 => Form::Array(words, 4, &Form::Descriptor),
            "SCM_CREDENTIALS" if data.len() >= 12 => Form::Inside(&structures::UCRED),
            "SO_TIMESTAMP_OLD" | "SO_TIMESTAMP_NEW" if data.len() >= 16 => Form::Inside(&structures::TIMEVAL),
            "SO_TIMESTAMPNS_OLD" | "SO_TIMESTAMPNS_NEW" if data.len() >= 16 => Form::Inside(&structures::TIMESPEC),
            "IP_PKTINFO" if data.len() >= 12 => Form::Inside(&structures::PKTINFO),
            "IP_TTL" | "IP_CHECKSUM" if data.len() >= 4 => Form::Array(words, 4, &Form::U32),
            "IP_ORIGDSTADDR" if data.len() >= 16 => Form::By(address),
            "SCM_SECURITY" if !data.is_empty() => Form::By(text),
            "IP_TOS" | "IP_RECVOPTS" | "IP_RETOPTS" if !data.is_empty() => Form::By(hex_bytes),
            _ => return,
        };
        self.field("cmsg_data", &form, data, 0);
    }
}

fn hex_bytes(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.put("[");
    for (index, byte) in bytes.iter().enumerate() {
        printer.next(index);
        printer.hex(u64::from(*byte));
    }
    printer.put("]");
}

fn address(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.socket_address_bytes(bytes);
}

fn text(printer: &mut Printer<'_>, bytes: &[u8]) {
    printer.quoted(bytes);
}
