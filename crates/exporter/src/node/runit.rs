//! `runit`: services that runit supervises, by what `runsv` writes beside each (`supervise/status`).

use std::path::PathBuf;

use procyon_linux::attributes::{self, Attributes};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag, float};
use crate::flags::Flag;
use crate::metric::Metrics;

const FOLDER: &str = "collector.runit.servicedir";

pub(super) const FLAGS: &[Flag] = &[Flag::word(FOLDER, "/etc/service", "Path to runit service directory.")];

struct Runit {
    folder: PathBuf,
}

#[expect(clippy::unnecessary_wraps, reason = "collectors are all made alike")]
pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Runit { folder: flags.text(FOLDER).into() }))
}

/// What `runsv` tells of a service.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    /// 0 is down, 1 up, 2 running its `finish`.
    state: u8,
    /// Whether it is to be up.
    wanted: bool,
    /// Unix time of the last change, in seconds.
    since: u64,
}

/// Unix time zero as a TAI64 label, with the ten seconds that runit reckons between the two.
const TAI_OF_UNIX: u64 = (1 << 62) + 10;
/// Length of a status: time (TAI64N, 12 bytes), process id (4), paused, wanted, to be ended, state.
const STATUS: usize = 20;

fn parse(text: &[u8]) -> Option<Status> {
    let bytes: &[u8; STATUS] = text.first_chunk()?;
    let [.., wanted, _, state] = *bytes;
    let since = u64::from_be_bytes(*bytes.first_chunk()?).checked_sub(TAI_OF_UNIX)?;
    Some(Status { state, wanted: wanted == b'u', since })
}

impl Collector for Runit {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let read = |source| CollectError::Read { path: self.folder.clone(), source };
        let services = attributes::names(&self.folder).map_err(read)?;
        let folder = Attributes::at(self.folder.clone());
        for service in services {
            let own = folder.below(&*service);
            // A service that nobody supervises yet has none.
            let Some(status) = own.bytes("supervise/status").ok().as_deref().and_then(parse) else { continue };
            let labels = [("supervisor", "runit"), ("service", &*service)];
            let all = [
                ("state", "State of runit service.", f64::from(status.state)),
                ("desired_state", "Desired state of runit service.", flag(status.wanted)),
                ("normal_state", "Normal state of runit service.", flag(!own.has("down"))),
                (
                    "state_last_change_timestamp_seconds",
                    "Unix timestamp of the last runit service state change.",
                    float(status.since),
                ),
            ];
            for (name, help, value) in all {
                out.gauge(format!("node_service_{name}"), help, &labels, value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_twenty_bytes() {
        let mut text = (TAI_OF_UNIX + 1_700_000_000).to_be_bytes().to_vec();
        text.extend([0, 0, 0, 9, 123, 0, 0, 0, 0, b'u', 0, 1]);
        assert_eq!(parse(&text), Some(Status { state: 1, wanted: true, since: 1_700_000_000 }));
        text[17] = b'd';
        assert_eq!(parse(&text).map(|status| status.wanted), Some(false));
        for length in 0..STATUS {
            assert_eq!(parse(&text[..length]), None);
        }
        assert_eq!(parse(&[0; STATUS]), None);
    }
}
