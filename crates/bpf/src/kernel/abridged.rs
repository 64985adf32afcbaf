//! The kernel's type information, cut down to what our programs ask of it: the loader makes an object of its own of each of
//! some hundred thousand types, which takes ten times the room of the file, for a few dozen that matter.
//!
//! The layout is that of Documentation/bpf/btf.rst. Numbers of types stay what they are, for the kernel knows them by these;
//! whatever nobody asks for becomes a declaration without a name.

use std::collections::{HashMap, HashSet};

const MAGIC: u16 = 0xeb9f;
/// Least length of the header.
const HEADER: usize = 24;
/// Each type begins with three words: name, kind with the number of parts, size or type.
const HEAD: usize = 12;
/// A member of a structure: name, type, offset.
const MEMBER: usize = 12;

/// Kinds of types, include/uapi/linux/btf.h.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Names of types that programs ask for.
pub(super) struct Wanted<'a>(HashSet<&'a [u8]>);

impl<'a> Wanted<'a> {
    /// Takes the names from compiled programs. They stand between zeros; what else does names no type of the kernel, or one that
    /// is kept for nothing.
    pub(super) fn by(objects: &[&'a [u8]]) -> Self {
        let strings = objects.iter().flat_map(|object| object.split(|byte| *byte == 0));
        Self(strings.filter(|string| !string.is_empty()).map(plain).collect())
    }

    fn has(&self, kind: u32, name: &[u8]) -> bool {
        match kind {
            // Places where programs run are known by the names of these.
            kind::TYPEDEF if name.starts_with(b"btf_trace_") => true,
            kind::FUNC => name.starts_with(b"bpf_iter_"),
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::TYPEDEF => self.0.contains(plain(name)),
            _ => false,
        }
    }
}

/// A name without what tells apart the same type of several kernels.
fn plain(name: &[u8]) -> &[u8] {
    let end = name.windows(3).position(|three| three == b"___");
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

/// The same information with nothing in it but what is wanted; none when it is not understood.
pub(super) fn abridge(bytes: &[u8], wanted: &Wanted<'_>) -> Option<Vec<u8>> {
    let types = Types::parse(bytes)?;
    let kept = types.kept(wanted)?;
    // What follows the last of them is named by nobody.
    let last = kept.iter().rposition(|kept| *kept)?;
    let mut names = Names { types: &types, places: HashMap::from([(0, 0)]), strings: vec![0] };
    let mut out = Vec::with_capacity(HEADER + (last + 1) * (HEAD + 4));
    out.extend_from_slice(bytes.get(..HEADER)?);
    for at in 0..=last {
        types.write(at, kept.get(at).is_some_and(|kept| *kept), &mut names, &mut out)?;
    }
    let length = |bytes: usize| u32::try_from(bytes).ok();
    let (types_length, strings_length) = (length(out.len() - HEADER)?, length(names.strings.len())?);
    // Length of the header, then place and length of types and of strings, counted from its end.
    for (at, value) in [length(HEADER)?, 0, types_length, types_length, strings_length].into_iter().enumerate() {
        out.get_mut(4 + at * 4..8 + at * 4)?.copy_from_slice(&value.to_ne_bytes());
    }
    out.append(&mut names.strings);
    Some(out)
}

/// All types, by place; number 0 is that of none, so that number 1 is the first.
struct Types<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
    /// Where each begins.
    places: Vec<u32>,
}

/// The beginning of a type.
#[derive(Clone, Copy)]
struct Head {
    name: u32,
    kind: u32,
    parts: usize,
    of: u32,
}

impl Head {
    /// Bytes that follow.
    const fn more(self) -> Option<usize> {
        Some(match self.kind {
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => self.parts * MEMBER,
            kind::ENUM | kind::FUNC_PROTO => self.parts * 8,
            // Those without parts: pointers, declarations, other names, qualifiers, functions, floating point.
            2 | kind::FWD..=kind::FUNC | 16 | kind::TYPE_TAG => 0,
            _ => return None,
        })
    }

    /// Bytes from one named part to the next; the name stands first.
    const fn part(self) -> Option<usize> {
        match self.kind {
            kind::STRUCT | kind::UNION | kind::ENUM64 => Some(MEMBER),
            kind::ENUM => Some(8),
            _ => None,
        }
    }

    /// Whether it costs next to nothing and may be on the way from a structure to what it holds.
    const fn is_small(self) -> bool {
        !matches!(
            self.kind,
            kind::STRUCT
                | kind::UNION
                | kind::ENUM
                | kind::ENUM64
                | kind::FUNC
                | kind::FUNC_PROTO
                | kind::VAR
                | kind::DATASEC
                | kind::DECL_TAG
        )
    }
}

impl<'a> Types<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let magic = u16::from_ne_bytes(*bytes.first_chunk()?);
        let field = |at| usize::try_from(word(bytes, at)?).ok();
        let (header, types, types_length) = (field(4)?, field(8)?, field(12)?);
        let (strings, strings_length) = (field(16)?, field(20)?);
        let part = |from: usize, length: usize| {
            let from = header.checked_add(from)?;
            bytes.get(from..from.checked_add(length)?)
        };
        if magic != MAGIC || header < HEADER {
            return None;
        }
        let mut all =
            Self { bytes: part(types, types_length)?, strings: part(strings, strings_length)?, places: Vec::new() };
        let mut at = 0;
        while at < all.bytes.len() {
            all.places.push(u32::try_from(at).ok()?);
            at = at.checked_add(HEAD)?.checked_add(all.head(at)?.more()?)?;
        }
        (at == all.bytes.len()).then_some(all)
    }

    fn head(&self, place: usize) -> Option<Head> {
        let (name, info, of) = (word(self.bytes, place)?, word(self.bytes, place + 4)?, word(self.bytes, place + 8)?);
        Some(Head { name, kind: info >> 24 & 0x1f, parts: usize::try_from(info & 0xffff).ok()?, of })
    }

    fn place(&self, at: usize) -> Option<usize> {
        usize::try_from(*self.places.get(at)?).ok()
    }

    fn name(&self, offset: u32) -> Option<&'a [u8]> {
        let rest = self.strings.get(usize::try_from(offset).ok()?..)?;
        rest.get(..rest.iter().position(|byte| *byte == 0)?)
    }

    /// Which types are wanted, by name or as part of one that is.
    fn kept(&self, wanted: &Wanted<'_>) -> Option<Vec<bool>> {
        let mut kept = vec![false; self.places.len()];
        let mut open = Vec::new();
        for at in 0..self.places.len() {
            let head = self.head(self.place(at)?)?;
            if wanted.has(head.kind, self.name(head.name)?) {
                open.push(at);
            }
        }
        while let Some(at) = open.pop() {
            let mark = kept.get_mut(at)?;
            if std::mem::replace(mark, true) {
                continue;
            }
            let place = self.place(at)?;
            let head = self.head(place)?;
            match head.kind {
                kind::STRUCT | kind::UNION => {
                    for part in 0..head.parts {
                        self.follow(word(self.bytes, place + HEAD + part * MEMBER + 4)?, &mut open)?;
                    }
                }
                kind::TYPEDEF => self.follow(head.of, &mut open)?,
                _ => {}
            }
        }
        Some(kept)
    }

    /// Opens the structure or enumeration that lies in a member of a type, not one that it points to.
    fn follow(&self, number: u32, open: &mut Vec<usize>) -> Option<()> {
        let mut number = number;
        // Names of names and arrays of arrays end somewhere.
        for _ in 0..64 {
            let Some(at) = usize::try_from(number).ok()?.checked_sub(1) else { return Some(()) };
            let place = self.place(at)?;
            let head = self.head(place)?;
            number = match head.kind {
                kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 => {
                    open.push(at);
                    return Some(());
                }
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => head.of,
                kind::ARRAY => word(self.bytes, place + HEAD)?,
                _ => return Some(()),
            };
        }
        None
    }

    fn write(&self, at: usize, kept: bool, names: &mut Names<'_>, out: &mut Vec<u8>) -> Option<()> {
        let place = self.place(at)?;
        let head = self.head(place)?;
        if !kept && !head.is_small() {
            for word in [0, kind::FWD << 24, 0] {
                out.extend_from_slice(&u32::to_ne_bytes(word));
            }
            return Some(());
        }
        let begin = out.len();
        out.extend_from_slice(self.bytes.get(place..place + HEAD + head.more()?)?);
        let name = if kept { names.place(head.name)? } else { 0 };
        put(out, begin, name)?;
        if let Some(step) = head.part() {
            for part in 0..head.parts {
                let at = HEAD + part * step;
                let name = names.place(word(self.bytes, place + at)?)?;
                put(out, begin + at, name)?;
            }
        }
        Some(())
    }
}

/// Strings of those types that are kept.
struct Names<'a> {
    types: &'a Types<'a>,
    /// Where each lies now, by where it lay.
    places: HashMap<u32, u32>,
    strings: Vec<u8>,
}

impl Names<'_> {
    fn place(&mut self, old: u32) -> Option<u32> {
        if let Some(place) = self.places.get(&old) {
            return Some(*place);
        }
        let place = u32::try_from(self.strings.len()).ok()?;
        self.strings.extend_from_slice(self.types.name(old)?);
        self.strings.push(0);
        self.places.insert(old, place);
        Some(place)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn put(bytes: &mut [u8], at: usize, value: u32) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = value.to_ne_bytes();
    Some(())
}

#[cfg(test)]
mod tests {
    use aya::{Btf, Endianness};

    use super::*;

    /// A structure `name` with a member of each of `types`, as words.
    fn structure(name: u32, members: &[(u32, u32)]) -> Vec<u32> {
        let mut words = vec![name, kind::STRUCT << 24 | u32::try_from(members.len()).unwrap(), 8];
        words.extend(members.iter().flat_map(|(name, of)| [*name, *of, 0]));
        words
    }

    fn information(types: &[Vec<u32>], strings: &[u8]) -> Vec<u8> {
        let types: Vec<u8> = types.concat().into_iter().flat_map(u32::to_ne_bytes).collect();
        let mut bytes: Vec<u8> = MAGIC.to_ne_bytes().into_iter().chain([1, 0]).collect();
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        bytes.extend([24, 0, length(&types), length(&types), length(strings)].into_iter().flat_map(u32::to_ne_bytes));
        [bytes, types, strings.to_vec()].concat()
    }

    fn example() -> Vec<u8> {
        // Places of the names: 1, 6, 12, 17, 21.
        let strings = b"\0task\0inner\0left\0one\0bpf_iter_task\0";
        let types = [
            structure(12, &[(17, 2)]),
            // 2: a whole number; 3: a pointer to what is left out; 4: a structure that lies in another; 5: an array of it.
            vec![17, kind::INT << 24, 4, 32],
            vec![0, 2 << 24, 1],
            structure(6, &[(17, 2)]),
            vec![0, kind::ARRAY << 24, 0, 4, 2, 3],
            structure(1, &[(17, 3), (6, 5)]),
            vec![0, kind::FUNC_PROTO << 24 | 1, 0, 17, 3],
            vec![21, kind::FUNC << 24, 7],
            structure(12, &[(17, 2)]),
        ];
        information(&types, strings)
    }

    #[test]
    fn what_is_asked_for_stays_with_what_lies_in_it() {
        let object = b"\x7fELF\0task___before_5_14\0\0".as_slice();
        let short = abridge(&example(), &Wanted::by(&[object])).unwrap();
        assert!(short.len() < example().len());
        Btf::parse(&short, Endianness::default()).unwrap();
        let types = Types::parse(&short).unwrap();
        let named: Vec<(usize, u32, &[u8])> = (0..types.places.len())
            .map(|at| (at + 1, types.head(types.place(at).unwrap()).unwrap()))
            .map(|(number, head)| (number, head.kind, types.name(head.name).unwrap()))
            .filter(|(_, _, name)| !name.is_empty())
            .collect();
        let expected: [(usize, u32, &[u8]); 3] =
            [(4, kind::STRUCT, b"inner"), (6, kind::STRUCT, b"task"), (8, kind::FUNC, b"bpf_iter_task")];
        assert_eq!(named, expected);
    }

    #[test]
    fn information_that_is_cut_or_wrong_is_not_understood() {
        let (bytes, object) = (example(), b"\0task\0".as_slice());
        for end in 0..bytes.len() {
            assert!(abridge(&bytes[..end], &Wanted::by(&[object])).is_none(), "{end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] = value;
                // Whatever comes of it, it ends without a panic.
                if let Some(short) = abridge(&wrong, &Wanted::by(&[object])) {
                    assert!(short.len() <= wrong.len() + HEADER, "{at}");
                }
            }
        }
    }
}
