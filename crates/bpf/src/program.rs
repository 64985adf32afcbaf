//! Programs that run where the kernel has set a point for them.

use aya::Ebpf;
use aya::maps::Map;
use aya::programs::BtfTracePoint;
use aya::programs::tp_btf::BtfTracePointLink;

use crate::kernel::{Kernel, LoadError};

/// Takes a map out of a loaded object.
pub(crate) fn map(loaded: &mut Ebpf, object: &'static str, name: &str) -> Result<Map, LoadError> {
    let missing = || LoadError::Unsupported { program: object, why: format!("`{name}` is not in its object") };
    loaded.take_map(name).ok_or_else(missing)
}

/// Loads a program and lets it run at a place in the kernel, as long as the link lives.
pub(crate) fn attach(
    loaded: &mut Ebpf,
    kernel: &Kernel,
    name: &'static str,
    place: &'static str,
) -> Result<BtfTracePointLink, LoadError> {
    let missing = || LoadError::Unsupported { program: name, why: "it is not in its object".to_owned() };
    let program = loaded.program_mut(name).ok_or_else(missing)?;
    let program: &mut BtfTracePoint = program.try_into().map_err(|error| LoadError::of(name, &error))?;
    program.load(place, &kernel.btf).map_err(|error| LoadError::of(name, &error))?;
    let link = program.attach().map_err(|error| LoadError::of(name, &error))?;
    program.take_link(link).map_err(|error| LoadError::of(name, &error))
}
