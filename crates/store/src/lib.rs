//! The embedded history: what one machine did, in files under one folder, without a database.
//!
//! - A frame becomes rows of ten [`kinds`]: the machine, processes, sockets and so on. Of each thing only what changed since the
//!   frame before is written ([`encoder`]).
//! - The newest time is a [`log`]: a record a frame, with a checksum. It survives the end of the program at any point.
//! - A closed log becomes a block: a folder of Parquet files that other programs can read.
//! - Both are [`segment`]s that tell the same rows; [`answer`]s are made from rows.
//!
//! [`open_writer`] keeps frames, [`open_reader`] answers, [`Recorder`] stands between a feed and a writer.

mod answer;
mod archive;
mod block;
mod blocks;
mod cache;
mod care;
mod column;
mod config;
mod disk;
mod encoder;
mod export;
mod failure;
mod figure;
mod fold;
mod folder;
mod frames;
mod head;
mod kinds;
mod log;
mod now;
mod order;
mod reader;
mod reading;
mod record;
mod recorder;
mod replay;
mod row;
mod segment;
mod status;
mod texts;
mod utf8;
mod varint;
mod writer;

#[cfg(test)]
mod faults;

pub use care::{Files, Info, Problem, export, info, open_file, snapshot, verify};
pub use config::Config;
pub use export::Format;
pub use reader::{Reader, open_reader};
pub use recorder::Recorder;
pub use writer::{Writer, open_writer};
