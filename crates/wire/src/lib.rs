//! What the server and its clients say to each other: the requests and answers of `/api/v1`.
//!
//! Numbers are in base units (bytes, seconds, cores, ratios 0 to 1, per second), instants in milliseconds since
//! 1970-01-01 UTC. A value that is not known is `null`, never 0. Types only grow; readers ignore fields that they do
//! not know.
//!
//! - [`Problem`] is the one shape of every error (RFC 9457);
//! - [`row`] holds rows whose fields follow the catalogue: processes, connections, disks;
//! - [`process`], [`host`], [`series`], [`health`], [`session`] are answers about one thing each;
//! - [`history`] tells about the past;
//! - [`live`] are the messages of the live WebSocket, [`trace`] those of the one that tells system calls.

pub mod health;
pub mod history;
pub mod host;
pub mod live;
mod problem;
pub mod process;
pub mod row;
pub mod series;
pub mod session;
pub mod trace;

pub use health::{Capability, Health};
pub use host::{Catalogue, Figures, Host};
pub use problem::{Position, Problem, ProblemKind};
pub use row::{List, Row};
pub use session::{Role, Session, SignIn};
