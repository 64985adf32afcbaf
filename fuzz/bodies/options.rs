//! Options: whatever stands in the file, the environment and `--set`, the answer is settings or mistakes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procyon_settings::{Share, Sources, load};
use procyon_units::Bytes;

procyon_settings::options! {
    /// One option of each kind.
    struct Everything {
        /// An address.
        address: SocketAddr = "127.0.0.1:9300",
        /// A path.
        path: Option<PathBuf> = "",
        /// Yes or no.
        yes: bool = "false",
    }
    groups {
        /// More of them.
        more: More,
    }
}

procyon_settings::options! {
    /// More of them.
    struct More {
        /// Text.
        text: String = "",
        /// A list.
        list: Vec<String> = "",
        /// A size.
        size: Bytes = "1MiB",
        /// A time.
        time: Duration = "1s",
        /// A share.
        share: Share = "1%",
    }
    groups {}
}

/// `at` is a file that may be written.
pub fn run(bytes: &[u8], at: &Path) {
    if std::fs::write(at, bytes).is_err() {
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    let paths = ["address", "path", "yes", "more.text", "more.list", "more.size", "more.time", "more.share"];
    let sources = Sources {
        file: Some(at.to_owned()),
        set: paths.iter().map(|path| format!("{path}={text}")).chain([text.clone().into_owned()]).collect(),
        ..Sources::default()
    };
    if let Err(mistakes) = load::<Everything>(&sources) {
        assert!(!mistakes.0.is_empty() && !mistakes.to_string().is_empty());
    }
}
