//! D-Bus, as much of it as collectors ask for: calls of methods whose arguments are strings, over a Unix socket.
//!
//! - [`address`] reads where a bus is;
//! - [`connection`] signs in and asks, many questions at a time, until its time is over;
//! - [`message`] writes calls and reads what comes back;
//! - [`values`] reads the values in it.
//!
//! Source: D-Bus Specification 0.43. Whoever is at the other end may say anything: lengths are checked before memory is
//! taken for them, and no message is longer than [`message::MOST`].

mod address;
mod connection;
mod message;
mod values;

use std::io;

pub(crate) use connection::{Connection, End};
pub(crate) use message::{Call, Message};
pub(crate) use values::Value;

/// Why something could not be asked by D-Bus.
#[derive(Debug, thiserror::Error)]
pub enum DbusError {
    /// No usable address of a bus.
    #[error("DBUS_SYSTEM_BUS_ADDRESS is '{0}', which names no Unix socket")]
    Address(String),
    /// Nobody is there, or lets us in.
    #[error("could not connect to D-Bus at {place}")]
    Connect {
        /// Where.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The other end does not know us.
    #[error("D-Bus refuses to let this user in: {0}")]
    Refused(String),
    /// The connection ended early, or time was over.
    #[error("the talk over D-Bus broke off")]
    Broken(#[from] io::Error),
    /// The other end does not keep to the protocol, or to the interface.
    #[error("over D-Bus came {0}")]
    Odd(&'static str),
    /// The answer to a question is an error.
    #[error("{name}: {text}")]
    Answer {
        /// Name of the error.
        name: String,
        /// What is said of it.
        text: String,
    },
}

impl DbusError {
    /// Whether nobody of the kind is there, which is no fault.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Connect { source, .. } => {
                matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
            }
            Self::Answer { name, .. } => matches!(
                &**name,
                "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner"
            ),
            Self::Address(_) | Self::Refused(_) | Self::Broken(_) | Self::Odd(_) => false,
        }
    }
}

/// The most letters of foreign text in an error.
const MOST_TEXT: usize = 200;

fn brief(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MOST_TEXT).collect()
}
