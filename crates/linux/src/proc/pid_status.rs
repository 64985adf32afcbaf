//! `/proc/PID/status`: users, memory, switches. Privilege: none.

use procyon_units::Bytes;

use super::scan::{Scan, line};
use super::{PidDir, Seen};

/// What `status` says. Switches are those of the main thread alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidStatus {
    /// Thread group; the same as the pid.
    pub tgid: u32,
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Room for descriptors that the kernel has set aside: an upper bound of those open.
    pub fd_slots: u64,
    /// The pid that the process has in its own, innermost pid namespace. Since 4.1.
    pub inner_pid: Option<u32>,
    /// Threads.
    pub threads: u32,
    /// Memory; none for kernel threads and zombies.
    pub memory: Option<PidMemory>,
    /// Voluntary switches of the main thread.
    pub voluntary: Option<u64>,
    /// Involuntary switches of the main thread.
    pub involuntary: Option<u64>,
}

/// Memory of a process, exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PidMemory {
    /// `VmPeak`.
    pub peak: Bytes,
    /// `VmSize`.
    pub size: Bytes,
    /// `VmLck`.
    pub locked: Bytes,
    /// `VmPin`.
    pub pinned: Bytes,
    /// `VmHWM`.
    pub high_water: Bytes,
    /// `VmRSS`.
    pub resident: Bytes,
    /// `VmData`.
    pub data: Bytes,
    /// `VmStk`.
    pub stack: Bytes,
    /// `VmExe`.
    pub text: Bytes,
    /// `VmLib`.
    pub library: Bytes,
    /// `VmPTE`.
    pub page_tables: Bytes,
    /// `VmSwap`.
    pub swap: Bytes,
}

/// Reads the file. Privilege: none.
pub fn read(process: &PidDir, buffer: &mut Vec<u8>) -> Seen<PidStatus> {
    process.read_with(c"status", buffer, parse)
}

/// Reads the lines that matter; missing ones stay empty. None if the text names no user, as when it is cut early.
pub fn parse(text: &[u8]) -> Option<PidStatus> {
    let mut status = PidStatus::default();
    let mut memory = PidMemory::default();
    let mut has_user = false;
    let mut has_memory = false;
    let mut rest = text;
    while let Some((current, tail)) = line(rest) {
        rest = tail;
        match current {
            [b'V', b'm', key @ ..] => has_memory |= take_memory(&mut memory, key).is_some(),
            [b'U', b'i', b'd', b':', values @ ..] => {
                let mut scan = Scan::new(values);
                status.uid = scan.unsigned32()?;
                status.euid = scan.unsigned32()?;
                has_user = true;
            }
            [b'G', b'i', b'd', b':', values @ ..] => {
                let mut scan = Scan::new(values);
                status.gid = scan.unsigned32()?;
                status.egid = scan.unsigned32()?;
            }
            [b'T', b'g', b'i', b'd', b':', value @ ..] => status.tgid = Scan::new(value).unsigned32()?,
            [b'F', b'D', b'S', b'i', b'z', b'e', b':', value @ ..] => status.fd_slots = Scan::new(value).unsigned()?,
            [b'N', b'S', b'p', b'i', b'd', b':', values @ ..] => status.inner_pid = last(values),
            [b'T', b'h', b'r', b'e', b'a', b'd', b's', b':', value @ ..] => {
                status.threads = Scan::new(value).unsigned32()?;
            }
            [b'v', b'o', b'l', ..] => status.voluntary = value_after_colon(current),
            [b'n', b'o', b'n', b'v', ..] => status.involuntary = value_after_colon(current),
            _ => {}
        }
    }
    status.memory = has_memory.then_some(memory);
    has_user.then_some(status)
}

/// Takes one `Vm…` line, given what follows these two letters.
fn take_memory(memory: &mut PidMemory, key: &[u8]) -> Option<()> {
    let (place, value) = match key {
        [b'P', b'e', b'a', b'k', b':', value @ ..] => (&mut memory.peak, value),
        [b'S', b'i', b'z', b'e', b':', value @ ..] => (&mut memory.size, value),
        [b'L', b'c', b'k', b':', value @ ..] => (&mut memory.locked, value),
        [b'P', b'i', b'n', b':', value @ ..] => (&mut memory.pinned, value),
        [b'H', b'W', b'M', b':', value @ ..] => (&mut memory.high_water, value),
        [b'R', b'S', b'S', b':', value @ ..] => (&mut memory.resident, value),
        [b'D', b'a', b't', b'a', b':', value @ ..] => (&mut memory.data, value),
        [b'S', b't', b'k', b':', value @ ..] => (&mut memory.stack, value),
        [b'E', b'x', b'e', b':', value @ ..] => (&mut memory.text, value),
        [b'L', b'i', b'b', b':', value @ ..] => (&mut memory.library, value),
        [b'P', b'T', b'E', b':', value @ ..] => (&mut memory.page_tables, value),
        [b'S', b'w', b'a', b'p', b':', value @ ..] => (&mut memory.swap, value),
        _ => return None,
    };
    *place = Bytes::from_kib(Scan::new(value).unsigned()?);
    Some(())
}

fn last(values: &[u8]) -> Option<u32> {
    let mut scan = Scan::new(values);
    std::iter::from_fn(|| scan.unsigned32()).last()
}

fn value_after_colon(line: &[u8]) -> Option<u64> {
    let (_, value) = crate::text::split_once(line, b':')?;
    Scan::new(value).unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "Name:\tevil\\nUid:\t7\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4084\nNgid:\t0\nPid:\t4084\nPPid:\t1\n\
        TracerPid:\t0\nUid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nFDSize:\t256\nGroups:\t4 24 27 \n\
        NStgid:\t4084\t12\nNSpid:\t4084\t12\nNSpgid:\t4084\t12\nNSsid:\t4084\t12\nKthread:\t0\n\
        VmPeak:\t  200000 kB\nVmSize:\t  190000 kB\nVmLck:\t       4 kB\nVmPin:\t       8 kB\nVmHWM:\t   50000 kB\n\
        VmRSS:\t   40000 kB\nRssAnon:\t   30000 kB\nRssFile:\t   10000 kB\nRssShmem:\t       0 kB\nVmData:\t   60000 kB\n\
        VmStk:\t     132 kB\nVmExe:\t     900 kB\nVmLib:\t    3000 kB\nVmPTE:\t     300 kB\nVmSwap:\t      16 kB\n\
        HugetlbPages:\t       0 kB\nCoreDumping:\t0\nThreads:\t7\nSigQ:\t0/31000\nCpus_allowed_list:\t0-1\n\
        voluntary_ctxt_switches:\t1234\nnonvoluntary_ctxt_switches:\t56\n";

    #[test]
    fn every_line_that_matters_is_taken() {
        let kib = Bytes::from_kib;
        assert_eq!(
            parse(USER.as_bytes()).unwrap(),
            PidStatus {
                tgid: 4084,
                uid: 1000,
                euid: 1001,
                gid: 100,
                egid: 101,
                fd_slots: 256,
                inner_pid: Some(12),
                threads: 7,
                memory: Some(PidMemory {
                    peak: kib(200_000),
                    size: kib(190_000),
                    locked: kib(4),
                    pinned: kib(8),
                    high_water: kib(50_000),
                    resident: kib(40_000),
                    data: kib(60_000),
                    stack: kib(132),
                    text: kib(900),
                    library: kib(3000),
                    page_tables: kib(300),
                    swap: kib(16),
                }),
                voluntary: Some(1234),
                involuntary: Some(56),
            }
        );
    }

    #[test]
    fn a_kernel_thread_has_no_memory() {
        let text = b"Name:\tkthreadd\nState:\tS (sleeping)\nTgid:\t2\nPid:\t2\nPPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nThreads:\t1\n";
        let status = parse(text).unwrap();
        assert_eq!((status.memory, status.threads, status.voluntary, status.inner_pid), (None, 1, None, None));
    }

    #[test]
    fn a_cut_line_is_not_taken() {
        let cut = USER.split_once("VmRSS:\t   40000").unwrap().0.to_owned() + "VmRSS:\t   40";
        let status = parse(cut.as_bytes()).unwrap();
        assert_eq!(status.memory.unwrap().resident, Bytes(0));
        assert_eq!(status.memory.unwrap().high_water, Bytes::from_kib(50_000));
        assert_eq!(parse(b"Name:\tx\nTgid:\t1\n"), None);
    }

    #[test]
    fn user_ids_fill_32_bits() {
        let status = parse(b"Uid:\t4294967294\t4294967294\t0\t0\n").unwrap();
        assert_eq!(status.uid, 4_294_967_294);
        assert_eq!(parse(b"Uid:\t4294967296\t0\t0\t0\n"), None);
    }
}
