// How processes end, and what those ran that lived shorter than a tick: events in one ring, read at every tick. A full ring
// loses the new ones and counts them; nobody ever waits for the reader. src/lifecycle/event.rs reads the same layout.
#include "counts.h"

#define RING_BYTES (2 << 20)
#define MOST_SENDERS 4096
#define LONGEST_FILE 128
// A power of two less one: the verifier follows a mask.
#define LONGEST_ARGUMENTS 511

enum {
	EXECUTED = 1,
	EXITED = 2,
	FREED = 3,
};

struct executed {
	u32 size, kind;
	s32 pid;
	u32 arguments_length;
	u64 start;
	char file[LONGEST_FILE];
	char arguments[LONGEST_ARGUMENTS + 1];
};

// Who sent a signal.
struct sender {
	u32 known;
	s32 pid;
	u32 uid, padding;
	char name[16];
};

struct exited {
	u32 size, kind;
	s32 pid, ppid;
	u64 start, at;
	u32 uid, euid, gid, code;
	u32 flags, policy;
	s32 priority;
	u32 oom;
	u64 cgroup;
	struct sender sender;
	struct counts counts;
	char name[16];
};

struct freed {
	u32 size, kind;
	s32 pid;
	u32 code;
	u64 start;
	struct counts counts;
};

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

// Room for one event on each processor.
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct executed);
} scratch SEC(".maps");

// Process and signal, for the last sender.
struct target {
	s32 pid;
	u32 signal;
};

struct {
	__uint(type, MAP_LRU_HASH);
	__uint(max_entries, MOST_SENDERS);
	__type(key, struct target);
	__type(value, struct sender);
} senders SEC(".maps");

// Events that found no room.
u64 lost;

INLINE void lose(void)
{
	__sync_fetch_and_add(&lost, 1);
}

// What wait(2) will tell.
INLINE u32 wait_status(struct task_struct *leader, struct signal_struct *signal)
{
	if (signal->flags & SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return leader->exit_code;
}

SEC("tp_btf/sched_process_exec")
int executed(u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct linux_binprm *program = (void *)context[2];
	struct mm_struct *mm = task->mm;
	u32 first = 0;
	struct executed *event = bpf_map_lookup_elem(&scratch, &first);

	if (!event || !mm)
		return 0;
	event->kind = EXECUTED;
	event->pid = task->tgid;
	event->start = task->group_leader->start_boottime;
	event->file[0] = 0;
	bpf_probe_read_kernel_str(event->file, sizeof(event->file), program->filename);

	u64 from = mm->arg_start;
	u64 length = mm->arg_end - from;

	if (length > LONGEST_ARGUMENTS)
		length = LONGEST_ARGUMENTS;
	length &= LONGEST_ARGUMENTS;
	// They were written a moment ago; where they are not in memory any more, they are left out.
	if (bpf_probe_read_user(event->arguments, length, (void *)from))
		length = 0;
	event->arguments_length = length;
	event->size = sizeof(*event) - sizeof(event->arguments) + length;

	u64 size = (sizeof(*event) - sizeof(event->arguments)) + (length & LONGEST_ARGUMENTS);

	if (bpf_ringbuf_output(&events, event, size, RING_NO_WAKEUP))
		lose();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int exited(u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct signal_struct *signal = task->signal;
	struct task_struct *leader = task->group_leader;
	const struct cred *cred = task->real_cred;

	// The process ends with its last thread.
	if (signal->live.counter)
		return 0;

	struct exited *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		lose();
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->size = sizeof(*event);
	event->kind = EXITED;
	event->pid = task->tgid;
	event->ppid = leader->real_parent->tgid;
	event->start = leader->start_boottime;
	event->at = bpf_ktime_get_boot_ns();
	event->uid = cred->uid.val;
	event->euid = cred->euid.val;
	event->gid = cred->gid.val;
	event->code = wait_status(task, signal);
	event->flags = task->flags;
	event->policy = leader->policy;
	event->priority = leader->static_prio;
	event->oom = signal->oom_mm != NULL;
	event->cgroup = task->cgroups->dfl_cgrp->kn->id;
	__builtin_memcpy(event->name, leader->comm, sizeof(event->name));
	count_ended(&event->counts, signal);
	count_thread(&event->counts, task);
	if (leader->pid != task->pid)
		count_thread(&event->counts, leader);

	struct target target = {.pid = task->tgid, .signal = event->code & 0x7f};
	struct sender *sender = bpf_map_lookup_elem(&senders, &target);

	if (sender) {
		event->sender = *sender;
		bpf_map_delete_elem(&senders, &target);
	}
	bpf_ringbuf_submit(event, RING_NO_WAKEUP);
	return 0;
}

// Comes after the parent has collected the process; all threads are in the totals by then.
SEC("tp_btf/sched_process_free")
int freed(u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct signal_struct *signal = task->signal;

	if (task->pid != task->tgid || !signal)
		return 0;

	struct freed *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		lose();
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->size = sizeof(*event);
	event->kind = FREED;
	event->pid = task->tgid;
	event->code = wait_status(task, signal);
	event->start = task->start_boottime;
	count_ended(&event->counts, signal);
	bpf_ringbuf_submit(event, RING_NO_WAKEUP);
	return 0;
}

// Those that end nobody: SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH.
#define HARMLESS (1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 20 | 1ULL << 21 | 1ULL << 22 | 1ULL << 23 | 1ULL << 28)
#define SENT_BY_TIMER (-2)

SEC("tp_btf/signal_generate")
int signalled(u64 *context)
{
	u32 signal = context[0];
	struct kernel_siginfo *info = (void *)context[1];
	struct task_struct *task = (void *)context[2];
	int result = context[4];
	struct target target = {.pid = task->tgid, .signal = signal};
	struct sender sender = {.known = 1};
	u64 kind = context[1];

	if (result || signal > 64 || (HARMLESS >> (signal & 63)) & 1)
		return 0;
	// 0: whoever runs now, without details. 1: the kernel itself. Else details; codes above 0 are the kernel's.
	if (kind == 1 || (kind > 1 && (info->si_code > 0 || info->si_code == SENT_BY_TIMER))) {
		bpf_map_delete_elem(&senders, &target);
		return 0;
	}
	sender.pid = bpf_get_current_pid_tgid() >> 32;
	sender.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(sender.name, sizeof(sender.name));
	bpf_map_update_elem(&senders, &target, &sender, 0);
	return 0;
}
