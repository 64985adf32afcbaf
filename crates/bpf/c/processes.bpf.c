// The process table: the iterator visits every thread and writes a record for each. User space adds them up by process; the
// record of a main thread carries what the process has as a whole, with the totals of threads that have ended.
// src/processes/record.rs reads the same layout.
#include "counts.h"

#define MOST_CPUS 1024

enum {
	THREAD = 1,
	PROCESS = 2,
};

struct thread {
	u32 size, kind;
	s32 tid, tgid;
	struct counts counts;
};

struct process {
	struct thread main;
	s32 ppid;
	u32 uid, euid, gid;
	u32 threads, state, flags, policy;
	s32 priority;
	u32 has_memory;
	u64 start, exec_id, cgroup;
	u64 pages, peak_pages, locked_pages, pinned_pages, data_pages, stack_pages, exec_pages, peak_resident_pages;
	u64 start_code, end_code, page_table_bytes;
	// Pages of files, of anonymous memory, swapped out, of shared memory.
	s64 resident[4];
	char name[64];
};

// Names of kernel threads are longer than those of others.
#define SHORT_NAME 16
#define SHORT_PROCESS (sizeof(struct process) - 64 + SHORT_NAME)

// Set by the loader: how many processors there may be, and whether memory is to be exact on kernels that count it for each
// of them.
const volatile u32 cpus = 0;
const volatile u32 exact = 0;

// Where the copies of a per-processor variable lie, counted from the pointer that names it.
u64 offsets[MOST_CPUS];
u32 offsets_known;

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} probe SEC(".maps");

// No symbol tells these offsets, but a map of our own does: it knows its pointer, and a helper gives the address of each copy.
INLINE void find_offsets(void)
{
	u64 map = 0, base = 0;
	void *at = &probe;
	u32 first = 0;

	bpf_probe_read_kernel(&map, sizeof(map), &at);
	bpf_probe_read_kernel(&base, sizeof(base), (void *)(map + field_offset(struct bpf_array, pptrs)));
	for (u32 cpu = 0; cpu < MOST_CPUS; cpu++) {
		if (cpu >= cpus)
			break;
		void *copy = bpf_map_lookup_percpu_elem(&probe, &first, cpu);
		u64 address = 0;

		if (!copy)
			return;
		bpf_probe_read_kernel(&address, sizeof(address), &copy);
		offsets[cpu] = address - base;
	}
	offsets_known = 1;
}

INLINE s64 sum(struct percpu_counter *counter)
{
	s64 value = counter->count;
	char *copies = (char *)counter->counters;

	if (exact) {
		for (u32 cpu = 0; cpu < MOST_CPUS; cpu++) {
			s32 part = 0;

			if (cpu >= cpus)
				break;
			bpf_probe_read_kernel(&part, sizeof(part), copies + offsets[cpu]);
			value += part;
		}
	}
	return value < 0 ? 0 : value;
}

INLINE void fill_thread(struct thread *thread, struct task_struct *task)
{
	thread->tid = task->pid;
	thread->tgid = task->tgid;
	count_thread(&thread->counts, task);
}

INLINE void fill_memory(struct process *process, struct mm_struct *mm)
{
	process->has_memory = 1;
	process->pages = mm->total_vm;
	process->peak_pages = mm->hiwater_vm;
	process->locked_pages = mm->locked_vm;
	process->pinned_pages = mm->pinned_vm.counter;
	process->data_pages = mm->data_vm;
	process->stack_pages = mm->stack_vm;
	process->exec_pages = mm->exec_vm;
	process->peak_resident_pages = mm->hiwater_rss;
	process->start_code = mm->start_code;
	process->end_code = mm->end_code;
	process->page_table_bytes = mm->pgtables_bytes.counter;
	if (type_exists(struct mm_rss_stat)) {
		struct mm_struct___before_6_2 *old = (void *)mm;

		process->resident[0] = old->rss_stat.count[0].counter;
		process->resident[1] = old->rss_stat.count[1].counter;
		process->resident[2] = old->rss_stat.count[2].counter;
		process->resident[3] = old->rss_stat.count[3].counter;
	} else {
		process->resident[0] = sum(&mm->rss_stat[0]);
		process->resident[1] = sum(&mm->rss_stat[1]);
		process->resident[2] = sum(&mm->rss_stat[2]);
		process->resident[3] = sum(&mm->rss_stat[3]);
	}
}

INLINE u32 state_of(struct task_struct *task)
{
	if (field_exists(task->__state))
		return task->__state | task->exit_state;
	return ((struct task_struct___before_5_14 *)task)->state | task->exit_state;
}

INLINE void name_kernel_thread(struct process *process, struct task_struct *task)
{
	char *name = NULL;
	struct kthread *kthread;

	if (!field_exists(task->worker_private) || !field_exists(((struct kthread *)0)->full_name))
		return;
	kthread = task->worker_private;
	if (!kthread)
		return;
	bpf_probe_read_kernel(&name, sizeof(name), &kthread->full_name);
	if (name)
		bpf_probe_read_kernel_str(process->name, sizeof(process->name), name);
}

SEC("iter/task")
int processes(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct seq_file *seq = context->meta->seq;
	const struct cred *cred;

	if (!task)
		return 0;
	if (task->pid != task->tgid) {
		struct thread thread = {.size = sizeof(thread), .kind = THREAD};

		fill_thread(&thread, task);
		bpf_seq_write(seq, &thread, sizeof(thread));
		return 0;
	}
	if (exact && !offsets_known)
		find_offsets();

	struct process process = {.main = {.size = SHORT_PROCESS, .kind = PROCESS}};

	fill_thread(&process.main, task);
	if (task->signal) {
		count_ended(&process.main.counts, task->signal);
		process.threads = task->signal->nr_threads;
	}
	process.ppid = task->real_parent->tgid;
	cred = task->real_cred;
	process.uid = cred->uid.val;
	process.euid = cred->euid.val;
	process.gid = cred->gid.val;
	process.state = state_of(task);
	process.flags = task->flags;
	process.policy = task->policy;
	process.priority = task->static_prio;
	process.start = task->start_boottime;
	process.exec_id = task->self_exec_id;
	process.cgroup = task->cgroups->dfl_cgrp->kn->id;
	__builtin_memcpy(process.name, task->comm, sizeof(task->comm));
	if (task->flags & PF_KTHREAD) {
		process.main.size = sizeof(process);
		name_kernel_thread(&process, task);
		bpf_seq_write(seq, &process, sizeof(process));
		return 0;
	}
	if (task->mm)
		fill_memory(&process, task->mm);
	bpf_seq_write(seq, &process, SHORT_PROCESS);
	return 0;
}
