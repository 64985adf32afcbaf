//! Who asks, and what they may do.
//!
//! - [`tokens`] are secrets that programs and people show, kept hashed;
//! - [`session`] turns a token into a cookie for a browser;
//! - [`origin`] refuses other sites' pages (DNS rebinding, cross-site requests);
//! - [`certificate`] signs in whoever shows a certificate of a known authority;
//! - [`attempts`] slows down who guesses;
//! - [`caller`] puts it together: a request becomes a [`Caller`].

pub(crate) mod attempts;
pub(crate) mod caller;
pub mod certificate;
pub(crate) mod origin;
pub(crate) mod session;
pub mod tokens;

pub(crate) use caller::{Caller, Peer, Sight};
