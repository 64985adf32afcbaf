// Network bytes: what programs hand to TCP and UDP sockets and take from them, added up by process and by socket, and a
// record of each socket that is gone. Payload only: neither headers nor what is sent again counts.
// src/network/record.rs reads the same layouts.
#include "bpf.h"

// Processes with traffic, those included that have ended and are not yet taken out. More are counted in `lost`.
#define MOST_PROCESSES 16384
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
	__uint(type, MAP_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket);
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

INLINE void lose(u32 what)
{
	u64 *count = bpf_map_lookup_elem(&lost, &what);

	if (count)
		__sync_fetch_and_add(count, 1);
}

INLINE void add(struct traffic *traffic, u64 received, u64 sent)
{
	if (received) {
		__sync_fetch_and_add(&traffic->received, received);
		__sync_fetch_and_add(&traffic->receive_calls, 1);
	} else {
		__sync_fetch_and_add(&traffic->sent, sent);
		__sync_fetch_and_add(&traffic->send_calls, 1);
	}
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

INLINE void count(struct sock *sk, u64 received, u64 sent)
{
	u16 family = sk->__sk_common.skc_family, protocol = sk->sk_protocol;
	struct process process = {};
	struct task_struct *task;
	struct traffic *traffic;
	struct socket *socket;

	if (family != AF_INET && family != AF_INET6)
		return;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	task = bpf_get_current_task_btf();
	if (!(task->flags & PF_KTHREAD)) {
		process.pid = task->tgid;
		process.start = task->group_leader->start_boottime;
	}
	traffic = bpf_map_lookup_elem(&by_process, &process);
	if (!traffic) {
		struct traffic none = {};

		bpf_map_update_elem(&by_process, &process, &none, NOEXIST);
		traffic = bpf_map_lookup_elem(&by_process, &process);
	}
	if (traffic)
		add(traffic, received, sent);
	else
		lose(LOST_CALLS);

	socket = bpf_sk_storage_get(&by_socket, sk, NULL, 0);
	if (!socket) {
		struct socket fresh = {};

		describe(&fresh, sk, family, protocol);
		socket = bpf_sk_storage_get(&by_socket, sk, &fresh, STORAGE_CREATE);
	}
	if (socket) {
		socket->user = process;
		add(&socket->traffic, received, sent);
	} else {
		lose(LOST_SOCKETS);
	}
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

INLINE struct closed *reserve(struct socket *socket)
{
	struct closed *record = bpf_ringbuf_reserve(&closed, sizeof(*record), 0);

	if (!record) {
		lose(LOST_RECORDS);
		return NULL;
	}
	record->socket = *socket;
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
	struct socket *socket = bpf_sk_storage_get(&by_socket, sk, NULL, 0);
	struct closed *record;
	struct tcp_sock *tcp;

	if (!socket)
		return 0;
	record = reserve(socket);
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
	struct socket *socket;
	struct closed *record;

	if (context->protocol != IPPROTO_UDP)
		return 1;
	socket = bpf_sk_storage_get(&by_socket, context, NULL, 0);
	if (!socket)
		return 1;
	record = reserve(socket);
	if (record)
		bpf_ringbuf_submit(record, NO_WAKEUP);
	return 1;
}

SEC("iter/bpf_sk_storage_map")
int open_sockets(struct bpf_iter__bpf_sk_storage_map *context)
{
	struct socket *socket = context->value, copy;

	if (!socket)
		return 0;
	copy = *socket;
	bpf_seq_write(context->meta->seq, &copy, sizeof(copy));
	return 0;
}
