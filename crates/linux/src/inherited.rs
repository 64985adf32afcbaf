//! Sockets that somebody opened for us before we began: socket activation of systemd.

#![expect(unsafe_code, reason = "descriptors that come by number have no safe wrapper")]

use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first descriptor that systemd hands over. Source: sd_listen_fds(3).
const FIRST_INHERITED: i32 = 3;
/// The most that are taken.
const MOST_INHERITED: i32 = 64;

/// The listening TCP sockets that systemd opened for us (`LISTEN_PID`, `LISTEN_FDS`). Call it once, before anything else
/// opens files: descriptors from 3 on are taken to be those sockets.
pub fn listeners() -> std::io::Result<Vec<TcpListener>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = |name: &str| std::env::var(name).ok()?.trim().parse::<i64>().ok();
    let ours = number("LISTEN_PID").is_some_and(|of| of == i64::from(crate::own::pid()));
    let count = number("LISTEN_FDS").and_then(|count| i32::try_from(count).ok()).unwrap_or(0);
    if !ours || count <= 0 || TAKEN.swap(true, Ordering::AcqRel) {
        return Ok(Vec::new());
    }
    let mut listeners = Vec::new();
    for descriptor in FIRST_INHERITED..FIRST_INHERITED + count.min(MOST_INHERITED) {
        // SAFETY: the descriptor is only asked what it is, and a number that is open to nothing answers with an error.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC)?;
        if !rustix::net::sockopt::socket_acceptconn(borrowed)? {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no listening socket"));
        }
        // SAFETY: systemd opened it for us, and it is taken once: `TAKEN` was false before.
        listeners.push(TcpListener::from(unsafe { OwnedFd::from_raw_fd(descriptor) }));
    }
    Ok(listeners)
}
