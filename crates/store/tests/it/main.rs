//! The store on a real disk.

mod conformance;
mod folders;
mod killed;
mod other_programs;
mod room;
