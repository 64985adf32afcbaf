//! Calls on memory, and System V and POSIX queues, semaphores and shared memory.

#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, clippy::enum_glob_use, reason = "a table reads best like this")
)]

use super::kind::*;
use super::*;
use crate::decode::words::*;
use crate::decode::words::{memory, time};
use crate::decode::{Answer::*, Form};
use crate::names::memory::*;

const PROTECTION: Kind = Kind::As(Form::Flags64(&MMAP_PROT));
const MAPPED: Kind = Kind::As(Form::By(memory::map_flags));
const KEY: Kind = Kind::As(Form::By(memory::key));
const QUEUE: Kind = Kind::As(Form::By(memory::queue_flags));
const POLICY: Kind = Kind::As(Form::By(memory::policy));
const MESSAGE: Kind = Kind::As(Form::Flags32(&IPC_MSG_FLAGS));

#[rustfmt::skip]
pub(super) static CALLS: &[System] = &[
    call("brk", MEMORY, &[POINTER], Hex),
    call("mmap", DESC | MEMORY, &[POINTER, LU, PROTECTION, MAPPED, FD, X], Hex),
    call("munmap", MEMORY, &[POINTER, LU], Number),
    call("mprotect", MEMORY, &[POINTER, LU, PROTECTION], Number),
    call("pkey_mprotect", MEMORY, &[POINTER, LU, PROTECTION, D], Number),
    call("pkey_alloc", 0, &[X, Kind::As(Form::Flags64(&PKEY_ACCESS))], Number),
    call("pkey_free", 0, &[D], Number),
    call("mremap", MEMORY, &[POINTER, LU, LU, Kind::By(&memory::REMAP), Kind::With], Hex),
    call("remap_file_pages", MEMORY, &[POINTER, LU, PROTECTION, LU, MAPPED], Number),
    call("msync", MEMORY, &[POINTER, LU, Kind::As(Form::Flags32(&MCTL_SYNC))], Number),
    call("mincore", MEMORY, &[POINTER, LU, Kind::By(&memory::RESIDENT)], Number),
    call("madvise", MEMORY, &[POINTER, LU, Kind::As(Form::One32(&MADVISE_CMDS))], Number),
    call("process_madvise", DESC, &[FD, Kind::Elsewhere(2), LU, Kind::As(Form::One32(&MADVISE_CMDS)), X32], Number),
    call("process_mrelease", DESC, &[FD, X32], Number),
    call("mlock", MEMORY, &[POINTER, LU], Number),
    call("mlock2", MEMORY, &[POINTER, LU, Kind::As(Form::Flags32(&MLOCK_FLAGS))], Number),
    call("munlock", MEMORY, &[POINTER, LU], Number),
    call("mlockall", MEMORY, &[Kind::As(Form::Flags32(&MLOCKALL_FLAGS))], Number),
    call("munlockall", MEMORY, &[], Number),
    call("mseal", MEMORY, &[POINTER, LU, X], Number),
    call("map_shadow_stack", MEMORY, &[POINTER, LU, X32], Hex),
    call("mbind", MEMORY, &[POINTER, LU, POLICY, Kind::By(&memory::NODES_OF_RANGE), LU, Kind::As(Form::Flags32(&MBIND_FLAGS))], Number),
    call("set_mempolicy", MEMORY, &[POLICY, Kind::By(&memory::NODES), LU], Number),
    call("get_mempolicy", MEMORY, &[Kind::OutBox(Form::One32(&MPOL_MODES)), Kind::By(&memory::NODES_READ), LU, POINTER, Kind::As(Form::Flags64(&GET_MEMPOLICY_FLAGS))], Number),
    call("set_mempolicy_home_node", MEMORY, &[POINTER, LU, LU, X], Number),
    call("migrate_pages", MEMORY, &[D, LU, POINTER, POINTER], Number),
    call("move_pages", MEMORY, &[D, LU, Kind::InArray(Form::Address, 1), Kind::InArray(Form::D32, 1), Kind::OutArray(Form::D32, 1), Kind::As(Form::Flags32(&MOVE_PAGES_FLAGS))], Number),
    call("membarrier", 0, &[Kind::As(Form::One32(&MEMBARRIER_CMDS)), Kind::By(&memory::BARRIER), Kind::With], By(memory::barriers)),
    call("userfaultfd", DESC, &[Kind::As(Form::Flags32(&UFFD_FLAGS))], Descriptor),
    call("process_vm_readv", 0, &[D, Kind::Scattered(2), LU, Kind::Elsewhere(4), LU, LU], Number),
    call("process_vm_writev", 0, &[D, Kind::Gathered(2), LU, Kind::Elsewhere(4), LU, LU], Number),
    // System V.
    call("shmget", IPC, &[KEY, LU, Kind::As(Form::By(memory::segment_flags))], Number),
    call("shmat", IPC | MEMORY, &[D, POINTER, Kind::As(Form::Flags32(&SHM_FLAGS))], Hex),
    call("shmdt", IPC | MEMORY, &[POINTER], Number),
    call("shmctl", IPC, &[D, Kind::By(&memory::SEGMENT), Kind::With], Number),
    call("semget", IPC, &[KEY, D, QUEUE], Number),
    call("semop", IPC, &[D, Kind::InArray(Form::Inside(&SEMBUF), 2), U], Number),
    call("semtimedop", IPC, &[D, Kind::InArray(Form::Inside(&SEMBUF), 2), U, Kind::In(&TIMESPEC)], Number),
    call("semctl", IPC, &[D, D, Kind::As(Form::By(memory::semaphore_command)), POINTER], Number),
    call("msgget", IPC, &[KEY, QUEUE], Number),
    call("msgsnd", IPC, &[D, Kind::By(&memory::QUEUED), LU, MESSAGE], Number),
    call("msgrcv", IPC, &[D, Kind::By(&memory::RECEIVED), LU, LD, MESSAGE], Number),
    call("msgctl", IPC, &[D, Kind::As(Form::By(memory::queue_command)), POINTER], Number),
    // POSIX.
    call("mq_open", DESC, &[Kind::Path, Kind::By(&memory::QUEUE_OPENED), Kind::With, Kind::With], Descriptor),
    call("mq_unlink", 0, &[Kind::Path], Number),
    call("mq_timedsend", DESC, &[FD, Kind::Written(2), LU, U, Kind::In(&TIMESPEC)], Number),
    call("mq_timedreceive", DESC, &[FD, Kind::Returned, LU, Kind::OutBox(Form::U32), Kind::In(&TIMESPEC)], Number),
    call("mq_notify", DESC, &[FD, Kind::By(&time::EVENT)], Number),
    call("mq_getsetattr", DESC, &[FD, Kind::In(&MQ_ATTR), Kind::Out(&MQ_ATTR)], Number),
];
