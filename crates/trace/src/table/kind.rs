//! Kinds of arguments: how one is told, and what of the thread's memory is copied for it.

use crate::capture::{Capture, Length, What, When};
use crate::decode::{Form, Layout, Printer};

/// What an argument is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A value of its own, told like a field.
    As(Form),
    /// Part of an argument before it, which tells it.
    With,
    /// A directory that a path starts at.
    Directory,
    /// A path: told whole.
    Path,
    /// Another text that ends with a zero byte: cut.
    Text,
    /// The path and arguments of a new program, which are gone when it runs.
    Program,
    /// Texts that end with a null pointer.
    Texts,
    /// The same, of which only the number is told.
    Environment,
    /// Content that the call reads, as long as that argument says.
    Written(u8),
    /// Content that the call wrote: as long as it returned.
    Returned,
    /// The same, told in base 16.
    ReturnedHex,
    /// A path that the call wrote.
    ReturnedPath,
    /// A structure that the call reads.
    In(&'static Layout),
    /// A structure that the call reads and may change.
    First(&'static Layout),
    /// A structure that the call wrote.
    Out(&'static Layout),
    /// A number that the call reads.
    InBox(Form),
    /// A number that the call reads and may change.
    FirstBox(Form),
    /// A number that the call wrote.
    OutBox(Form),
    /// Elements that the call reads: as many as that argument says.
    InArray(Form, u8),
    /// Elements that the call wrote: as many as that argument says.
    OutArray(Form, u8),
    /// Elements that the call wrote: as many as it returned.
    ReturnedArray(Form),
    /// Two elements that the call wrote.
    Pair(Form),
    /// Vectors of content that the call reads: as many as that argument says.
    Gathered(u8),
    /// Vectors of content that the call fills.
    Scattered(u8),
    /// Vectors of which only the addresses are told.
    Elsewhere(u8),
    /// A message that the call sends.
    Sent,
    /// A message that the call receives.
    Received,
    /// Several messages that the call sends.
    SentMany(u8),
    /// Several messages that the call receives.
    ReceivedMany(u8),
    /// Signals that the call reads: as many bytes as that argument says.
    Signals(u8),
    /// Signals that the call wrote.
    OldSignals(u8),
    /// The address of a socket that the call reads: as long as that argument says.
    Address(u8),
    /// The address of a socket that the call wrote, and the argument behind it, which points to its length.
    AddressOut,
    /// Told by a function.
    By(&'static Special),
}

/// An argument that depends on others.
#[derive(Debug)]
pub(crate) struct Special {
    /// What is copied: which argument from this one on, when, what.
    pub copies: &'static [(u8, When, What)],
    /// Tells it, and those behind it that are [`Kind::With`].
    pub tell: fn(&mut Printer<'_>, usize),
}

impl Kind {
    /// What is copied for an argument of this kind.
    pub(crate) fn captures(&self, argument: u8) -> Vec<Capture> {
        let one = |when, what| vec![Capture { argument, when, what }];
        let both = |what| {
            vec![When::Enter, When::Exit].into_iter().map(move |when| Capture { argument, when, what }).collect()
        };
        let fixed = |size| What::Bytes(Length::Fixed(size));
        match self {
            Self::As(_) | Self::With | Self::Directory => Vec::new(),
            Self::Path | Self::Text | Self::ReturnedPath => one(When::Exit, What::Text),
            Self::Program => both(What::Text),
            Self::Texts => one(When::Enter, What::Texts),
            // Up to 128 pointers: their number is told.
            Self::Environment => one(When::Enter, fixed(1024)),
            Self::Written(length) => one(When::Exit, What::Content(Length::Argument(*length, 1))),
            Self::Returned | Self::ReturnedHex => one(When::Exit, What::Content(Length::Result(1))),
            Self::In(layout) | Self::Out(layout) => one(When::Exit, fixed(layout.size)),
            Self::First(layout) => both(fixed(layout.size)),
            Self::InBox(form) | Self::OutBox(form) => one(When::Exit, fixed(form.length())),
            Self::FirstBox(form) => both(fixed(form.length())),
            Self::InArray(form, count) | Self::OutArray(form, count) => {
                one(When::Exit, What::Bytes(Length::Argument(*count, form.length())))
            }
            Self::ReturnedArray(form) => one(When::Exit, What::Bytes(Length::Result(form.length()))),
            Self::Pair(form) => one(When::Exit, fixed(form.length() * 2)),
            Self::Gathered(count) => one(When::Exit, What::Vectors { count: *count, result: false }),
            Self::Scattered(count) => one(When::Exit, What::Vectors { count: *count, result: true }),
            Self::Elsewhere(count) => one(When::Exit, What::Bytes(Length::Argument(*count, 16))),
            Self::Sent => one(When::Exit, What::Message { result: false }),
            Self::Received => {
                let before = Capture { argument, when: When::Enter, what: fixed(56) };
                vec![before, Capture { argument, when: When::Exit, what: What::Message { result: true } }]
            }
            Self::SentMany(count) => one(When::Exit, What::Messages { count: *count, result: false }),
            Self::ReceivedMany(count) => {
                let before = Capture { argument, when: When::Enter, what: What::Bytes(Length::Argument(*count, 64)) };
                vec![
                    before,
                    Capture { argument, when: When::Exit, what: What::Messages { count: *count, result: true } },
                ]
            }
            Self::Signals(length) | Self::OldSignals(length) => {
                one(When::Exit, What::Bytes(Length::Argument(*length, 1)))
            }
            Self::Address(length) => one(When::Exit, What::Bytes(Length::Argument(*length, 1))),
            Self::AddressOut => {
                let length = argument + 1;
                vec![
                    Capture { argument: length, when: When::Enter, what: fixed(4) },
                    Capture { argument: length, when: When::Exit, what: fixed(4) },
                    Capture { argument, when: When::Exit, what: What::Bytes(Length::Pointed(length)) },
                ]
            }
            Self::By(special) => {
                let copy = |&(offset, when, what)| Capture { argument: argument + offset, when, what };
                special.copies.iter().map(copy).collect()
            }
        }
    }
}

// Words for the table.

/// A 32-bit number with its sign.
pub(crate) const D: Kind = Kind::As(Form::D32);
/// A 64-bit number with its sign.
pub(crate) const LD: Kind = Kind::As(Form::D64);
/// A 32-bit number without a sign.
pub(crate) const U: Kind = Kind::As(Form::U32);
/// A 64-bit number without a sign.
pub(crate) const LU: Kind = Kind::As(Form::U64);
/// A 64-bit number in base 16.
pub(crate) const X: Kind = Kind::As(Form::X64);
/// A 32-bit number in base 16.
pub(crate) const X32: Kind = Kind::As(Form::X32);
/// An address whose content is not told.
pub(crate) const POINTER: Kind = Kind::As(Form::Address);
/// A descriptor.
pub(crate) const FD: Kind = Kind::As(Form::Descriptor);
/// A user or group.
pub(crate) const ID: Kind = Kind::As(Form::Id);
/// A signal.
pub(crate) const SIGNAL_NUMBER: Kind = Kind::As(Form::Signal);
/// Rights of a file.
pub(crate) const RIGHTS: Kind = Kind::As(Form::Octal16);
