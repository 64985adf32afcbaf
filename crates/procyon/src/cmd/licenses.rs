//! `procyon licenses`: under which terms it and everything in it may be used.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use flate2::read::GzDecoder;

use crate::output::Output;

/// Our licence and the notices of others, as the build script packed them.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/licenses.gz"));

/// The licence of procyon, and the notices of everything in it
#[derive(Debug, Args)]
pub(crate) struct Licenses {}

impl Licenses {
    #[expect(clippy::unused_self, reason = "every command runs as a value of its own")]
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut text = Vec::new();
        GzDecoder::new(PACKED).read_to_end(&mut text)?;
        let mut out = Output::new();
        out.write_all(&text)?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
