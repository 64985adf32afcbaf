//! Where a bus is: `unix:path=/run/dbus/system_bus_socket`, `unix:abstract=name`, several of them behind semicolons.

/// A Unix socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file.
    Path(Vec<u8>),
    /// A name without a file.
    Abstract(Vec<u8>),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", String::from_utf8_lossy(path)),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
        }
    }
}

/// The most places that are tried.
const MOST: usize = 8;

/// The Unix sockets of an address, in its order; other transports are passed over.
pub(super) fn parse(text: &str) -> Vec<Place> {
    text.split(';').filter_map(place).take(MOST).collect()
}

fn place(text: &str) -> Option<Place> {
    let mut pairs = text.strip_prefix("unix:")?.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| match key {
        "path" => Some(Place::Path(decoded(value)?)),
        "abstract" => Some(Place::Abstract(decoded(value)?)),
        _ => None,
    })
}

/// A value in which bytes may be written `%2f`; none where what follows a percent sign is no number, and for nothing at all.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_taken_in_order_and_other_transports_are_passed_over() {
        let path = |path: &str| Place::Path(path.into());
        for (text, places) in [
            ("unix:path=/run/dbus/system_bus_socket", vec![path("/run/dbus/system_bus_socket")]),
            ("unix:path=/a,guid=12", vec![path("/a")]),
            ("unix:guid=12,path=/a%20b%2C", vec![path("/a b,")]),
            ("tcp:host=h,port=1;unix:abstract=x;unix:path=/b", vec![Place::Abstract("x".into()), path("/b")]),
            ("unix:path=/a%2", vec![]),
            ("unix:path=/a%zz", vec![]),
            ("unix:path=", vec![]),
            ("unix:runtime=yes", vec![]),
            ("/run/socket", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(text), places, "{text}");
        }
        assert_eq!(parse(&"unix:path=/a;".repeat(100)).len(), MOST);
    }
}
