//! One argument by its kind.

use super::messages::Told;
use super::printer::{Printer, low};
use super::{network, processes};
use crate::capture::When;
use crate::table::Kind;

impl Printer<'_> {
    /// Tells an argument. One that is [`Kind::With`] another is not asked for.
    pub(crate) fn tell(&mut self, kind: &Kind, index: usize) {
        let value = self.argument(index);
        let other = |argument: u8| self.argument(usize::from(argument));
        let known_before = self.input(value);
        let known_after = self.output(value);
        match kind {
            Kind::With => {}
            Kind::As(form) => self.form(form, &value.to_ne_bytes()),
            Kind::Directory => self.directory(low(value)),
            // Where the new program runs, the old one's memory is gone.
            Kind::Program if self.success().is_some() && self.call.memory.at(When::Enter, value).is_none() => {
                self.address(value);
            }
            Kind::Path | Kind::Program => self.path(value),
            Kind::Text => self.text(value),
            Kind::Texts => processes::texts(self, value),
            Kind::Environment => processes::environment(self, value),
            Kind::Written(length) => {
                let length = other(*length);
                self.content(value, length, known_before);
            }
            Kind::Returned => match self.success() {
                Some(length) => self.content(value, length, known_after),
                None => self.address(value),
            },
            Kind::ReturnedHex => self.returned_hex(value),
            Kind::ReturnedPath => match known_after {
                Some(bytes) if value != 0 => self.terminated(bytes, bytes.len()),
                _ => self.address(value),
            },
            Kind::In(layout) | Kind::First(layout) => self.structure(value, known_before, layout),
            Kind::Out(layout) => self.structure(value, known_after, layout),
            Kind::InBox(form) | Kind::FirstBox(form) => self.boxed(value, known_before, form),
            Kind::OutBox(form) => self.boxed(value, known_after, form),
            Kind::InArray(form, count) => {
                let count = u64::from(low(other(*count)));
                self.elements(value, count, form, known_before);
            }
            Kind::OutArray(form, count) => {
                let count = other(*count);
                self.elements(value, count, form, known_after);
            }
            Kind::ReturnedArray(form) => match self.success() {
                Some(count) => self.elements(value, count, form, known_after),
                None => self.address(value),
            },
            Kind::Pair(form) => self.after(|printer| printer.elements(value, 2, form, known_after)),
            Kind::Gathered(count) => {
                let count = other(*count);
                self.vectors(value, count, Told::Content(u64::MAX));
            }
            Kind::Scattered(count) => {
                let count = other(*count);
                self.vectors(value, count, self.success().map_or(Told::Addresses, Told::Content));
            }
            Kind::Elsewhere(count) => {
                let count = other(*count);
                self.vectors(value, count, Told::Addresses);
            }
            Kind::Sent => self.sent_message(value),
            Kind::Received => self.after(|printer| printer.received_message(value)),
            Kind::SentMany(count) => {
                let count = low(other(*count));
                self.messages(value, count.into(), self.success().unwrap_or(0), false);
            }
            Kind::ReceivedMany(_) => {
                let count = self.success().unwrap_or(0);
                self.after(|printer| printer.messages(value, count, count, true));
            }
            Kind::Signals(length) => {
                let length = other(*length);
                self.signal_set_at(value, length, known_before);
            }
            Kind::OldSignals(length) => {
                let length = other(*length);
                self.signal_set_at(value, length, known_after);
            }
            Kind::Address(length) => network::address_in(self, index, *length),
            Kind::AddressOut => network::address_out(self, index),
            Kind::By(special) => (special.tell)(self, index),
        }
    }

    /// Descriptors in what is told are those that the call made.
    fn after(&mut self, tell: impl FnOnce(&mut Self)) {
        self.when = When::Exit;
        tell(self);
        self.when = When::Enter;
    }

    fn returned_hex(&mut self, address: u64) {
        let Some((length, bytes)) = self.success().zip(self.output(address)).filter(|_| address != 0) else {
            return self.address(address);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let shown = bytes.get(..length.min(self.options.limit)).unwrap_or(bytes);
        self.quoted_hex(shown);
        if shown.len() < length {
            self.put("...");
        }
    }
}
