// Network bytes: what programs hand to TCP and UDP sockets and take from them, added up by process and by socket, and a
// record of each socket that is gone. Payload only: neither headers nor what is sent again counts.
// src/network/record.rs reads the same layouts.
//
// Every thread has a place with a sum of its own, and every socket a sum for the thread that used it first: nobody else writes
// to them, so that a call costs no atomic operation and no hash. A thread that ends leaves its sum to its process. The reader
// maps the places, and has no call to make for them. src/network/places.rs reads them.
#include "bpf.h"

// Processes of which threads with traffic have ended, until they are taken out. Calls of more are counted in `lost`.
#define MOST_PROCESSES 16384
// Places for living threads, a power of two. Threads that find none add to their process at once, which costs them more.
#define MOST_PLACES 8192
#define MOST_TRIES 8
// Bytes for records of closed sockets between two readings: some 8000 of them. More are counted in `lost`.
#define CLOSED_BYTES (1 << 20)

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
// Peeked bytes are received again later; the queue of errors gives back what was sent.
#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000

enum {
	MAP_HASH = 1,
	MAP_SK_STORAGE = 24,
	MAP_TASK_STORAGE = 29,
	MMAPABLE = 1024,
	NO_PREALLOC = 1,
	NOEXIST = 1,
	STORAGE_CREATE = 1,
	NO_WAKEUP = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num, skc_family;
	possible_net_t skc_net;
	// With CONFIG_IPV6.
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	// 16 bits since 5.6.
	u16 sk_protocol;
};

struct tcp_sock {
	u32 srtt_us, total_retrans;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop

// Offered by the kernel to programs of control groups, with fixed offsets; we look at nothing in it but the protocol.
struct bpf_sock {
	u32 bound_dev_if, family, type, protocol;
};

static u64 (*const bpf_get_socket_cookie)(void *sk) = (void *)46;
static void *(*const bpf_sk_storage_get)(void *map, void *sk, void *value, u64 flags) = (void *)107;
static struct tcp_sock *(*const bpf_skc_to_tcp_sock)(void *sk) = (void *)137;
static void *(*const bpf_task_storage_get)(void *map, struct task_struct *task, void *value, u64 flags) = (void *)156;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;

// The process, by pid and start in nanoseconds after boot, so that an old pid in new hands is another process. Threads of
// the kernel share pid 0.
struct process {
	u32 pid, zero;
	u64 start;
};

struct traffic {
	u64 received, sent, receive_calls, send_calls;
};

struct socket {
	u64 cookie;
	// Who used it last: sockets are passed on and inherited.
	struct process user;
	struct traffic traffic;
	u32 namespace;
	u16 family, protocol;
	// Ports as numbers, addresses in network order; v4 uses the first four bytes.
	u16 local_port, remote_port;
	u8 local[16], remote[16];
	u32 zero;
};

// A thread that lives, by its number and start. The thread that calls exec(2) takes both from the first one of its process,
// which has ended by then.
struct thread {
	u64 start;
	u32 number, zero;
};

// What is kept with a socket.
struct kept {
	// Its traffic is that of all threads but the owner.
	struct socket socket;
	// The thread that used it first, and the one that used it last.
	struct thread owner, last;
	struct traffic of_owner;
};

// What is kept with a thread: its place, counted from one; none where it found none and once it ends.
struct of_thread {
	u64 place;
};

// A place of a thread.
struct place {
	struct process process;
	struct traffic traffic;
	// One line of the processor's memory for each, so that threads do not wait for each other.
	u64 rest[2];
};

// What a place is: in two bits, and above them a number that grows each time it becomes free.
enum {
	FREE,
	CHANGING,
	TAKEN,
	STATES,
};

struct closed {
	struct socket socket;
	u32 round_trip_us, retransmits;
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, MOST_PROCESSES);
	__uint(map_flags, NO_PREALLOC);
	__type(key, struct process);
	__type(value, struct traffic);
} by_process SEC(".maps");

struct {
	__uint(type, MAP_TASK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct of_thread);
} by_thread SEC(".maps");

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, MOST_PLACES);
	__uint(map_flags, MMAPABLE);
	__type(key, u32);
	__type(value, struct place);
} places SEC(".maps");

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, MOST_PLACES);
	__uint(map_flags, MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} states SEC(".maps");

struct {
	__uint(type, MAP_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct kept);
} by_socket SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, CLOSED_BYTES);
} closed SEC(".maps");

enum {
	LOST_CALLS,
	LOST_SOCKETS,
	LOST_RECORDS,
	LOSSES,
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, LOSSES);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

INLINE void lose(u32 what, u64 calls)
{
	u64 *count = bpf_map_lookup_elem(&lost, &what);

	if (count)
		__sync_fetch_and_add(count, calls);
}

// Adds a call where nobody else does.
INLINE void add(struct traffic *traffic, u64 received, u64 sent)
{
	if (received) {
		traffic->received += received;
		traffic->receive_calls++;
	} else {
		traffic->sent += sent;
		traffic->send_calls++;
	}
}

// Adds where others may at the same time.
INLINE void share(struct traffic *traffic, struct traffic *more)
{
	if (more->receive_calls) {
		__sync_fetch_and_add(&traffic->received, more->received);
		__sync_fetch_and_add(&traffic->receive_calls, more->receive_calls);
	}
	if (more->send_calls) {
		__sync_fetch_and_add(&traffic->sent, more->sent);
		__sync_fetch_and_add(&traffic->send_calls, more->send_calls);
	}
}

INLINE void add_shared(struct traffic *traffic, u64 received, u64 sent)
{
	struct traffic more = {};

	add(&more, received, sent);
	share(traffic, &more);
}

INLINE struct process process_of(struct task_struct *task)
{
	struct process process = {};

	if (!(task->flags & PF_KTHREAD)) {
		process.pid = task->tgid;
		process.start = task->group_leader->start_boottime;
	}
	return process;
}

// Adds to what the ended threads of a process have left.
INLINE void leave(struct process *process, struct traffic *more)
{
	struct traffic *traffic = bpf_map_lookup_elem(&by_process, process);

	if (!traffic) {
		struct traffic none = {};

		bpf_map_update_elem(&by_process, process, &none, NOEXIST);
		traffic = bpf_map_lookup_elem(&by_process, process);
	}
	if (traffic)
		share(traffic, more);
	else
		lose(LOST_CALLS, more->receive_calls + more->send_calls);
}

INLINE void describe(struct socket *socket, struct sock *sk, u16 family, u16 protocol)
{
	socket->cookie = bpf_get_socket_cookie(sk);
	socket->namespace = sk->__sk_common.skc_net.net->ns.inum;
	socket->family = family;
	socket->protocol = protocol;
	socket->local_port = sk->__sk_common.skc_num;
	socket->remote_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	if (family == AF_INET) {
		*(u32 *)socket->local = sk->__sk_common.skc_rcv_saddr;
		*(u32 *)socket->remote = sk->__sk_common.skc_daddr;
	} else if (field_exists(sk->__sk_common.skc_v6_daddr)) {
		bpf_probe_read_kernel(socket->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(socket->remote, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

// What is written before is written before what is written after.
#define IN_ORDER() asm volatile("" ::: "memory")

// Finds a place for a thread that has none; zero where there is none.
INLINE u64 take_place(struct process *process, u32 number)
{
	for (u32 tries = 0; tries < MOST_TRIES; tries++) {
		u32 at = (number + tries) & (MOST_PLACES - 1);
		u64 *state = bpf_map_lookup_elem(&states, &at);
		struct place *place = bpf_map_lookup_elem(&places, &at);
		u64 was;

		if (!state || !place)
			return 0;
		was = *(volatile u64 *)state;
		if ((was & STATES) != FREE || __sync_val_compare_and_swap(state, was, was | CHANGING) != was)
			continue;
		place->process = *process;
		IN_ORDER();
		*(volatile u64 *)state = was | TAKEN;
		return at + 1;
	}
	return 0;
}

// Gives a place back, and what was added up there to the process. It is nobody's before it is added, so that a reader who finds
// it there does not find it here.
INLINE void leave_place(u32 at)
{
	u64 *state = bpf_map_lookup_elem(&states, &at);
	struct place *place = bpf_map_lookup_elem(&places, &at);
	u64 was;

	if (!state || !place)
		return;
	was = *state & ~(u64)STATES;
	*(volatile u64 *)state = was | CHANGING;
	IN_ORDER();
	leave(&place->process, &place->traffic);
	__builtin_memset(&place->traffic, 0, sizeof(place->traffic));
	IN_ORDER();
	*(volatile u64 *)state = was + STATES + 1;
}

INLINE struct of_thread *meet(struct task_struct *task)
{
	struct process process = process_of(task);
	struct of_thread fresh = { take_place(&process, task->pid) };
	struct of_thread *of_thread = bpf_task_storage_get(&by_thread, task, &fresh, STORAGE_CREATE);

	if (!of_thread && fresh.place)
		leave_place(fresh.place - 1);
	return of_thread;
}

INLINE void count_of_thread(struct task_struct *task, u64 received, u64 sent)
{
	struct of_thread *of_thread = bpf_task_storage_get(&by_thread, task, NULL, 0);
	struct traffic more = {};
	struct process process;
	struct place *place;

	if (!of_thread)
		of_thread = meet(task);
	if (of_thread && of_thread->place) {
		u32 at = of_thread->place - 1;

		place = bpf_map_lookup_elem(&places, &at);
		if (place) {
			add(&place->traffic, received, sent);
			return;
		}
	}
	process = process_of(task);
	add(&more, received, sent);
	leave(&process, &more);
}

INLINE bool is_same(struct thread *one, struct thread *other)
{
	return one->start == other->start && one->number == other->number;
}

INLINE void count(struct sock *sk, u64 received, u64 sent)
{
	u16 family = sk->__sk_common.skc_family, protocol = sk->sk_protocol;
	struct thread thread = {};
	struct task_struct *task;
	struct kept *kept;

	if (family != AF_INET && family != AF_INET6)
		return;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	task = bpf_get_current_task_btf();
	count_of_thread(task, received, sent);

	thread.start = task->start_boottime;
	thread.number = task->pid;
	kept = bpf_sk_storage_get(&by_socket, sk, NULL, 0);
	if (!kept) {
		struct kept fresh = {};

		describe(&fresh.socket, sk, family, protocol);
		fresh.owner = thread;
		kept = bpf_sk_storage_get(&by_socket, sk, &fresh, STORAGE_CREATE);
		if (!kept) {
			lose(LOST_SOCKETS, 1);
			return;
		}
	}
	if (!is_same(&kept->last, &thread)) {
		kept->last = thread;
		kept->socket.user = process_of(task);
	}
	if (is_same(&kept->owner, &thread))
		add(&kept->of_owner, received, sent);
	else
		add_shared(&kept->socket.traffic, received, sent);
}

// Tracepoints pass their arguments as 64-bit words. Both since 6.3, called after the call, in the context of the caller.
SEC("tp_btf/sock_send_length")
int socket_sent(u64 *arguments)
{
	struct sock *sk = (void *)arguments[0];
	int result = arguments[1];

	if (result > 0)
		count(sk, 0, result);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int socket_received(u64 *arguments)
{
	struct sock *sk = (void *)arguments[0];
	int result = arguments[1], flags = arguments[2];

	if (result > 0 && !(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		count(sk, result, 0);
	return 0;
}

// A thread ends. What it still does is added to its process.
SEC("tp_btf/sched_process_exit")
int thread_ended(u64 *arguments)
{
	struct of_thread *of_thread = bpf_task_storage_get(&by_thread, (void *)arguments[0], NULL, 0);

	if (!of_thread || !of_thread->place)
		return 0;
	leave_place(of_thread->place - 1);
	of_thread->place = 0;
	return 0;
}

// Tells what a socket is and what went through it.
INLINE void tell(struct socket *to, struct kept *kept)
{
	*to = kept->socket;
	to->traffic.received += kept->of_owner.received;
	to->traffic.sent += kept->of_owner.sent;
	to->traffic.receive_calls += kept->of_owner.receive_calls;
	to->traffic.send_calls += kept->of_owner.send_calls;
}

INLINE struct closed *reserve(struct kept *kept)
{
	struct closed *record = bpf_ringbuf_reserve(&closed, sizeof(*record), 0);

	if (!record) {
		lose(LOST_RECORDS, 1);
		return NULL;
	}
	tell(&record->socket, kept);
	record->round_trip_us = 0;
	record->retransmits = 0;
	return record;
}

// No process holds the socket any more, so that nothing is added afterwards; at the change of state to CLOSE the last bytes
// may still wait to be read.
SEC("tp_btf/tcp_destroy_sock")
int tcp_destroyed(u64 *arguments)
{
	struct sock *sk = (void *)arguments[0];
	struct kept *kept = bpf_sk_storage_get(&by_socket, sk, NULL, 0);
	struct closed *record;
	struct tcp_sock *tcp;

	if (!kept)
		return 0;
	record = reserve(kept);
	if (!record)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp) {
		record->round_trip_us = tcp->srtt_us >> 3;
		record->retransmits = tcp->total_retrans;
	}
	bpf_ringbuf_submit(record, NO_WAKEUP);
	return 0;
}

// UDP has no tracepoint for its end; the root control group is told of it.
SEC("cgroup/sock_release")
int udp_released(struct bpf_sock *context)
{
	struct kept *kept;
	struct closed *record;

	if (context->protocol != IPPROTO_UDP)
		return 1;
	kept = bpf_sk_storage_get(&by_socket, context, NULL, 0);
	if (!kept)
		return 1;
	record = reserve(kept);
	if (record)
		bpf_ringbuf_submit(record, NO_WAKEUP);
	return 1;
}

SEC("iter/bpf_sk_storage_map")
int open_sockets(struct bpf_iter__bpf_sk_storage_map *context)
{
	struct kept *kept = context->value;
	struct socket socket;

	if (!kept)
		return 0;
	tell(&socket, kept);
	bpf_seq_write(context->meta->seq, &socket, sizeof(socket));
	return 0;
}
