//! Who has an account here, who is logged in, who was active last.
//!
//! Files only, no name service switch: a static binary has none, and a monitor must not wait for a directory server.
//! Accounts of LDAP and the like show by their number.

pub mod accounts;
pub mod activity;
pub mod logind;
pub mod sessions;
pub mod utmp;
