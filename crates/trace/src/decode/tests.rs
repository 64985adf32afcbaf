//! Calls with what came with them, beside what strace 6.1 prints of the same.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{Descriptors, Options, line};
use crate::call::{Call, Return};
use crate::capture::When;
use crate::memory::Piece;
use crate::table;

/// A call in the making.
struct Case(Call);

fn case(name: &str, arguments: &[u64]) -> Case {
    let mut call = Call { number: table::number(name).unwrap(), ..Call::default() };
    call.arguments[..arguments.len()].copy_from_slice(arguments);
    Case(call)
}

impl Case {
    fn at(mut self, when: When, address: u64, bytes: &[u8]) -> Self {
        self.0.memory.push(Piece { address, when, bytes: bytes.to_vec() });
        self
    }

    fn left(self, address: u64, bytes: &[u8]) -> Self {
        self.at(When::Exit, address, bytes)
    }

    fn entered(self, address: u64, bytes: &[u8]) -> Self {
        self.at(When::Enter, address, bytes)
    }

    fn returns(mut self, result: i64) -> Call {
        self.0.returned = Some(Return { result, at: 0 });
        self.0
    }
}

fn told(call: &Call) -> String {
    let mut out = String::new();
    line(call, &Options { column: 0, ..Options::default() }, &(), &mut out);
    out
}

#[track_caller]
fn check(call: &Call, expected: &str) {
    assert_eq!(told(call), expected);
}

/// Numbers side by side.
fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

/// The same of four bytes each.
fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

const HERE: u64 = 0xffff_ff9c;

#[test]
fn files_are_opened() {
    let open = |flags, mode, result| {
        case("openat", &[HERE, 0x1000, flags, mode]).left(0x1000, b"/etc/ld.so.cache\0").returns(result)
    };
    check(&open(0x80000, 0, 3), r#"openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3"#);
    check(
        &open(0x241, 0o666, -13),
        r#"openat(AT_FDCWD, "/etc/ld.so.cache", O_WRONLY|O_CREAT|O_TRUNC, 0666) = -1 EACCES (Permission denied)"#,
    );
    check(
        &open(0x90800, 0, 3),
        r#"openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY) = 3"#,
    );
    check(
        &case("openat", &[5, 0x1000, 2]).returns(-2),
        "openat(5, 0x1000, O_RDWR) = -1 ENOENT (No such file or directory)",
    );
    check(&case("openat", &[5, 0, 2]).returns(-14), "openat(5, NULL, O_RDWR) = -1 EFAULT (Bad address)");
    let how = words(&[0x80042, 0o600, 8]);
    check(
        &case("openat2", &[HERE, 0x1000, 0x2000, 24]).left(0x1000, b"x\0").left(0x2000, &how).returns(3),
        r#"openat2(AT_FDCWD, "x", {flags=O_RDWR|O_CREAT|O_CLOEXEC, mode=0600, resolve=RESOLVE_BENEATH}, 24) = 3"#,
    );
    check(&case("umask", &[0o22]).returns(0), "umask(022) = 000");
    check(&case("close", &[3]).returns(0), "close(3) = 0");
}

#[test]
fn content_is_cut_and_escaped() {
    check(&case("write", &[1, 0x1000, 6]).left(0x1000, b"a\tb\"\\\n").returns(6), r#"write(1, "a\tb\"\\\n", 6) = 6"#);
    check(
        &case("write", &[1, 0x1000, 40]).left(0x1000, &[b'x'; 33]).returns(40),
        r#"write(1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., 40) = 40"#,
    );
    check(
        &case("read", &[3, 0x1000, 832]).left(0x1000, b"\x7fELF\x02\x01\x01\x03\0\0\x007\xff").returns(13),
        r#"read(3, "\177ELF\2\1\1\3\0\0\0007\377", 832) = 13"#,
    );
    check(&case("read", &[3, 0x1000, 832]).returns(0), r#"read(3, "", 832) = 0"#);
    check(
        &case("read", &[3, 0x1000, 832]).returns(-11),
        "read(3, 0x1000, 832) = -1 EAGAIN (Resource temporarily unavailable)",
    );
    check(
        &case("getrandom", &[0x1000, 8, 1]).left(0x1000, &[0x12, 0, 0xff, 4, 5, 6, 7, 8]).returns(8),
        r#"getrandom("\x12\x00\xff\x04\x05\x06\x07\x08", 8, GRND_NONBLOCK) = 8"#,
    );
    check(
        &case("readlink", &[0x1000, 0x2000, 4095])
            .left(0x1000, b"/proc/self/exe\0")
            .left(0x2000, b"/usr/bin/ls")
            .returns(11),
        r#"readlink("/proc/self/exe", "/usr/bin/ls", 4095) = 11"#,
    );
    check(&case("getcwd", &[0x1000, 4096]).left(0x1000, b"/tmp\0").returns(5), r#"getcwd("/tmp", 4096) = 5"#);
    let vectors = words(&[0x2000, 5, 0x3000, 1]);
    check(
        &case("writev", &[1, 0x1000, 2]).left(0x1000, &vectors).left(0x2000, b"hello").left(0x3000, b"\n").returns(6),
        r#"writev(1, [{iov_base="hello", iov_len=5}, {iov_base="\n", iov_len=1}], 2) = 6"#,
    );
    check(
        &case("readv", &[1, 0x1000, 2]).left(0x1000, &vectors).left(0x2000, b"hell").returns(4),
        r#"readv(1, [{iov_base="hell", iov_len=5}, {iov_base="", iov_len=1}], 2) = 4"#,
    );
}

#[test]
fn memory_is_mapped() {
    let nothing = 0xffff_ffff;
    check(
        &case("mmap", &[0, 8192, 3, 0x22, nothing, 0]).returns(0x7f00_0000_0000),
        "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
    );
    check(
        &case("mmap", &[0x7f00_0000_0000, 8192, 5, 0x812, 3, 0x28000]).returns(-12),
        "mmap(0x7f0000000000, 8192, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE, 3, 0x28000) = -1 ENOMEM (Cannot allocate memory)",
    );
    check(&case("mprotect", &[0x1000, 4096, 0]).returns(0), "mprotect(0x1000, 4096, PROT_NONE) = 0");
    check(&case("brk", &[0]).returns(0x5555_5555_9000), "brk(NULL) = 0x555555559000");
    check(&case("mremap", &[0x1000, 1, 2, 1]).returns(0x2000), "mremap(0x1000, 1, 2, MREMAP_MAYMOVE) = 0x2000");
    check(&case("madvise", &[0x1000, 4096, 4]).returns(0), "madvise(0x1000, 4096, MADV_DONTNEED) = 0");
    check(
        &case("set_mempolicy", &[0x8001, 0x1000, 65]).left(0x1000, &words(&[3])).returns(0),
        "set_mempolicy(MPOL_PREFERRED|MPOL_F_STATIC_NODES, [0x00000000000003], 65) = 0",
    );
    check(&case("shmget", &[0, 56, 0o1600]).returns(7), "shmget(IPC_PRIVATE, 56, IPC_CREAT|0600) = 7");
    check(&case("shmget", &[0x52, 56, 0]).returns(7), "shmget(0x52, 56, 000) = 7");
}

#[test]
fn programs_start_and_children_end() {
    check(
        &case("execve", &[0x1000, 0x2000, 0x3000])
            .entered(0x1000, b"/bin/ls\0")
            .entered(0x2000, &words(&[0x4000, 0x5000, 0]))
            .entered(0x3000, &words(&[1, 2, 0, 4]))
            .entered(0x4000, b"ls\0")
            .entered(0x5000, b"-l\0")
            .returns(0),
        r#"execve("/bin/ls", ["ls", "-l"], 0x3000 /* 2 vars */) = 0"#,
    );
    check(
        &case("clone", &[0x120_0011, 0, 0, 0x7f10, 0]).returns(42),
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f10) = 42",
    );
    let arguments = words(&[0x3d_0f00, 0, 0x7f10, 0x7f10, 0, 0x7000, 0x8000, 0x7f00, 0, 0, 0]);
    check(
        &case("clone3", &[0x1000, 88]).entered(0x1000, &arguments).returns(42),
        "clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|\
         CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, child_tid=0x7f10, parent_tid=0x7f10, exit_signal=0, stack=0x7000, \
         stack_size=0x8000, tls=0x7f00} => {parent_tid=[42]}, 88) = 42",
    );
    let wait = |status: u32, result| {
        case("wait4", &[0xffff_ffff, 0x1000, 0, 0]).left(0x1000, &halves(&[status])).returns(result)
    };
    check(&wait(0x100, 42), "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 1}], 0, NULL) = 42");
    check(&wait(9, 42), "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}], 0, NULL) = 42");
    check(&wait(0x8b, 42), "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 42");
    check(&wait(0x137f, 42), "wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], 0, NULL) = 42");
    check(
        &wait(0x6_057f, 42),
        "wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGTRAP}|PTRACE_EVENT_EXIT<<16], 0, NULL) = 42",
    );
    check(&wait(0xffff, 42), "wait4(-1, [{WIFCONTINUED(s)}], 0, NULL) = 42");
    check(&wait(0, 0), "wait4(-1, 0x1000, 0, NULL) = 0");
    check(&wait(0, -10), "wait4(-1, 0x1000, 0, NULL) = -1 ECHILD (No child processes)");
    let mut info = halves(&[17, 0, 1, 0, 42, 1000, 7, 0]);
    info.extend(words(&[3, 0]));
    check(
        &case("waitid", &[1, 42, 0x1000, 4, 0]).left(0x1000, &info).returns(0),
        "waitid(P_PID, 42, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=42, si_uid=1000, si_status=7, \
         si_utime=3 /* 0.03 s */, si_stime=0}, WEXITED, NULL) = 0",
    );
    let mut exits = case("exit_group", &[0]).returns(0);
    exits.returned = None;
    check(&exits, "exit_group(0) = ?");
}

#[test]
fn threads_wait_for_each_other() {
    check(
        &case("futex", &[0x1000, 0x80, 2, 0]).returns(-11),
        "futex(0x1000, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN (Resource temporarily unavailable)",
    );
    check(&case("futex", &[0x1000, 0x81, 1]).returns(1), "futex(0x1000, FUTEX_WAKE_PRIVATE, 1) = 1");
    check(
        &case("futex", &[0x1000, 0x189, 0, 0x2000, 0, 0xffff_ffff]).left(0x2000, &words(&[5, 7])).returns(-110),
        "futex(0x1000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, {tv_sec=5, tv_nsec=7}, \
         FUTEX_BITSET_MATCH_ANY) = -1 ETIMEDOUT (Connection timed out)",
    );
    check(&case("set_robust_list", &[0x1000, 24]).returns(0), "set_robust_list(0x1000, 24) = 0");
    check(&case("rseq", &[0x1000, 32, 0, 0x5305_3053]).returns(0), "rseq(0x1000, 0x20, 0, 0x53053053) = 0");
    check(&case("gettid", &[]).returns(42), "gettid() = 42");
}

#[test]
fn what_a_file_is_is_told_in_short() {
    let stat = |mode: u32| {
        let mut bytes = vec![0; 144];
        bytes[24..28].copy_from_slice(&mode.to_ne_bytes());
        bytes[40..48].copy_from_slice(&0x8803_u64.to_ne_bytes());
        bytes[48..56].copy_from_slice(&1234_u64.to_ne_bytes());
        case("fstat", &[1, 0x1000]).left(0x1000, &bytes).returns(0)
    };
    check(&stat(0o100_644), "fstat(1, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0");
    check(&stat(0o104_755), "fstat(1, {st_mode=S_IFREG|S_ISUID|0755, st_size=1234, ...}) = 0");
    check(&stat(0o041_777), "fstat(1, {st_mode=S_IFDIR|S_ISVTX|0777, st_size=1234, ...}) = 0");
    check(&stat(0o020_620), "fstat(1, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x3), ...}) = 0");
    check(
        &case("newfstatat", &[3, 0x1000, 0x2000, 0x1000]).left(0x1000, b"\0").returns(-9),
        r#"newfstatat(3, "", 0x2000, AT_EMPTY_PATH) = -1 EBADF (Bad file descriptor)"#,
    );
    let mut bytes = vec![0; 256];
    bytes[0..4].copy_from_slice(&0x7ff_u32.to_ne_bytes());
    bytes[28..30].copy_from_slice(&0o100_644_u16.to_ne_bytes());
    bytes[40..48].copy_from_slice(&99_u64.to_ne_bytes());
    check(
        &case("statx", &[HERE, 0x1000, 0x900, 0x7ff, 0x2000]).left(0x1000, b"f\0").left(0x2000, &bytes).returns(0),
        "statx(AT_FDCWD, \"f\", AT_STATX_SYNC_AS_STAT|AT_SYMLINK_NOFOLLOW|AT_NO_AUTOMOUNT, STATX_BASIC_STATS, \
         {stx_mask=STATX_BASIC_STATS, stx_attributes=0, stx_mode=S_IFREG|0644, stx_size=99, ...}) = 0",
    );
    let entry = |length: u16| {
        let mut bytes = vec![0; usize::from(length)];
        bytes[16..18].copy_from_slice(&length.to_ne_bytes());
        bytes
    };
    let entries = [entry(24), entry(32)].concat();
    check(
        &case("getdents64", &[3, 0x1000, 32768]).left(0x1000, &entries).returns(56),
        "getdents64(3, 0x1000 /* 2 entries */, 32768) = 56",
    );
    check(&case("getdents64", &[3, 0x1000, 32768]).returns(0), "getdents64(3, 0x1000 /* 0 entries */, 32768) = 0");
    check(
        &case("getdents64", &[3, 0x1000, 32768]).left(0x1000, &entries).returns(99),
        "getdents64(3, 0x1000 /* 2+ entries */, 32768) = 99",
    );
    check(
        &case("access", &[0x1000, 4]).left(0x1000, b"/x\0").returns(-2),
        r#"access("/x", R_OK) = -1 ENOENT (No such file or directory)"#,
    );
    check(
        &case("utimensat", &[HERE, 0x1000, 0x2000, 0])
            .left(0x1000, b"f\0")
            .left(0x2000, &words(&[1_796_022_133, 5, 0, 0x3fff_fffe]))
            .returns(0),
        "utimensat(AT_FDCWD, \"f\", [{tv_sec=1796022133, tv_nsec=5} /* 2026-11-30T07:02:13.000000005+0000 */, \
         UTIME_OMIT], 0) = 0",
    );
}

#[test]
fn sockets_have_addresses() {
    check(
        &case("socket", &[2, 0x80801, 0]).returns(3),
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3",
    );
    check(
        &case("socket", &[16, 0x80003, 0]).returns(3),
        "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3",
    );
    check(&case("socket", &[1, 1, 0]).returns(3), "socket(AF_UNIX, SOCK_STREAM, 0) = 3");
    let connect = |bytes: &[u8]| case("connect", &[3, 0x1000, bytes.len() as u64]).left(0x1000, bytes).returns(0);
    let internet = [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    check(
        &connect(&internet),
        "connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0",
    );
    let mut six = vec![10, 0, 0x1f, 0x90, 0, 0, 0, 0];
    six.extend([0; 15]);
    six.extend([1, 0, 0, 0, 0]);
    check(
        &connect(&six),
        "connect(3, {sa_family=AF_INET6, sin6_port=htons(8080), sin6_flowinfo=htonl(0), \
         inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0",
    );
    check(
        &connect(b"\x01\0/run/nscd/socket\0"),
        r#"connect(3, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 19) = 0"#,
    );
    check(&connect(b"\x01\0\0name"), r#"connect(3, {sa_family=AF_UNIX, sun_path=@"name"}, 7) = 0"#);
    check(
        &connect(b"\x10\0\0\0\0\0\0\0\0\0\0\0"),
        "connect(3, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 0",
    );
    let accepted = |before: u32, after: u32, result| {
        case("accept4", &[3, 0x1000, 0x2000, 0x80000])
            .entered(0x2000, &halves(&[before]))
            .left(0x2000, &halves(&[after]))
            .left(0x1000, &internet)
            .returns(result)
    };
    check(
        &accepted(128, 16, 4),
        "accept4(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16], SOCK_CLOEXEC) = 4",
    );
    check(
        &accepted(16, 16, -11),
        "accept4(3, 0x1000, [16], SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)",
    );
    check(&case("accept", &[3, 0, 0]).returns(4), "accept(3, NULL, NULL) = 4");
    check(
        &case("sendto", &[3, 0x1000, 3, 0x4000, 0, 0]).left(0x1000, b"abc").returns(3),
        r#"sendto(3, "abc", 3, MSG_NOSIGNAL, NULL, 0) = 3"#,
    );
    check(
        &case("recvfrom", &[3, 0x1000, 9, 0, 0, 0]).left(0x1000, b"abc").returns(3),
        r#"recvfrom(3, "abc", 9, 0, NULL, NULL) = 3"#,
    );
    check(
        &case("setsockopt", &[3, 1, 2, 0x1000, 4]).left(0x1000, &halves(&[1])).returns(0),
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
    );
    check(
        &case("setsockopt", &[3, 6, 1, 0x1000, 4]).left(0x1000, &halves(&[1])).returns(0),
        "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0",
    );
    check(
        &case("getsockopt", &[3, 1, 4, 0x1000, 0x2000])
            .entered(0x2000, &halves(&[4]))
            .left(0x2000, &halves(&[4]))
            .left(0x1000, &halves(&[111]))
            .returns(0),
        "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0",
    );
    check(
        &case("socketpair", &[1, 1, 0, 0x1000]).left(0x1000, &halves(&[3, 4])).returns(0),
        "socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0",
    );
}

#[test]
fn messages_have_parts() {
    let header = words(&[0, 0, 0x2000, 1, 0x3000, 24, 0]);
    let sent = case("sendmsg", &[3, 0x1000, 0])
        .left(0x1000, &header)
        .left(0x2000, &words(&[0x4000, 2]))
        .left(0x4000, b"hi")
        .left(0x3000, &[words(&[20]), halves(&[1, 1, 7, 0])].concat())
        .returns(2);
    check(
        &sent,
        "sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"hi\", iov_len=2}], msg_iovlen=1, \
         msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7]}], msg_controllen=24, \
         msg_flags=0}, 0) = 2",
    );
    let received = |result| {
        case("recvmsg", &[3, 0x1000, 0x40])
            .entered(0x1000, &words(&[0x5000, 16, 0x2000, 1, 0, 0, 0]))
            .left(0x1000, &words(&[0x5000, 12, 0x2000, 1, 0, 0, 0x20]))
            .left(0x2000, &words(&[0x4000, 9]))
            .left(0x4000, b"hi")
            .left(0x5000, b"\x10\0\0\0\0\0\0\0\0\0\0\0")
            .returns(result)
    };
    check(
        &received(2),
        "recvmsg(3, {msg_name={sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, msg_namelen=16 => 12, \
         msg_iov=[{iov_base=\"hi\", iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=MSG_TRUNC}, MSG_DONTWAIT) = 2",
    );
    check(&received(-11), "recvmsg(3, {msg_namelen=16}, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily unavailable)");
}

#[test]
fn waits_tell_what_is_ready() {
    let polled = |revents: u32| halves(&[3, 1 | revents << 16, 4, 4]);
    check(
        &case("poll", &[0x1000, 2, 1000]).left(0x1000, &polled(1)).returns(1),
        "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, 1000) = 1 ([{fd=3, revents=POLLIN}])",
    );
    check(
        &case("poll", &[0x1000, 2, 0xffff_ffff]).left(0x1000, &polled(0)).returns(0),
        "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 0 (Timeout)",
    );
    check(
        &case("ppoll", &[0x1000, 1, 0x2000, 0, 8])
            .left(0x1000, &polled(0x11))
            .entered(0x2000, &words(&[1, 0]))
            .left(0x2000, &words(&[0, 9]))
            .returns(1),
        "ppoll([{fd=3, events=POLLIN}], 1, {tv_sec=1, tv_nsec=0}, NULL, 8) = 1 \
         ([{fd=3, revents=POLLIN|POLLHUP}], left {tv_sec=0, tv_nsec=9})",
    );
    let set = |bits: u64| [words(&[bits]), vec![0; 120]].concat();
    check(
        &case("select", &[6, 0x1000, 0, 0, 0x2000])
            .entered(0x1000, &set(0b11_1000))
            .left(0x1000, &set(0b00_1000))
            .entered(0x2000, &words(&[1, 0]))
            .left(0x2000, &words(&[0, 9]))
            .returns(1),
        "select(6, [3 4 5], NULL, NULL, {tv_sec=1, tv_usec=0}) = 1 (in [3], left {tv_sec=0, tv_usec=9})",
    );
    let event = [halves(&[1]), words(&[5])].concat();
    check(
        &case("epoll_wait", &[3, 0x1000, 64, 0xffff_ffff]).left(0x1000, &event).returns(1),
        "epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}], 64, -1) = 1",
    );
    check(&case("epoll_wait", &[3, 0x1000, 64, 0]).returns(0), "epoll_wait(3, [], 64, 0) = 0");
    check(
        &case("epoll_ctl", &[3, 1, 5, 0x1000]).left(0x1000, &event).returns(0),
        "epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0",
    );
    check(&case("epoll_ctl", &[3, 2, 5, 0]).returns(0), "epoll_ctl(3, EPOLL_CTL_DEL, 5, NULL) = 0");
}

#[test]
fn signals_are_named() {
    let action = words(&[0x4010, 0x1400_0000, 0x4020, 1 << 16]);
    check(
        &case("rt_sigaction", &[2, 0x1000, 0x2000, 8])
            .left(0x1000, &action)
            .left(0x2000, &words(&[0, 0, 0, 0]))
            .returns(0),
        "rt_sigaction(SIGINT, {sa_handler=0x4010, sa_mask=[CHLD], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x4020}, \
         {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0",
    );
    check(
        &case("rt_sigprocmask", &[0, 0x1000, 0x2000, 8])
            .left(0x1000, &words(&[u64::MAX]))
            .left(0x2000, &words(&[0x8000_0003]))
            .returns(0),
        "rt_sigprocmask(SIG_BLOCK, ~[], [HUP INT RTMIN], 8) = 0",
    );
    check(
        &case("rt_sigprocmask", &[2, 0x1000, 0, 8]).left(0x1000, &words(&[!0x1_0002])).returns(0),
        "rt_sigprocmask(SIG_SETMASK, ~[INT CHLD], NULL, 8) = 0",
    );
    check(&case("kill", &[42, 9]).returns(0), "kill(42, SIGKILL) = 0");
    check(&case("kill", &[0xffff_ffff, 35]).returns(-1), "kill(-1, SIGRT_3) = -1 EPERM (Operation not permitted)");
    check(&case("tgkill", &[42, 43, 0]).returns(0), "tgkill(42, 43, 0) = 0");
    check(
        &case("nanosleep", &[0x1000, 0x1000])
            .entered(0x1000, &words(&[9, 0]))
            .left(0x1000, &words(&[4, 7]))
            .returns(-516),
        "nanosleep({tv_sec=9, tv_nsec=0}, {tv_sec=4, tv_nsec=7}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)",
    );
    check(
        &case("clock_nanosleep", &[0, 0, 0x1000, 0x2000])
            .entered(0x1000, &words(&[9, 0]))
            .left(0x2000, &words(&[4, 7]))
            .returns(0),
        "clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=9, tv_nsec=0}, 0x2000) = 0",
    );
    check(&case("pause", &[]).returns(-514), "pause() = ? ERESTARTNOHAND (To be restarted if no handler)");
    check(
        &case("read", &[0, 0x1000, 1]).returns(-512),
        "read(0, 0x1000, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
    );
}

#[test]
fn settings_are_told_with_what_they_mean() {
    check(&case("fcntl", &[3, 3]).returns(0x8002), "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)");
    check(&case("fcntl", &[3, 1]).returns(1), "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)");
    check(&case("fcntl", &[3, 1]).returns(0), "fcntl(3, F_GETFD) = 0");
    check(&case("fcntl", &[3, 2, 1]).returns(0), "fcntl(3, F_SETFD, FD_CLOEXEC) = 0");
    check(&case("fcntl", &[3, 4, 0x802]).returns(0), "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0");
    check(&case("fcntl", &[3, 1030, 10]).returns(10), "fcntl(3, F_DUPFD_CLOEXEC, 10) = 10");
    let lock = [halves(&[1, 0]), words(&[10, 5])].concat();
    check(
        &case("fcntl", &[3, 6, 0x1000]).left(0x1000, &lock).returns(0),
        "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=10, l_len=5}) = 0",
    );
    check(
        &case("ioctl", &[1, 0x5413, 0x1000]).left(0x1000, &halves(&[0x50_0018, 0])).returns(0),
        "ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0",
    );
    check(
        &case("ioctl", &[1, 0x5401, 0x1000]).returns(-25),
        "ioctl(1, TCGETS, 0x1000) = -1 ENOTTY (Inappropriate ioctl for device)",
    );
    let settings = [halves(&[0x4500, 5, 0xbf, 0x8a3b]), vec![0; 20]].concat();
    check(
        &case("ioctl", &[1, 0x5401, 0x1000]).left(0x1000, &settings).returns(0),
        "ioctl(1, TCGETS, {c_iflag=ICRNL|IXON|IUTF8, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, \
         c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON|ECHO|ECHOE|ECHOK|IEXTEN|ECHOCTL|ECHOKE, ...}) = 0",
    );
    check(&case("ioctl", &[3, 0x5421, 0x1000]).left(0x1000, &halves(&[1])).returns(0), "ioctl(3, FIONBIO, [1]) = 0");
    check(
        &case("ioctl", &[3, 0xc0de_f00d, 0x10]).returns(-25),
        "ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0xf0, 0xd, 0xde), 0x10) = -1 ENOTTY (Inappropriate ioctl for device)",
    );
    check(&case("ioctl", &[4, 0x4004_9409, 3]).returns(0), "ioctl(4, BTRFS_IOC_CLONE or FICLONE, 3) = 0");
    check(&case("prctl", &[15, 0x1000]).left(0x1000, b"worker\0").returns(0), r#"prctl(PR_SET_NAME, "worker") = 0"#);
    check(&case("prctl", &[1, 15]).returns(0), "prctl(PR_SET_PDEATHSIG, SIGTERM) = 0");
    check(&case("prctl", &[38, 1]).returns(0), "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0");
    check(&case("prctl", &[3]).returns(1), "prctl(PR_GET_DUMPABLE) = 1 (SUID_DUMP_USER)");
    check(&case("arch_prctl", &[0x1002, 0x7f00]).returns(0), "arch_prctl(ARCH_SET_FS, 0x7f00) = 0");
    check(
        &case("prlimit64", &[0, 3, 0, 0x1000]).left(0x1000, &words(&[8_388_608, u64::MAX])).returns(0),
        "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0",
    );
    check(
        &case("sched_getaffinity", &[0, 128, 0x1000]).left(0x1000, &[3, 0, 0, 0, 0, 0, 0, 0]).returns(8),
        "sched_getaffinity(0, 128, [0 1]) = 8",
    );
    check(&case("getgroups", &[64, 0x1000]).left(0x1000, &halves(&[0, 27])).returns(2), "getgroups(64, [0, 27]) = 2");
    check(&case("setresuid", &[u64::from(u32::MAX), 0, 5]).returns(0), "setresuid(-1, 0, 5) = 0");
    let mut name = b"Linux".to_vec();
    name.resize(65, 0);
    name.extend(b"host");
    name.resize(390, 0);
    check(
        &case("uname", &[0x1000]).left(0x1000, &name).returns(0),
        r#"uname({sysname="Linux", nodename="host", ...}) = 0"#,
    );
}

#[test]
fn numbers_without_a_name_are_told_as_they_are() {
    let call = Call { number: 0x1f0, arguments: [1, 0, 3, 4, 5, 6], ..case("read", &[]).returns(-38) };
    check(&call, "syscall_0x1f0(0x1, 0, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)");
    check(
        &Call { number: u32::MAX, ..call },
        "syscall_0xffffffff(0x1, 0, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)",
    );
    check(
        &case("lseek", &[3, u64::MAX, 77]).returns(-22),
        "lseek(3, -1, 0x4d /* SEEK_??? */) = -1 EINVAL (Invalid argument)",
    );
    check(&case("read", &[3, 0x1000, 1]).returns(-4000), "read(3, 0x1000, 1) = -1 (errno 4000)");
    check(
        &case("memfd_create", &[0x1000, 0x8000]).left(0x1000, b"x\0").returns(3),
        r#"memfd_create("x", 0x8000 /* MFD_??? */) = 3"#,
    );
}

#[test]
fn results_stand_in_a_column_and_parts_are_found() {
    let mut out = String::from("[pid 7] ");
    let call = case("close", &[3]).returns(-9);
    let line = line(&call, &Options::default(), &(), &mut out);
    assert_eq!(out, "[pid 7] close(3)                        = -1 EBADF (Bad file descriptor)");
    assert_eq!(&out[line.name], "close");
    assert_eq!(&out[line.arguments], "3");
    assert_eq!(&out[line.result], "-1 EBADF (Bad file descriptor)");
    assert_eq!(line.error, Some("EBADF"));
    let mut call = case("read", &[0, 0x1000, 10]).returns(0);
    call.returned = None;
    check(&call, "read(0, 0x1000, 10 <unfinished ...>");
}

struct Known;

impl Descriptors for Known {
    fn describe(&self, process: u32, descriptor: i32, when: When) -> Option<Cow<'_, str>> {
        match (process, descriptor, when) {
            (5, super::AT_FDCWD, _) => Some("/tmp/a<b".into()),
            (5, 3, When::Exit) => Some("/etc/passwd".into()),
            (5, 4, _) => Some("/tmp/x (deleted)".into()),
            _ => None,
        }
    }
}

#[test]
fn descriptors_are_told_with_their_files_when_asked() {
    let options = Options { descriptors: true, column: 0, ..Options::default() };
    let tell = |call: Call| {
        let mut out = String::new();
        line(&Call { process: 5, ..call }, &options, &Known, &mut out);
        out
    };
    let open = case("openat", &[HERE, 0x1000, 0]).left(0x1000, b"/etc/passwd\0").returns(3);
    assert_eq!(tell(open), r#"openat(AT_FDCWD</tmp/a\74b>, "/etc/passwd", O_RDONLY) = 3</etc/passwd>"#);
    assert_eq!(tell(case("close", &[3]).returns(0)), "close(3) = 0");
    assert_eq!(tell(case("close", &[4]).returns(0)), "close(4</tmp/x>(deleted)) = 0");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pointers that point to each other, sizes beyond everything.
    #[test]
    fn wild_vectors_and_messages_end(words in prop::collection::vec(prop_oneof![Just(0x1000_u64), 0..200_u64, any::<u64>()], 0..64)) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        for name in ["sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "writev", "readv", "execve", "process_vm_readv", "clone3"] {
            let count = words.first().copied().unwrap_or(u64::MAX);
            let call = case(name, &[0x1000, 0x1000, count, 0x1000, 0x1000]).left(0x1000, &bytes).entered(0x1000, &bytes).returns(3);
            prop_assert!(told(&call).len() < 64 * 1024);
        }
    }
}
