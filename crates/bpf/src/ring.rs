//! Rings that programs fill and we empty.

use std::os::fd::OwnedFd;

use aya::maps::{Map, MapData, RingBuf};

use crate::kernel::LoadError;

/// Takes hold of a ring.
pub(crate) fn open(program: &'static str, map: OwnedFd) -> Result<RingBuf<MapData>, LoadError> {
    let map = MapData::from_fd(map).map_err(|error| LoadError::of(program, &error))?;
    RingBuf::try_from(Map::RingBuf(map)).map_err(|error| LoadError::of(program, &error))
}
