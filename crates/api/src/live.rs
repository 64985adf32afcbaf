//! Live streams: each distinct subscription is encoded once a tick and shared by all its clients.
//!
//! - [`hub`] is one thread a host: it takes frames, keeps channels and hands messages to clients without waiting;
//! - [`channel`] is one subscription: which rows it holds and what its clients know of them;
//! - [`spec`] reads a subscription;
//! - [`cells`] decides what counts as a change;
//! - [`top`] finds the heaviest processes, steadily;
//! - [`socket`] is one client's WebSocket.

mod cells;
mod channel;
mod hub;
pub(crate) mod socket;
mod spec;
mod top;

pub(crate) use channel::LiveChannel;
pub(crate) use hub::{Client, Encoder, Hub};
pub(crate) use spec::Spec;
