//! `ntp`: whether the machine's own time server keeps good time, by one question of SNTP (RFC 5905).

mod packet;

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use procyon_units::{Clock, SystemClock};

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag};
use crate::flags::Flag;
use crate::metric::Metrics;
use packet::{Answer, Nanoseconds, Timestamp};

const SERVER: &str = "collector.ntp.server";
const PORT: &str = "collector.ntp.server-port";
const VERSION: &str = "collector.ntp.protocol-version";
const IS_LOCAL: &str = "collector.ntp.server-is-local";
const TTL: &str = "collector.ntp.ip-ttl";
const DISTANCE: &str = "collector.ntp.max-distance";
const TOLERANCE: &str = "collector.ntp.local-offset-tolerance";

pub(super) const FLAGS: &[Flag] = &[
    Flag::word(SERVER, "127.0.0.1", "NTP server to use for ntp collector"),
    Flag::word(PORT, "123", "UDP port number to connect to on NTP server"),
    Flag::word(VERSION, "4", "NTP protocol version"),
    Flag::off(IS_LOCAL, "Certify that collector.ntp.server address is not a public ntp server"),
    Flag::word(TTL, "1", "IP TTL to use while sending NTP query"),
    Flag::word(DISTANCE, "3.46608s", "Max accumulated distance to the root"),
    Flag::word(TOLERANCE, "1ms", "Offset between local clock and local ntpd time to tolerate"),
];

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
const SECOND: Nanoseconds = 1_000_000_000;
const DAY: Nanoseconds = 86_400 * SECOND;

struct Ntp {
    server: String,
    port: u16,
    version: u8,
    ttl: u8,
    distance: Nanoseconds,
    tolerance: Nanoseconds,
    /// The midnight of the last leap second that the server announced.
    leap: Mutex<Option<Nanoseconds>>,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let server = flags.text(SERVER).to_owned();
    let is_loopback = server.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if !is_loopback && !flags.is_on(IS_LOCAL) {
        let problem = "is no address of this machine's own server; --collector.ntp.server-is-local allows any";
        return Err(FlagError::value(SERVER, &server, problem));
    }
    let small = |name: &'static str, range: std::ops::RangeInclusive<u16>| {
        let text = flags.text(name);
        let number = text.parse().ok().filter(|number| range.contains(number));
        let problem = format!("is not from {} to {}", range.start(), range.end());
        number.ok_or_else(|| FlagError::value(name, text, problem))
    };
    let byte = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    let nanoseconds = |name: &'static str| {
        flags.duration(name).map(|time| Nanoseconds::try_from(time.as_nanos()).unwrap_or(Nanoseconds::MAX))
    };
    Ok(Box::new(Ntp {
        port: small(PORT, 1..=u16::MAX)?,
        version: byte(small(VERSION, 2..=4)?),
        ttl: byte(small(TTL, 1..=255)?),
        distance: nanoseconds(DISTANCE)?,
        tolerance: nanoseconds(TOLERANCE)?,
        leap: Mutex::default(),
        server,
    }))
}

/// An answer, and what the two clocks say of each other.
struct Measured {
    answer: Answer,
    /// How long question and answer were under way.
    round_trip: Nanoseconds,
    /// How far the server's clock is ahead of ours.
    offset: Nanoseconds,
    /// The least by which the clocks must differ, because an answer does not come before its question.
    least_error: Nanoseconds,
}

impl Measured {
    /// From the moments of sending and receiving by our clock.
    fn new(answer: Answer, sent: Nanoseconds, received: Nanoseconds) -> Self {
        let (there, back) = (answer.received.saturating_sub(sent), answer.sent.saturating_sub(received));
        let round_trip = received.saturating_sub(sent).saturating_sub(answer.sent.saturating_sub(answer.received));
        Self {
            round_trip: round_trip.max(0),
            offset: there.saturating_add(back) / 2,
            least_error: back.max(there.saturating_neg()).max(0),
            answer,
        }
    }
}

impl Ntp {
    fn ask(&self) -> io::Result<Measured> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the server has no address");
        for address in (&*self.server, self.port).to_socket_addrs()? {
            match self.ask_at(address) {
                Ok(measured) => return Ok(measured),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn ask_at(&self, server: SocketAddr) -> io::Result<Measured> {
        let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
        let socket = UdpSocket::bind((any, 0))?;
        if server.is_ipv4() {
            socket.set_ttl(self.ttl.into())?;
        } else {
            rustix::net::sockopt::set_ipv6_unicast_hops(&socket, Some(self.ttl))?;
        }
        // From now on only what comes from there is received.
        socket.connect(server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let (start, sent) = (SystemClock.mono(), SystemClock.wall().0);
        let question = Timestamp::of(sent);
        socket.send(&packet::question(self.version, question))?;
        let mut bytes = [0; 512];
        let length = socket.recv(&mut bytes)?;
        // What was set meanwhile does not count.
        let took = Nanoseconds::try_from(SystemClock.mono().since(start).as_nanos()).unwrap_or(Nanoseconds::MAX);
        let answer = packet::parse(bytes.get(..length).unwrap_or_default(), question).map_err(io::Error::other)?;
        Ok(Measured::new(answer, sent, sent.saturating_add(took)))
    }

    fn is_sane(&self, measured: &Measured) -> bool {
        let answer = &measured.answer;
        let mut midnight = self.leap.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.announces_leap() {
            *midnight = Some((answer.sent.div_euclid(DAY) + 1).saturating_mul(DAY));
        }
        // Around a leap second clocks may be smeared.
        let is_leap_day = midnight.is_some_and(|midnight| answer.sent.abs_diff(midnight) < DAY.unsigned_abs());
        let most = self.tolerance.saturating_add(if is_leap_day { SECOND } else { 0 });
        let distance =
            (measured.round_trip.saturating_add(answer.root_delay) / 2).saturating_add(answer.root_dispersion);
        answer.is_synchronized() && distance <= self.distance && measured.least_error <= most
    }
}

impl Collector for Ntp {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let measured =
            self.ask().map_err(|source| CollectError::Call { call: "the question to the NTP server", source })?;
        let answer = &measured.answer;
        let reference = answer.reference.filter(|time| *time > 0).unwrap_or(0);
        let all = [
            ("stratum", "NTPD stratum.", f64::from(answer.stratum)),
            ("leap", "NTPD leap second indicator, 2 bits.", f64::from(answer.leap)),
            ("rtt_seconds", "RTT to NTPD.", seconds(measured.round_trip)),
            ("offset_seconds", "ClockOffset between NTP and local clock.", seconds(measured.offset)),
            ("reference_timestamp_seconds", "NTPD ReferenceTime, UNIX timestamp.", seconds(reference)),
            ("root_delay_seconds", "NTPD RootDelay.", seconds(answer.root_delay)),
            ("root_dispersion_seconds", "NTPD RootDispersion.", seconds(answer.root_dispersion)),
            (
                "sanity",
                "NTPD sanity according to RFC5905 heuristics and configured limits.",
                flag(self.is_sane(&measured)),
            ),
        ];
        for (name, help, value) in all {
            out.gauge(format!("node_ntp_{name}"), help, &[], value);
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
fn seconds(time: Nanoseconds) -> f64 {
    time as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ntp() -> Ntp {
        Ntp {
            server: String::new(),
            port: 0,
            version: 4,
            ttl: 1,
            distance: 3 * SECOND,
            tolerance: SECOND / 1000,
            leap: Mutex::default(),
        }
    }

    fn answer(now: Nanoseconds) -> Answer {
        Answer {
            leap: 0,
            stratum: 2,
            root_delay: 0,
            root_dispersion: 0,
            reference: Some(now - 60 * SECOND),
            received: now,
            sent: now,
        }
    }

    #[test]
    fn the_offset_is_the_mean_of_both_ways() {
        let now = 1_800_000_000 * SECOND;
        // The server is half a second ahead; there and back take a fifth and a tenth.
        let there = Answer { received: now + 7 * SECOND / 10, sent: now + 8 * SECOND / 10, ..answer(now) };
        let measured = Measured::new(there, now, now + 4 * SECOND / 10);
        assert_eq!((measured.round_trip, measured.offset), (3 * SECOND / 10, 55 * SECOND / 100));
        assert_eq!(measured.least_error, 4 * SECOND / 10);
    }

    #[test]
    fn a_server_is_sane_that_is_synchronized_near_and_agrees_with_us() {
        let now = 1_800_000_000 * SECOND;
        let sane = |answer: Answer, ahead: Nanoseconds| ntp().is_sane(&Measured::new(answer, now - ahead, now - ahead));
        assert!(sane(answer(now), 0));
        assert!(!sane(answer(now), SECOND / 100), "it differs by more than is tolerated");
        assert!(!sane(Answer { root_delay: 7 * SECOND, ..answer(now) }, 0), "it is far from the root");
        for strange in [
            Answer { stratum: 0, ..answer(now) },
            Answer { stratum: 16, ..answer(now) },
            Answer { leap: 3, ..answer(now) },
            Answer { reference: Some(now - 2 * DAY), ..answer(now) },
            Answer { reference: Some(now + SECOND), ..answer(now) },
            Answer { reference: None, ..answer(now) },
        ] {
            assert!(!sane(strange, 0));
        }
    }

    #[test]
    fn around_a_leap_second_a_second_more_is_tolerated() {
        let ntp = ntp();
        let midnight = 20_000 * DAY;
        let sane = |answer: Answer| {
            let ours = answer.sent - SECOND / 2;
            ntp.is_sane(&Measured::new(answer, ours, ours))
        };
        assert!(!sane(answer(midnight - 3600 * SECOND)));
        assert!(sane(Answer { leap: 1, ..answer(midnight - 3600 * SECOND) }));
        assert!(sane(answer(midnight + 3600 * SECOND)), "it is not announced any more and still that day");
        assert!(!sane(answer(midnight + DAY)));
    }
}
