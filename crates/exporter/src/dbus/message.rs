//! Messages: calls as they are written, and what is read of whatever comes.

use super::values::{Order, Reader, Value, Writer};

/// The most bytes of a message that are taken; a list of ten thousand units of systemd takes four million.
pub(super) const MOST: usize = 32 << 20;
/// The most bytes of a message's head: ours have less than three hundred.
const MOST_HEAD: usize = 64 << 10;
/// The most fields of a head.
const MOST_FIELDS: usize = 64;
/// Length of what stands before the fields of a head: byte order, kind, flags, version, lengths and serial number.
pub(super) const START: usize = 16;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
/// Whoever is not running is not started for us: to look changes nothing.
const NO_AUTO_START: u8 = 2;
const VERSION: u8 = 1;

/// Numbers of the fields of a head.
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const ERROR_NAME: u8 = 4;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SIGNATURE: u8 = 8;
}

/// The call of a method; its arguments are strings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Who is to answer.
    pub(crate) destination: &'a str,
    /// Which of its objects.
    pub(crate) path: &'a str,
    /// Interface of the method.
    pub(crate) interface: &'a str,
    /// The method.
    pub(crate) member: &'a str,
    /// What it is given.
    pub(crate) arguments: [&'a str; 2],
}

impl<'a> Call<'a> {
    /// A method without arguments.
    pub(crate) const fn plain(destination: &'a str, path: &'a str, interface: &'a str, member: &'a str) -> Self {
        Self { destination, path, interface, member, arguments: [""; 2] }
    }

    /// Asks for a property of an object.
    pub(crate) const fn property(destination: &'a str, path: &'a str, interface: &'a str, property: &'a str) -> Self {
        let (own, member) = ("org.freedesktop.DBus.Properties", "Get");
        Self { destination, path, interface: own, member, arguments: [interface, property] }
    }

    /// Writes it behind what stands in `out`. What is too long for a message has no place in one, and none is written.
    pub(super) fn write(&self, serial: u32, out: &mut Vec<u8>) -> Option<()> {
        let arguments = self.arguments.iter().filter(|argument| !argument.is_empty());
        let mut body = Writer::default();
        for argument in arguments.clone() {
            body.text(argument)?;
        }
        let mut message = Writer::default();
        message.bytes.extend([b'l', METHOD_CALL, NO_AUTO_START, VERSION]);
        message.u32(u32::try_from(body.bytes.len()).ok()?);
        message.u32(serial);
        // How long the fields are is known behind them.
        message.u32(0);
        for (number, kind, value) in [
            (field::PATH, b'o', self.path),
            (field::INTERFACE, b's', self.interface),
            (field::MEMBER, b's', self.member),
            (field::DESTINATION, b's', self.destination),
        ] {
            message.align(8);
            message.bytes.extend([number, 1, kind, 0]);
            message.text(value)?;
        }
        let count = arguments.count();
        if count > 0 {
            message.align(8);
            message.bytes.extend([field::SIGNATURE, 1, b'g', 0, u8::try_from(count).ok()?]);
            message.bytes.extend(std::iter::repeat_n(b's', count));
            message.bytes.push(0);
        }
        let fields = u32::try_from(message.bytes.len().checked_sub(START)?).ok()?;
        message.bytes.get_mut(12..START)?.copy_from_slice(&fields.to_le_bytes());
        message.align(8);
        out.extend(message.bytes);
        out.extend(body.bytes);
        Some(())
    }
}

/// A message that came.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    order: Order,
    kind: u8,
    /// Where its body begins.
    body: usize,
    reply_to: u32,
    error: Box<str>,
    signature: Box<str>,
}

/// Length of the whole message that starts so; none where it is none, or too long.
pub(super) fn length(start: &[u8; START]) -> Option<usize> {
    let order = order(*start.first()?)?;
    if *start.get(3)? != VERSION {
        return None;
    }
    let mut reader = Reader::new(start, 4, order);
    let (body, _serial, fields) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let (body, fields) = (usize::try_from(body).ok()?, usize::try_from(fields).ok()?);
    let head = START.checked_add(fields)?.checked_next_multiple_of(8)?;
    let whole = head.checked_add(body)?;
    (head <= MOST_HEAD && whole <= MOST).then_some(whole)
}

fn order(letter: u8) -> Option<Order> {
    match letter {
        b'l' => Some(Order::Little),
        b'B' => Some(Order::Big),
        _ => None,
    }
}

impl Message {
    /// From all of its bytes.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let start: &[u8; START] = bytes.first_chunk()?;
        let order = order(*start.first()?)?;
        let (whole, kind) = (length(start)?, *start.get(1)?);
        if bytes.len() != whole {
            return None;
        }
        let body = usize::try_from(Reader::new(&bytes, 4, order).u32()?).ok()?;
        let (mut reply_to, mut error, mut signature): (u32, Box<str>, Box<str>) = Default::default();
        Reader::new(&bytes, 12, order).structures(MOST_FIELDS, |field| {
            match (field.byte()?, field.variant()?) {
                (field::REPLY_SERIAL, Value::U32(serial)) => reply_to = serial,
                (field::ERROR_NAME, Value::Text(name)) => error = name,
                (field::SIGNATURE, Value::Text(text)) => signature = text,
                _ => {}
            }
            Some(())
        })?;
        Some(Self { body: whole.checked_sub(body)?, bytes, order, kind, reply_to, error, signature })
    }

    /// The call that this answers; none where it answers nothing.
    pub(super) fn answers(&self) -> Option<u32> {
        matches!(self.kind, METHOD_RETURN | ERROR).then_some(self.reply_to)
    }

    /// Name and text of an error; none where it is none.
    pub(super) fn error(&self) -> Option<(&str, &str)> {
        let text = || self.body("s").and_then(|mut body| body.text());
        (self.kind == ERROR).then(|| (&*self.error, text().unwrap_or_default()))
    }

    /// What it holds; none where that is of other types.
    pub(crate) fn body(&self, signature: &str) -> Option<Reader<'_>> {
        (*self.signature == *signature).then(|| Reader::new(&self.bytes, self.body, self.order))
    }

    /// The value of a property, as the answer to [`Call::property`] holds it.
    pub(crate) fn property(&self) -> Option<Value> {
        self.body("v")?.variant()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A whole message: its kind, fields as they are written, and its body.
    fn message(big: bool, kind: u8, fields: &[u8], body: &[u8]) -> Vec<u8> {
        let number = |number: usize| {
            let number = u32::try_from(number).unwrap();
            if big { number.to_be_bytes() } else { number.to_le_bytes() }
        };
        let mut bytes = vec![if big { b'B' } else { b'l' }, kind, 1, 1];
        bytes.extend([number(body.len()), number(7), number(fields.len())].concat());
        bytes.extend(fields);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_call_is_written_as_the_specification_has_it() {
        let mut bytes = Vec::new();
        Call::plain("a.b", "/o", "i.f", "Do").write(5, &mut bytes).unwrap();
        let head = b"l\x01\x02\x01\0\0\0\0\x05\0\0\0\x3c\0\0\0\
            \x01\x01o\0\x02\0\0\0/o\0\0\0\0\0\0\x02\x01s\0\x03\0\0\0i.f\0\0\0\0\0\
            \x03\x01s\0\x02\0\0\0Do\0\0\0\0\0\0\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0";
        assert_eq!(bytes, head);
        // Its arguments follow, and their types are told in the head.
        let start = bytes.len();
        Call::property("a.b", "/o", "i.f", "Of").write(6, &mut bytes).unwrap();
        assert!(bytes[start..].ends_with(b"\x08\x01g\0\x02ss\0\x03\0\0\0i.f\0\x02\0\0\0Of\0"));
        assert_eq!(bytes[start + 4], 15, "length of the body");
    }

    #[test]
    fn answers_of_either_byte_order_are_read() {
        let little = message(false, METHOD_RETURN, b"\x05\x01u\0\x2a\0\0\0\x08\x01g\0\x01v\0", b"\x01u\0\0\x07\0\0\0");
        let big = message(true, METHOD_RETURN, b"\x05\x01u\0\0\0\0\x2a\x08\x01g\0\x01v\0", b"\x01u\0\0\0\0\0\x07");
        for bytes in [little, big] {
            let answer = Message::parse(bytes).unwrap();
            assert_eq!((answer.answers(), answer.property()), (Some(42), Some(Value::U32(7))));
            assert!(answer.error().is_none() && answer.body("s").is_none());
        }
    }

    #[test]
    fn an_error_has_a_name_and_perhaps_a_text() {
        let fields = b"\x04\x01s\0\x03\0\0\0a.b\0\0\0\0\0\x05\x01u\0\x01\0\0\0\x08\x01g\0\x01s\0";
        let error = Message::parse(message(false, ERROR, fields, b"\x02\0\0\0no\0")).unwrap();
        assert_eq!((error.answers(), error.error()), (Some(1), Some(("a.b", "no"))));
        let bare = Message::parse(message(false, ERROR, &fields[..12], b"")).unwrap();
        assert_eq!(bare.error(), Some(("a.b", "")));
        // A signal answers nothing.
        assert_eq!(Message::parse(message(false, 4, &[], b"")).unwrap().answers(), None);
    }

    #[test]
    fn a_length_is_believed_up_to_a_limit() {
        let start = |body: u32, fields: u32| {
            let mut start = *b"l\x02\x01\x01\0\0\0\0\x01\0\0\0\0\0\0\0";
            start[4..8].copy_from_slice(&body.to_le_bytes());
            start[12..].copy_from_slice(&fields.to_le_bytes());
            start
        };
        assert_eq!(length(&start(3, 9)), Some(16 + 16 + 3));
        for (body, fields) in [(u32::MAX, 0), (0, u32::MAX), (33 << 20, 0), (0, 65 << 10), (u32::MAX, u32::MAX)] {
            assert_eq!(length(&start(body, fields)), None, "{body} {fields}");
        }
        assert_eq!(length(b"x\x02\x01\x01\0\0\0\0\x01\0\0\0\0\0\0\0"), None);
        assert_eq!(length(b"l\x02\x01\x02\0\0\0\0\x01\0\0\0\0\0\0\0"), None);
    }

    #[test]
    fn an_array_is_read_up_to_a_limit() {
        // Ten structures of one number each, on places that eight divides.
        let body = [&76_u32.to_le_bytes()[..], &[0; 4], &[7; 76]].concat();
        let answer = Message::parse(message(false, METHOD_RETURN, b"\x08\x01g\0\x04a(u)\0", &body)).unwrap();
        let read = |most| {
            let mut count = 0;
            let whole = answer.body("a(u)")?.structures(most, |one| {
                count += 1;
                one.u32().map(drop)
            });
            whole.map(|()| count)
        };
        assert_eq!((read(10), read(9)), (Some(10), None));
    }

    /// Reads all that can be read of it; how many structures there were.
    fn everything(bytes: Vec<u8>) -> usize {
        let Some(message) = Message::parse(bytes) else { return 0 };
        message.answers();
        message.error();
        message.property();
        let mut count = 0;
        let mut reader = Reader::new(&message.bytes, message.body, message.order);
        reader.structures(9, |unit| {
            count += 1;
            unit.text()?;
            unit.u64()?;
            unit.variant().map(drop)
        });
        count
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            everything(bytes);
        }

        #[test]
        fn no_body_and_no_fields_panic(
            big: bool,
            kind in 0_u8..5,
            fields in proptest::collection::vec(0_u8..10, 0..80),
            body in proptest::collection::vec(0_u8..20, 0..200),
        ) {
            prop_assert!(everything(message(big, kind, &fields, &body)) <= 9);
            prop_assert!(everything(message(big, kind, &[], &body)) <= 9);
        }
    }
}
