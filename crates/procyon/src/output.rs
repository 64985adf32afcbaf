//! Standard output that copes with a reader that goes away: `procyon ps | head` ends quietly.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use procyon_diag::Palette;

/// Standard output, buffered.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    /// Whether the reader sees colours.
    pub(crate) palette: Palette,
    /// Columns of the terminal; none when it is a file or pipe.
    pub(crate) width: Option<usize>,
}

impl Output {
    /// Takes standard output.
    pub(crate) fn new() -> Self {
        let stdout = io::stdout();
        let palette = Palette::of(&stdout);
        let width = stdout.is_terminal().then(|| terminal_width(&stdout)).flatten();
        Self { out: BufWriter::new(stdout.lock()), palette, width }
    }

    /// Writes a JSON value on one line.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer(&mut *self, value).map_err(io::Error::from)?;
        self.write_all(b"\n")
    }

    /// Writes a JSON value for people.
    pub(crate) fn pretty_json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self, value).map_err(io::Error::from)?;
        self.write_all(b"\n")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(what_failed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(what_failed)
    }
}

/// The error with what was attempted; its kind, by which [`reader_left`] goes, stays.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn what_failed(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not write to standard output: {error}"))
}

fn terminal_width(stdout: &io::Stdout) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Whether an error says no more than that the reader of our output has left.
pub(crate) fn reader_left(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
