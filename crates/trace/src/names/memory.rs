//! Names of what calls on memory and System V IPC take.

use super::{Names, names};

names! {
    /// What may be done with pages.
    MMAP_PROT, "PROT_???":
    PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, PROT_SEM = 8, PROT_GROWSDOWN = 0x0100_0000,
    PROT_GROWSUP = 0x0200_0000,
}

names! {
    /// How pages are mapped: the lowest four bits are a kind, the others flags.
    MMAP_FLAGS, "MAP_???":
    MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20,
    MAP_32BIT = 0x40, MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000, MAP_NONBLOCK = 0x10000, MAP_GROWSDOWN = 0x100,
    MAP_DENYWRITE = 0x800, MAP_EXECUTABLE = 0x1000, MAP_FILE = 0, MAP_LOCKED = 0x2000, MAP_STACK = 0x20000,
    MAP_HUGETLB = 0x40000, MAP_SYNC = 0x80000, MAP_UNINITIALIZED = 0x0400_0000, MAP_FIXED_NOREPLACE = 0x0010_0000,
}

names! {
    /// How a mapping may move.
    MREMAP_FLAGS, "MREMAP_???":
    MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4,
}

names! {
    /// What is told of coming accesses.
    MADVISE_CMDS, "MADV_???":
    MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8,
    MADV_REMOVE = 9, MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12, MADV_UNMERGEABLE = 13,
    MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
    MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21, MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
    MADV_DONTNEED_LOCKED = 24, MADV_COLLAPSE = 25, MADV_HWPOISON = 100, MADV_SOFT_OFFLINE = 101,
}

names! {
    /// How pages are written back.
    MCTL_SYNC, "MS_???":
    MS_SYNC = 4, MS_ASYNC = 1, MS_INVALIDATE = 2,
}

names! {
    /// What is locked in memory.
    MLOCKALL_FLAGS, "MCL_???":
    MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4,
}

names! {
    /// How pages are locked.
    MLOCK_FLAGS, "MLOCK_???":
    MLOCK_ONFAULT = 1,
}

names! {
    /// How memory is spread over nodes.
    MPOL_MODES, "MPOL_???":
    MPOL_DEFAULT = 0, MPOL_PREFERRED = 1, MPOL_BIND = 2, MPOL_INTERLEAVE = 3, MPOL_LOCAL = 4, MPOL_PREFERRED_MANY = 5,
}

names! {
    /// Flags of that.
    MPOL_MODE_FLAGS, "MPOL_???":
    MPOL_F_STATIC_NODES = 0x8000, MPOL_F_RELATIVE_NODES = 0x4000, MPOL_F_NUMA_BALANCING = 0x2000,
}

names! {
    /// Flags of `mbind`.
    MBIND_FLAGS, "MPOL_???":
    MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4,
}

names! {
    /// What `get_mempolicy` tells.
    GET_MEMPOLICY_FLAGS, "MPOL_???":
    MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4,
}

names! {
    /// Flags of `move_pages`.
    MOVE_PAGES_FLAGS, "MPOL_???":
    MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4,
}

names! {
    /// What a protection key forbids.
    PKEY_ACCESS, "PKEY_???":
    PKEY_DISABLE_ACCESS = 1, PKEY_DISABLE_WRITE = 2, PKEY_DISABLE_EXECUTE = 4,
}

names! {
    /// Kinds of barriers.
    MEMBARRIER_CMDS, "MEMBARRIER_CMD_???":
    MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1, MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4, MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 0x10, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 0x20,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 0x40, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 0x80,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 0x100,
}

names! {
    /// Flags of barriers.
    MEMBARRIER_FLAGS, "MEMBARRIER_CMD_FLAG_???":
    MEMBARRIER_CMD_FLAG_CPU = 1,
}

names! {
    /// Flags of a descriptor for page faults.
    UFFD_FLAGS, "UFFD_???":
    UFFD_USER_MODE_ONLY = 1, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000,
}

names! {
    /// How shared memory is attached.
    SHM_FLAGS, "SHM_???":
    SHM_RDONLY = 0x1000, SHM_RND = 0x2000, SHM_REMAP = 0x4000, SHM_EXEC = 0x8000,
}

names! {
    /// How shared memory is found or made.
    SHM_RESOURCE_FLAGS, "":
    IPC_CREAT = 0x200, IPC_EXCL = 0x400, SHM_HUGETLB = 0x800, SHM_NORESERVE = 0x1000,
}

names! {
    /// How a queue or semaphores are found or made.
    RESOURCE_FLAGS, "":
    IPC_CREAT = 0x200, IPC_EXCL = 0x400, IPC_NOWAIT = 0x800,
}

names! {
    /// How messages are sent and received.
    IPC_MSG_FLAGS, "MSG_???":
    MSG_NOERROR = 0x1000, MSG_EXCEPT = 0x2000, MSG_COPY = 0x4000, IPC_NOWAIT = 0x800,
}

names! {
    /// The key of nobody else.
    IPC_PRIVATE, "":
    IPC_PRIVATE = 0,
}

names! {
    /// Flags of a semaphore operation.
    SEMOP_FLAGS, "SEM_???":
    SEM_UNDO = 0x1000, IPC_NOWAIT = 0x800,
}

names! {
    /// What `shmctl` is to do.
    SHMCTL_FLAGS, "SHM_???":
    IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13,
    SHM_INFO = 14, SHM_STAT_ANY = 15,
}

names! {
    /// What `semctl` is to do.
    SEMCTL_FLAGS, "SEM_???":
    IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14,
    GETZCNT = 15, SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19, SEM_STAT_ANY = 20,
}

names! {
    /// What `msgctl` is to do.
    MSGCTL_FLAGS, "MSG_???":
    IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13,
}

names! {
    /// Flags of a POSIX queue.
    MQ_ATTR_FLAGS, "O_???":
    O_NONBLOCK = 0x800,
}
