//! The strings of processes: read at birth, at a change of name or user, and from time to time.

use std::sync::Arc;

use procyon_linux::proc::{PidDir, ProcDir, pid_cmdline};
use procyon_model::descriptor::Descriptor;
use procyon_model::machine::Container;
use procyon_model::process::ProcessRow;
use procyon_units::{Mono, Reading};

use crate::config::Config;
use crate::provider::ProviderError;
use crate::table::Table;

#[derive(Debug)]
pub(crate) struct StringsLane {
    proc: ProcDir,
    buffer: Vec<u8>,
}

impl StringsLane {
    pub(crate) fn new(config: &Config) -> Result<Self, ProviderError> {
        let proc = ProcDir::open(&config.root).map_err(|error| ProviderError(error.to_string()))?;
        Ok(Self { proc, buffer: Vec::new() })
    }

    pub(crate) fn run(&mut self, table: &mut Table, rows: &mut [ProcessRow], now: Mono) {
        for (tracked, row) in table.tracked_mut().iter_mut().zip(rows) {
            if !tracked.describe {
                continue;
            }
            let mut cmd: Box<[u8]> = Box::default();
            let mut cmd_truncated = false;
            if let Ok(dir) = PidDir::open(&self.proc, tracked.key.pid)
                && let Ok(Reading::Known(line)) = pid_cmdline::read(&dir, &mut self.buffer)
            {
                cmd = line.bytes.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
                cmd_truncated = line.truncated;
            }
            tracked.descriptor =
                Arc::new(Descriptor { name: tracked.name().into(), cmd, cmd_truncated, ..Descriptor::default() });
            tracked.describe = false;
            tracked.described_at = Some(now);
            row.descriptor = Arc::clone(&tracked.descriptor);
        }
    }

    pub(crate) fn containers(&self, _rows: &[ProcessRow]) -> Arc<[Container]> {
        Arc::from([])
    }
}
