//! Sockets between a virtual machine and its host, vsock(7).

#![expect(unsafe_code, reason = "no safe wrapper knows addresses of vsock")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// A socket that listens for streams from anywhere, and its port; with port 0 the kernel chooses one. It does not block.
/// Since Linux 3.9. Privilege: `CAP_NET_BIND_SERVICE` for ports below 1024. Error `EAFNOSUPPORT` where the kernel has no vsock.
pub fn listen(port: u32) -> io::Result<(OwnedFd, u32)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::VSOCK, SocketType::STREAM, flags, None)?;
    // SAFETY: a structure of numbers alone, for which all zeros are values.
    let mut address: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
    address.svm_family = u16::try_from(libc::AF_VSOCK).map_err(io::Error::other)?;
    address.svm_cid = libc::VMADDR_CID_ANY;
    address.svm_port = if port == 0 { libc::VMADDR_PORT_ANY } else { port };
    let mut length = u32::try_from(size_of::<libc::sockaddr_vm>()).map_err(io::Error::other)?;
    // SAFETY: the address lives through the call and is as long as is said.
    if unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) } != 0 {
        return Err(io::Error::last_os_error());
    }
    rustix::net::listen(&socket, BACKLOG)?;
    // SAFETY: the kernel writes no more than `length` bytes, which is what the address has room for.
    if unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut length) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((socket, address.svm_port))
}
