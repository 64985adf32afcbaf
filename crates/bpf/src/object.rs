//! Puts a compiled object into the kernel: its maps, then its programs one by one.
//!
//! aya's own loader reads all types of the kernel for every object, which took tens of MiB and a tenth of a second each; so only
//! its parts below that are used, which understand the object and fit it to the kernel's types.

#![expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use aya_obj::EbpfSectionKind;
use aya_obj::btf::{BtfFeatures, BtfKind};
use aya_obj::generated::{bpf_attach_type, bpf_map_type, bpf_prog_type};

use crate::kernel::{Kernel, LoadError};
use crate::sys::{self, address, command, number};

/// Room for what the verifier says when it refuses.
const LOG: usize = 64 << 10;
/// What every kernel that can run our programs understands of an object's own types; newer things are put in older words.
const UNDERSTOOD: BtfFeatures = BtfFeatures::new(true, true, true, false, false, false, false, false);

/// Where a program runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// At a tracepoint, with arguments as the kernel's types tell.
    Tracepoint(&'a str),
    /// Once for each object of a kind when somebody reads.
    Iterator(&'a str),
    /// Where a control group is told that a socket is closed.
    SocketRelease,
}

/// A compiled object with its maps in the kernel.
pub(crate) struct Object {
    name: &'static str,
    parsed: aya_obj::Object,
    types: OwnedFd,
    maps: HashMap<String, OwnedFd>,
}

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner: u32,
    node: u32,
    name: [u8; 16],
    interface: u32,
    types: u32,
    key_type: u32,
    value_type: u32,
    kernel_value_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    kind: u32,
    instructions_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    types: u32,
    functions_size: u32,
    functions: u64,
    functions_count: u32,
    lines_size: u32,
    lines: u64,
    lines_count: u32,
    attach_type_id: u32,
    attach_program: u32,
    zero: u32,
}

#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    types: u64,
    log: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
    zero: u32,
}

#[repr(C)]
#[derive(Default)]
struct Element {
    map: u32,
    zero: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct Attach {
    name: u64,
    program: u32,
    zero: u32,
}

#[repr(C)]
#[derive(Default)]
struct Link {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
}

impl Object {
    /// Takes an object, with these numbers in its constants, and makes its maps.
    pub(crate) fn load(
        name: &'static str,
        bytes: &[u8],
        kernel: &Kernel,
        constants: &[(&str, u32)],
    ) -> Result<Self, LoadError> {
        let failed = |error: &(dyn Error + 'static)| LoadError::of(name, error);
        let mut parsed = aya_obj::Object::parse(bytes).map_err(|error| failed(&error))?;
        let values: Vec<(&str, [u8; 4])> = constants.iter().map(|(name, value)| (*name, value.to_ne_bytes())).collect();
        let values = values.iter().map(|(name, value)| (*name, (&value[..], true))).collect();
        parsed.patch_map_data(values).map_err(|error| failed(&error))?;
        let types = parsed.fixup_and_sanitize_btf(&UNDERSTOOD).map_err(|error| failed(&error))?;
        let types = types.ok_or_else(|| missing(name, "its types"))?.to_bytes();
        let types = load_types(&types).map_err(|error| failed(&error))?;
        parsed.relocate_btf(&kernel.btf).map_err(|error| failed(&error))?;
        let mut maps = HashMap::new();
        for (map_name, map) in &parsed.maps {
            let made = make_map(map_name, map, types.as_fd()).map_err(|error| failed(&error))?;
            maps.insert(map_name.clone(), made);
        }
        let sections: HashSet<usize> = parsed.functions.keys().map(|(section, _)| *section).collect();
        let described = std::mem::take(&mut parsed.maps);
        let places = maps.iter().filter_map(|(name, fd)| Some((&**name, fd.as_raw_fd(), described.get(name)?)));
        parsed.relocate_maps(places, &sections).map_err(|error| failed(&error))?;
        parsed.relocate_calls(&sections).map_err(|error| failed(&error))?;
        Ok(Self { name, parsed, types, maps })
    }

    /// One of its maps.
    pub(crate) fn map(&self, name: &'static str) -> Result<OwnedFd, LoadError> {
        let map = self.maps.get(name).ok_or_else(|| missing(self.name, name))?;
        map.try_clone().map_err(|error| LoadError::of(self.name, &error))
    }

    /// Puts one of its programs into the kernel.
    pub(crate) fn program(&self, name: &'static str, kernel: &Kernel, place: Place<'_>) -> Result<OwnedFd, LoadError> {
        let program = self.parsed.programs.get(name).ok_or_else(|| missing(self.name, name))?;
        let function = self.parsed.functions.get(&program.function_key()).ok_or_else(|| missing(self.name, name))?;
        let id = |type_name: String, kind| {
            kernel.btf.id_by_type_name_kind(&type_name, kind).map_err(|error| LoadError::of(name, &error))
        };
        let (kind, attach_type, attach_type_id) = match place {
            Place::Tracepoint(tracepoint) => {
                let id = id(format!("btf_trace_{tracepoint}"), BtfKind::Typedef)?;
                (bpf_prog_type::BPF_PROG_TYPE_TRACING, bpf_attach_type::BPF_TRACE_RAW_TP, id)
            }
            Place::Iterator(objects) => {
                let id = id(format!("bpf_iter_{objects}"), BtfKind::Func)?;
                (bpf_prog_type::BPF_PROG_TYPE_TRACING, bpf_attach_type::BPF_TRACE_ITER, id)
            }
            Place::SocketRelease => {
                (bpf_prog_type::BPF_PROG_TYPE_CGROUP_SOCK, bpf_attach_type::BPF_CGROUP_INET_SOCK_RELEASE, 0)
            }
        };
        // Tells the verifier which functions it may check by themselves.
        let functions = &function.func_info.func_info;
        let attributes = ProgLoad {
            types: number(self.types.as_fd()),
            functions: address(functions.as_ptr()),
            functions_count: u32::try_from(functions.len()).unwrap_or(0),
            functions_size: u32::try_from(function.func_info_rec_size).unwrap_or(0),
            kind: kind as u32,
            instructions_count: u32::try_from(function.instructions.len()).unwrap_or(0),
            instructions: address(function.instructions.as_ptr()),
            license: address(program.license.as_ptr()),
            name: short(name),
            attach_type: attach_type as u32,
            attach_type_id,
            ..ProgLoad::default()
        };
        load_program(attributes).map_err(|error| LoadError::of(name, &error))
    }
}

fn missing(object: &'static str, what: &str) -> LoadError {
    LoadError::Unsupported { program: object, why: format!("`{what}` is not in its object") }
}

/// Lets a loaded program run at its tracepoint, as long as the link lives.
pub(crate) fn attach(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attributes = Attach { program: number(program), ..Attach::default() };
    // SAFETY: nothing is pointed to; the command makes a descriptor.
    Ok(unsafe { sys::open(command::RAW_TRACEPOINT_OPEN, &raw mut attributes) }?)
}

/// Lets a loaded program run for a control group and those below it, as long as the link lives.
pub(crate) fn attach_to_group(program: BorrowedFd<'_>, group: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let attach_type = bpf_attach_type::BPF_CGROUP_INET_SOCK_RELEASE as u32;
    let mut attributes = Link { program: number(program), target: number(group), attach_type, flags: 0 };
    // SAFETY: nothing is pointed to; the command makes a descriptor.
    Ok(unsafe { sys::open(command::LINK_CREATE, &raw mut attributes) }?)
}

fn load_types(bytes: &[u8]) -> io::Result<OwnedFd> {
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut attributes = BtfLoad { types: address(bytes.as_ptr()), size, ..BtfLoad::default() };
    // SAFETY: the kernel reads as many bytes as there are; the command makes a descriptor.
    Ok(unsafe { sys::open(command::BTF_LOAD, &raw mut attributes) }?)
}

/// Makes a map and puts in what the object has for it.
fn make_map(name: &str, map: &aya_obj::Map, types: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attributes = MapCreate {
        kind: map.map_type(),
        key_size: map.key_size(),
        value_size: map.value_size(),
        max_entries: map.max_entries(),
        flags: map.map_flags(),
        name: short(name),
        ..MapCreate::default()
    };
    // A ring has neither keys nor values.
    if let aya_obj::Map::Btf(described) = map
        && map.map_type() != bpf_map_type::BPF_MAP_TYPE_RINGBUF as u32
    {
        attributes.types = number(types);
        attributes.key_type = described.def.btf_key_type_id;
        attributes.value_type = described.def.btf_value_type_id;
    }
    // SAFETY: nothing is pointed to; the command makes a descriptor.
    let made = unsafe { sys::open(command::MAP_CREATE, &raw mut attributes) }?;
    let (data, size) = (map.data(), usize::try_from(map.value_size()).unwrap_or(usize::MAX));
    if data.len() >= size && !data.is_empty() {
        let first = 0_u32;
        let mut element = Element {
            map: number(made.as_fd()),
            key: address(&raw const first),
            value: address(data.as_ptr()),
            ..Element::default()
        };
        // SAFETY: the kernel reads a key of four bytes, for such maps are arrays, and a value whose size is checked above.
        unsafe { sys::call(command::MAP_UPDATE, &raw mut element) }?;
    }
    if map.section_kind() == EbpfSectionKind::Rodata {
        let mut element = number(made.as_fd());
        // SAFETY: nothing is pointed to.
        unsafe { sys::call(command::MAP_FREEZE, &raw mut element) }?;
    }
    Ok(made)
}

/// Names in the kernel have 15 bytes, of those that C allows.
fn short(name: &str) -> [u8; 16] {
    let mut short = [0; 16];
    let fit = name.bytes().map(|byte| if byte.is_ascii_alphanumeric() || byte == b'.' { byte } else { b'_' });
    for (to, from) in short.iter_mut().take(15).zip(fit) {
        *to = from;
    }
    short
}

/// The verifier's last words beside the kernel's error.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct Refused {
    said: String,
    source: io::Error,
}

/// The attributes point to what lives in the caller.
fn load_program(mut attributes: ProgLoad) -> Result<OwnedFd, Refused> {
    // SAFETY: instructions, functions and license belong to an object that the caller holds; the command makes a descriptor.
    let error = match unsafe { sys::open(command::PROG_LOAD, &raw mut attributes) } {
        Ok(program) => return Ok(program),
        Err(error) => error,
    };
    let mut log = vec![0_u8; LOG];
    attributes.log_level = 1;
    attributes.log_size = u32::try_from(log.len()).unwrap_or(0);
    attributes.log = address(log.as_mut_ptr());
    // SAFETY: as above, and the kernel writes at most as much as the log holds.
    let again = unsafe { sys::open(command::PROG_LOAD, &raw mut attributes) };
    if let Ok(program) = again {
        return Ok(program);
    }
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let said = String::from_utf8_lossy(log.get(..end).unwrap_or_default()).into_owned();
    let last: Vec<&str> = said.lines().rev().filter(|line| !line.starts_with("processed ")).take(2).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    let said = if last.is_empty() { "the kernel refuses it".to_owned() } else { last.join("; ") };
    Err(Refused { said, source: error.into() })
}

/// Reads a number of an array of 64-bit numbers.
pub(crate) fn read_number(map: BorrowedFd<'_>, at: u32) -> io::Result<u64> {
    let mut value = 0_u64;
    let mut element =
        Element { map: number(map), key: address(&raw const at), value: address(&raw mut value), ..Element::default() };
    // SAFETY: the kernel reads a key of four bytes and writes a value of eight: the caller names an array of such.
    unsafe { sys::call(command::MAP_LOOKUP, &raw mut element) }?;
    Ok(value)
}
