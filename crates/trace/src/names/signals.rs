//! Names of signal handling.

use super::{Names, names};

names! {
    /// How a handler is called.
    SIGACT_FLAGS, "SA_???":
    SA_RESTORER = 0x0400_0000, SA_ONSTACK = 0x0800_0000, SA_RESTART = 0x1000_0000, SA_INTERRUPT = 0x2000_0000,
    SA_NODEFER = 0x4000_0000, SA_RESETHAND = 0x8000_0000, SA_SIGINFO = 4, SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2,
}

names! {
    /// Handlers that are no functions.
    SA_HANDLER_VALUES, "":
    SIG_ERR = 0xffff_ffff_ffff_ffff, SIG_DFL = 0, SIG_IGN = 1,
}

names! {
    /// How a mask changes.
    SIGPROCMASKCMDS, "SIG_???":
    SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2,
}

names! {
    /// State of the other stack.
    SIGALTSTACK_FLAGS, "SS_???":
    SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = 0x8000_0000,
}

names! {
    /// Where a signal came from.
    SIGINFO_CODES, "":
    SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = 0xffff_ffff, SI_TIMER = 0xffff_fffe, SI_MESGQ = 0xffff_fffd,
    SI_ASYNCIO = 0xffff_fffc, SI_SIGIO = 0xffff_fffb, SI_TKILL = 0xffff_fffa, SI_DETHREAD = 0xffff_fff9,
    SI_ASYNCNL = 0xffff_ffc4, SI_NOINFO = 0x7fff,
}

names! {
    /// What a child did.
    SIGCHLD_CODES, "":
    CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6,
}

names! {
    /// What a bad access was.
    SIGSEGV_CODES, "":
    SEGV_MAPERR = 1, SEGV_ACCERR = 2, SEGV_BNDERR = 3, SEGV_PKUERR = 4, SEGV_ACCADI = 5, SEGV_ADIDERR = 6,
    SEGV_ADIPERR = 7, SEGV_MTEAERR = 8, SEGV_MTESERR = 9,
}

names! {
    /// What a bus error was.
    SIGBUS_CODES, "":
    BUS_ADRALN = 1, BUS_ADRERR = 2, BUS_OBJERR = 3, BUS_MCEERR_AR = 4, BUS_MCEERR_AO = 5,
}

names! {
    /// What an arithmetic error was.
    SIGFPE_CODES, "":
    FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7,
    FPE_FLTSUB = 8, FPE_FLTUNK = 14, FPE_CONDTRAP = 15,
}

names! {
    /// What an illegal instruction was.
    SIGILL_CODES, "":
    ILL_ILLOPC = 1, ILL_ILLOPN = 2, ILL_ILLADR = 3, ILL_ILLTRP = 4, ILL_PRVOPC = 5, ILL_PRVREG = 6, ILL_COPROC = 7,
    ILL_BADSTK = 8, ILL_BADIADDR = 9,
}

names! {
    /// What a trap was.
    SIGTRAP_CODES, "":
    TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_BRANCH = 3, TRAP_HWBKPT = 4, TRAP_UNK = 5, TRAP_PERF = 6,
}

names! {
    /// What a descriptor is ready for.
    SIGPOLL_CODES, "":
    POLL_IN = 1, POLL_OUT = 2, POLL_MSG = 3, POLL_ERR = 4, POLL_PRI = 5, POLL_HUP = 6,
}

names! {
    /// Why a system call was refused.
    SIGSYS_CODES, "":
    SYS_SECCOMP = 1, SYS_USER_DISPATCH = 2,
}

names! {
    /// How one hears of an event.
    SIGEV_VALUE, "SIGEV_???":
    SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4,
}
