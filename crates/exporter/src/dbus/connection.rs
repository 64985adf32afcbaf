//! A connection: who we are is told by SASL, then questions are asked, many before the first is answered.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use procyon_units::{Clock, Mono, SystemClock};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::address::{self, Place};
use super::message::{self, Call, Message, START};
use super::{DbusError, brief};

/// Where the system's bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
const SYSTEM_BUS: &str = "unix:path=/var/run/dbus/system_bus_socket";
const ADDRESS: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// The most questions that wait for an answer: they and their answers have room in the socket, so nobody waits for
/// somebody who waits for us.
const MOST_WAITING: usize = 64;
/// The longest line while we sign in.
const MOST_LINE: u64 = 4096;
/// Memory that is taken for a message before its bytes are there.
const FIRST_PIECE: usize = 64 << 10;

/// Somebody who answers questions.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<Timed>,
    serial: u32,
}

impl Connection {
    /// To the system's bus.
    pub(crate) fn system(end: End) -> Result<Self, DbusError> {
        let given = std::env::var(ADDRESS).unwrap_or_default();
        let address = if given.is_empty() { SYSTEM_BUS } else { &given };
        let mut last = DbusError::Address(brief(address));
        for place in address::parse(address) {
            match Self::open(&place, end) {
                Ok(mut connection) => {
                    let bus = "org.freedesktop.DBus";
                    connection.one(&Call::plain(bus, "/org/freedesktop/DBus", bus, "Hello"))?;
                    return Ok(connection);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// To somebody who answers without a bus between.
    pub(crate) fn direct(path: &str, end: End) -> Result<Self, DbusError> {
        Self::open(&Place::Path(path.into()), end)
    }

    fn open(place: &Place, end: End) -> Result<Self, DbusError> {
        let refused = |source| DbusError::Connect { place: place.to_string(), source };
        let stream = connect(place, end).map_err(refused)?;
        let mut connection = Self { stream: BufReader::new(Timed { stream, end }), serial: 0 };
        connection.sign_in()?;
        Ok(connection)
    }

    /// Tells who we are; the other end asks the kernel whether that is so.
    fn sign_in(&mut self) -> Result<(), DbusError> {
        let user = rustix::process::geteuid().as_raw().to_string();
        // The letters of the number in hexadecimal: 0 is 30, 9 is 39.
        let hex: String = user.chars().flat_map(|digit| ['3', digit]).collect();
        self.stream.get_mut().write_all(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let mut line = Vec::new();
        (&mut self.stream).take(MOST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if !line.starts_with(b"OK ") {
            return Err(DbusError::Refused(brief(String::from_utf8_lossy(&line).trim_end())));
        }
        Ok(self.stream.get_mut().write_all(b"BEGIN\r\n")?)
    }

    /// The answer to one question.
    pub(crate) fn one(&mut self, call: &Call<'_>) -> Result<Message, DbusError> {
        let mut answer = None;
        self.ask([((), *call)], |(), told| answer = Some(told))?;
        answer.unwrap_or(Err(DbusError::Odd("no answer")))
    }

    /// Asks all of these; hands over each answer as it comes, with what stood beside the question. Fails where the talk
    /// breaks off: what was not handed over by then stays open.
    pub(crate) fn ask<'a, K>(
        &mut self,
        questions: impl IntoIterator<Item = (K, Call<'a>)>,
        mut told: impl FnMut(K, Result<Message, DbusError>),
    ) -> Result<(), DbusError> {
        let mut questions = questions.into_iter();
        let mut waiting: Vec<(u32, K)> = Vec::with_capacity(MOST_WAITING);
        loop {
            // Half of them at a time, so that many go out with one call of the kernel.
            if waiting.len() <= MOST_WAITING / 2 {
                let mut bytes = Vec::new();
                for (key, call) in questions.by_ref().take(MOST_WAITING - waiting.len()) {
                    // Zero is no serial number.
                    self.serial = self.serial.wrapping_add(1).max(1);
                    call.write(self.serial, &mut bytes).ok_or(DbusError::Odd("a question that is too long"))?;
                    waiting.push((self.serial, key));
                }
                self.stream.get_mut().write_all(&bytes)?;
            }
            if waiting.is_empty() {
                return Ok(());
            }
            let message = self.receive()?;
            // Signals, and what is asked of us, are passed over.
            let Some(to) = message.answers() else { continue };
            let Some(at) = waiting.iter().position(|(serial, _)| *serial == to) else { continue };
            let (_, key) = waiting.swap_remove(at);
            let error = message.error().map(|(name, text)| DbusError::Answer { name: brief(name), text: brief(text) });
            told(key, error.map_or(Ok(message), Err));
        }
    }

    fn receive(&mut self) -> Result<Message, DbusError> {
        let mut start = [0; START];
        self.stream.read_exact(&mut start)?;
        let length = message::length(&start).ok_or(DbusError::Odd("what is no message, or one that is too long"))?;
        // Memory grows with what came, not with what was promised.
        let mut bytes = Vec::with_capacity(length.min(FIRST_PIECE));
        bytes.extend(start);
        let rest = u64::try_from(length.saturating_sub(START)).unwrap_or(u64::MAX);
        (&mut self.stream).take(rest).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Message::parse(bytes).ok_or(DbusError::Odd("a message that cannot be read"))
    }
}

/// When the talk has to be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    start: Mono,
    patience: Duration,
}

impl End {
    pub(crate) fn after(patience: Duration) -> Self {
        Self { start: SystemClock.mono(), patience }
    }

    /// What is left; an error where that is nothing.
    fn left(self) -> io::Result<Duration> {
        let left = self.patience.saturating_sub(SystemClock.mono().since(self.start));
        // Less than the kernel counts would be taken for no limit at all.
        if left < Duration::from_millis(1) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Waits for room in the other's queue no longer than that.
fn connect(place: &Place, end: End) -> io::Result<UnixStream> {
    let address = match place {
        Place::Path(path) => SocketAddrUnix::new(&**path),
        Place::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
    }?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(end.left()?))?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket.into())
}

/// A stream whose every wait ends when the time is over.
#[derive(Debug)]
struct Timed {
    stream: UnixStream,
    end: End,
}

/// The kernel says of a wait that was too long that it would have to go on.
fn late(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.end.left()?))?;
        self.stream.read(buffer).map_err(late)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.end.left()?))?;
        self.stream.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Asks somebody who lets us in and then says these bytes; what came of it, and what was asked.
    fn asked(says: &[u8], patience: Duration) -> (Result<Option<Message>, DbusError>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let says = says.to_vec();
        let other = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut heard = Vec::new();
            let mut lets_in = false;
            let mut piece = [0; 4096];
            // Until we go away.
            while let Ok(length @ 1..) = stream.read(&mut piece) {
                heard.extend_from_slice(&piece[..length]);
                if !lets_in && heard.ends_with(b"\r\n") {
                    lets_in = true;
                    stream.write_all(b"OK 1234deadbeef\r\n").unwrap();
                    // Whoever is not waited for may be gone by then.
                    drop(stream.write_all(&says));
                }
                // The question ends so.
                if says.ends_with(b"BYE") && heard.ends_with(b"Of\0") {
                    break;
                }
            }
            heard
        });
        let outcome = Connection::direct(path.to_str().unwrap(), End::after(patience)).and_then(|mut connection| {
            let call = Call::property("a.b", "/o", "i.f", "Of");
            let mut answer = None;
            connection.ask([(7, call)], |key, told| answer = Some((key, told)))?;
            let (key, told) = answer.unwrap();
            assert_eq!(key, 7);
            told.map(Some)
        });
        (outcome, other.join().unwrap())
    }

    const LONG: Duration = Duration::from_mins(1);
    /// A signal, an answer to somebody else's question, and 42 as the answer to the first.
    const ANSWERS: &[u8] = b"l\x04\x01\x01\0\0\0\0\x01\0\0\0\0\0\0\0\
        l\x02\x01\x01\0\0\0\0\x02\0\0\0\x08\0\0\0\x05\x01u\0\x63\0\0\0\
        l\x02\x01\x01\x08\0\0\0\x03\0\0\0\x0f\0\0\0\x05\x01u\0\x01\0\0\0\x08\x01g\0\x01v\0\0\x01u\0\0\x2a\0\0\0";

    #[test]
    fn the_answer_to_a_question_is_found_among_others() {
        let (outcome, heard) = asked(ANSWERS, LONG);
        assert_eq!(outcome.unwrap().unwrap().property(), Some(crate::dbus::Value::U32(42)));
        let said = String::from_utf8_lossy(&heard);
        let hex = said.strip_prefix("\0AUTH EXTERNAL ").unwrap().split_once("\r\nBEGIN\r\nl\x01").unwrap().0;
        let user: Vec<u8> = hex
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(user, rustix::process::geteuid().as_raw().to_string().as_bytes());
    }

    #[test]
    fn whoever_says_nothing_is_waited_for_until_time_is_over() {
        let start = SystemClock.mono();
        let (outcome, _) = asked(b"", Duration::from_millis(200));
        assert!(
            matches!(&outcome, Err(DbusError::Broken(error)) if error.kind() == io::ErrorKind::TimedOut),
            "{outcome:?}"
        );
        assert!(SystemClock.mono().since(start) >= Duration::from_millis(200));
    }

    #[test]
    fn whoever_goes_away_or_talks_nonsense_is_an_error() {
        let broken = |says: &[u8]| asked(says, LONG).0.unwrap_err();
        for says in [&b"BYE"[..], &[&ANSWERS[..ANSWERS.len() - 12], b"BYE"].concat()] {
            let error = broken(says);
            let kind = if let DbusError::Broken(error) = &error { Some(error.kind()) } else { None };
            assert_eq!(kind, Some(io::ErrorKind::UnexpectedEof), "{error:?}");
        }
        // Too long, of no byte order, of another version, with fields that end early.
        for says in [
            &b"l\x02\x01\x01\0\0\0\x7f\x01\0\0\0\0\0\0\0"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"l\x02\x01\x02\0\0\0\0\x01\0\0\0\0\0\0\0",
            b"l\x02\x01\x01\0\0\0\0\x02\0\0\0\x06\0\0\0\x05\x01u\0\x01\0",
        ] {
            let says = [says, &[0; 64]].concat();
            assert!(matches!(broken(&says), DbusError::Odd(_)), "{says:?}");
        }
    }

    #[test]
    fn many_questions_are_answered_each_by_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let other = std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            stream.read_until(b'\n', &mut Vec::new()).unwrap();
            stream.get_mut().write_all(b"OK 1\r\n").unwrap();
            stream.read_until(b'\n', &mut Vec::new()).unwrap();
            let mut kept: Vec<Vec<u8>> = Vec::new();
            let mut start = [0; START];
            while stream.read_exact(&mut start).is_ok() {
                let rest = message::length(&start).unwrap() - START;
                stream.read_exact(&mut vec![0; rest]).unwrap();
                let serial = &start[8..12];
                let head = b"l\x02\x01\x01\x08\0\0\0\x03\0\0\0\x0f\0\0\0\x05\x01u\0";
                kept.push([head, serial, b"\x08\x01g\0\x01v\0\0\x01u\0\0", serial].concat());
                // Those that came together are answered from the last to the first.
                if stream.buffer().is_empty() {
                    stream.get_mut().write_all(&kept.drain(..).rev().flatten().collect::<Vec<u8>>()).unwrap();
                }
            }
        });
        let mut connection = Connection::direct(path.to_str().unwrap(), End::after(LONG)).unwrap();
        let mut answers = vec![0; 1000];
        let questions = (0..1000).map(|key| (key, Call::plain("a.b", "/o", "i.f", "Do")));
        connection
            .ask(questions, |key: usize, told| match told.unwrap().property() {
                Some(crate::dbus::Value::U32(serial)) => answers[key] = serial,
                other => panic!("{other:?}"),
            })
            .unwrap();
        assert_eq!(answers, (1..=1000).collect::<Vec<u32>>());
        drop(connection);
        other.join().unwrap();
    }
}
