//! Capabilities.

use super::printer::{Printer, u32_at};
use crate::capture::{Length, What, When};
use crate::names::processes as names;
use crate::table::Special;

/// `struct __user_cap_data_struct`, two of them for capabilities from 32 on.
pub(crate) static CAPABILITIES: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(24)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        capabilities(printer, address, printer.input(address));
    },
};

/// The same as the call wrote them.
pub(crate) static CAPABILITIES_READ: Special = Special {
    copies: &[(0, When::Exit, What::Bytes(Length::Fixed(24)))],
    tell: |printer, index| {
        let address = printer.argument(index);
        capabilities(printer, address, printer.output(address));
    },
};

fn capabilities(printer: &mut Printer<'_>, address: u64, known: Option<&[u8]>) {
    const VERSION_1: u32 = 0x1998_0330;
    let header = printer.argument(0);
    let Some(version) = printer.input(header).filter(|_| header != 0).and_then(|bytes| u32_at(bytes, 0)) else {
        return printer.address(address);
    };
    let wide = version != VERSION_1;
    let Some(bytes) = known.filter(|bytes| address != 0 && bytes.len() >= if wide { 24 } else { 12 }) else {
        return printer.address(address);
    };
    for (index, name) in ["effective", "permitted", "inheritable"].into_iter().enumerate() {
        printer.put(if index == 0 { "{" } else { ", " });
        printer.put(name);
        printer.put("=");
        let lower = u32_at(bytes, index * 4).unwrap_or(0);
        let higher = if wide { u32_at(bytes, 12 + index * 4).unwrap_or(0) } else { 0 };
        let set = u64::from(higher) << 32 | u64::from(lower);
        capability_set(printer, set);
    }
    printer.put("}");
}

fn capability_set(printer: &mut Printer<'_>, set: u64) {
    if set == 0 {
        return printer.put("0");
    }
    let mut told = false;
    // As strace does, the halves apart: what has no name is told at the end of its half.
    for half in [set & 0xffff_ffff, set & !0xffff_ffff] {
        let mut rest = half;
        for bit in 0..64_u32 {
            if half >> bit & 1 == 1
                && let Some(name) = names::CAP.find(bit.into())
            {
                printer.put(if told { "|" } else { "" });
                printer.put(name);
                told = true;
                rest &= !(1 << bit);
            }
        }
        if rest != 0 {
            printer.put(if told { "|" } else { "" });
            printer.hex(if rest > 0xffff_ffff { rest >> 32 } else { rest });
            told = true;
        }
    }
}
