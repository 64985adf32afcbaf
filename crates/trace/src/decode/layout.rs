//! Structures of the kernel as tables of fields, and how a field is told.

use super::printer::{Printer, u16_at, u32_at, u64_at};
use crate::names::Names;

/// A structure.
#[derive(Debug)]
pub(crate) struct Layout {
    /// How many bytes of it are needed to tell it.
    pub size: u16,
    /// Name, offset, form.
    pub fields: &'static [(&'static str, u16, Form)],
    /// What follows the fields and cannot be said by a table.
    pub end: End,
}

/// What follows the fields that are told.
#[derive(Debug)]
pub(crate) enum End {
    /// Nothing.
    All,
    /// More, that strace leaves out as well.
    More,
    /// Fields that depend on others.
    By(fn(&mut Printer<'_>, &[u8])),
}

/// How a field is told.
#[derive(Debug)]
pub(crate) enum Form {
    /// Signed numbers of 16, 32, 64 bits.
    D16,
    D32,
    D64,
    /// Unsigned ones, also of 8 bits.
    U8,
    U16,
    U32,
    U64,
    /// In base 16.
    X32,
    X64,
    /// Rights of a file.
    Octal16,
    Octal32,
    /// An address.
    Address,
    /// A user or group.
    Id,
    /// A descriptor.
    Descriptor,
    /// A signal.
    Signal,
    /// Processor time in ticks of 1/100 s.
    Ticks,
    /// A limit: a number, a multiple of 1024, or none.
    Limit,
    /// Flags.
    Flags16(&'static Names),
    Flags32(&'static Names),
    Flags64(&'static Names),
    /// One of several values.
    One8(&'static Names),
    One16(&'static Names),
    One32(&'static Names),
    One64(&'static Names),
    /// A text that ends with a zero byte, in so many bytes.
    Text(u16),
    /// So many of the same, each so many bytes long.
    Array(u16, u16, &'static Form),
    /// A structure.
    Inside(&'static Layout),
    /// By a function, from the bytes that start with the field.
    By(fn(&mut Printer<'_>, &[u8])),
}

impl Printer<'_> {
    /// A structure in the thread's memory, or its address where too little of it is known.
    pub(crate) fn structure(&mut self, address: u64, known: Option<&[u8]>, layout: &Layout) {
        match known {
            Some(bytes) if address != 0 && bytes.len() >= usize::from(layout.size) => self.fields(layout, bytes),
            _ => self.address(address),
        }
    }

    /// The fields of a structure.
    pub(crate) fn fields(&mut self, layout: &Layout, bytes: &[u8]) {
        self.put("{");
        for (index, (name, at, form)) in layout.fields.iter().enumerate() {
            self.next(index);
            self.put(name);
            self.put("=");
            self.form(form, bytes.get(usize::from(*at)..).unwrap_or(&[]));
        }
        match layout.end {
            End::All => {}
            End::More => self.put(", ..."),
            End::By(tell) => tell(self, bytes),
        }
        self.put("}");
    }

    /// One more field.
    pub(crate) fn field(&mut self, name: &str, form: &Form, bytes: &[u8], at: usize) {
        self.put(", ");
        self.put(name);
        self.put("=");
        self.form(form, bytes.get(at..).unwrap_or(&[]));
    }

    /// One field from the bytes that start with it; `???` where there are too few.
    pub(crate) fn form(&mut self, form: &Form, bytes: &[u8]) {
        if self.some_form(form, bytes).is_none() {
            self.put("???");
        }
    }

    fn some_form(&mut self, form: &Form, bytes: &[u8]) -> Option<()> {
        let half = u16_at(bytes, 0).map(u64::from);
        let word = u32_at(bytes, 0);
        let long = u64_at(bytes, 0);
        match form {
            Form::D16 => self.signed(u16_at(bytes, 0)?.cast_signed().into()),
            Form::D32 => self.signed(word?.cast_signed().into()),
            Form::D64 => self.signed(long?.cast_signed()),
            Form::U8 => self.unsigned(u64::from(*bytes.first()?)),
            Form::U16 => self.unsigned(half?),
            Form::U32 => self.unsigned(word?.into()),
            Form::U64 => self.unsigned(long?),
            Form::X32 => self.hex(word?.into()),
            Form::X64 => self.hex(long?),
            Form::Octal16 => self.octal(half?),
            Form::Octal32 => self.octal(word?.into()),
            Form::Address => self.address(long?),
            Form::Id => self.id(word?),
            Form::Descriptor => self.descriptor(word?),
            Form::Signal => self.signal(word?.into()),
            Form::Ticks => self.ticks(long?),
            Form::Limit => self.limit(long?),
            Form::Flags16(names) => {
                self.flags(half?, &[names]);
            }
            Form::Flags32(names) => {
                self.flags(word?.into(), &[names]);
            }
            Form::Flags64(names) => {
                self.flags(long?, &[names]);
            }
            Form::One8(names) => self.one_of(u64::from(*bytes.first()?), &[names]),
            Form::One16(names) => self.one_of(half?, &[names]),
            Form::One32(names) => self.one_of(word?.into(), &[names]),
            Form::One64(names) => self.one_of(long?, &[names]),
            Form::Text(length) => {
                let length = usize::from(*length);
                self.terminated(bytes.get(..length).unwrap_or(bytes), length);
            }
            Form::Array(count, size, form) => self.array(usize::from(*count), usize::from(*size), form, bytes),
            Form::Inside(layout) => self.fields(layout, bytes.get(..usize::from(layout.size))?),
            Form::By(tell) => tell(self, bytes),
        }
        Some(())
    }

    /// Elements side by side that are all there.
    fn array(&mut self, count: usize, size: usize, form: &Form, bytes: &[u8]) {
        self.put("[");
        for index in 0..count {
            self.next(index);
            self.form(form, bytes.get(index * size..).unwrap_or(&[]));
        }
        self.put("]");
    }

    /// Elements in the thread's memory: at most as many as `-s` shows bytes, and a mark where what is known ends.
    pub(crate) fn elements(&mut self, address: u64, count: u64, form: &Form, known: Option<&[u8]>) {
        if address == 0 {
            return self.put("NULL");
        }
        if count == 0 {
            return self.put("[]");
        }
        let size = usize::from(form.length()).max(1);
        let mut known = known.unwrap_or(&[]).chunks_exact(size);
        let Some(first) = known.next() else {
            return self.address(address);
        };
        self.put("[");
        self.form(form, first);
        for index in 1..count {
            self.put(", ");
            if index >= u64::try_from(self.options.limit).unwrap_or(u64::MAX) {
                self.put("...");
                break;
            }
            let Some(element) = known.next() else {
                let at = index.saturating_mul(u64::try_from(size).unwrap_or(1)).wrapping_add(address);
                self.format(format_args!("... /* {at:#x} */"));
                break;
            };
            self.form(form, element);
        }
        self.put("]");
    }

    /// A number in the thread's memory, in brackets.
    pub(crate) fn boxed(&mut self, address: u64, known: Option<&[u8]>, form: &Form) {
        match known {
            Some(bytes) if address != 0 && bytes.len() >= usize::from(form.length()) => {
                self.put("[");
                self.form(form, bytes);
                self.put("]");
            }
            _ => self.address(address),
        }
    }

    fn ticks(&mut self, ticks: u64) {
        self.unsigned(ticks);
        if ticks > 0 {
            self.format(format_args!(" /* {}.{:02} s */", ticks / 100, ticks % 100));
        }
    }

    /// A limit of resources.
    pub(crate) fn limit(&mut self, value: u64) {
        if value == u64::MAX {
            self.put("RLIM64_INFINITY");
        } else if value > 1024 && value.is_multiple_of(1024) {
            self.format(format_args!("{}*1024", value / 1024));
        } else {
            self.unsigned(value);
        }
    }
}

impl Form {
    /// How many bytes it takes.
    pub(crate) fn length(&self) -> u16 {
        match self {
            Self::U8 | Self::One8(_) => 1,
            Self::D16 | Self::U16 | Self::Octal16 | Self::Flags16(_) | Self::One16(_) => 2,
            Self::D64 | Self::U64 | Self::X64 | Self::Address | Self::Ticks | Self::Limit => 8,
            Self::Flags64(_) | Self::One64(_) | Self::By(_) => 8,
            Self::Text(length) => *length,
            Self::Array(count, size, _) => count * size,
            Self::Inside(layout) => layout.size,
            _ => 4,
        }
    }
}
