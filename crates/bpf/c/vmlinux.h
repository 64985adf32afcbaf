// The kernel's types, as far as our programs look at them. Written by hand: only the fields that are used. The loader
// puts the offsets of the running kernel in place of those of this file (CO-RE), so neither order nor gaps matter.
// Versions are those of the kernels in which a field got its name.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
typedef _Bool bool;

enum { false, true };

#define NULL ((void *)0)
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
};

struct task_io_accounting {
	u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes;
};

// Totals of threads that have ended, and what the threads share.
struct signal_struct {
	int nr_threads;
	u64 utime, stime;
	unsigned long nvcsw, nivcsw, min_flt, maj_flt;
	struct task_io_accounting ioac;
	unsigned long long sum_sched_runtime;
	unsigned long maxrss;
	// Threads that still run.
	atomic_t live;
	unsigned int flags;
	int group_exit_code;
	// Set for a victim of the out-of-memory killer.
	struct mm_struct *oom_mm;
	// By what they name; the second names the process. Since 4.19.
	struct pid *pids[4];
};

struct percpu_counter {
	s64 count;
	s32 *counters;
};

struct mm_struct {
	unsigned long total_vm, hiwater_vm, locked_vm, data_vm, stack_vm, exec_vm, hiwater_rss;
	unsigned long start_code, end_code, arg_start, arg_end;
	atomic64_t pinned_vm, pgtables_bytes;
	// Since 6.2.
	struct percpu_counter rss_stat[4];
};

// Before 6.2.
struct mm_rss_stat {
	atomic64_t count[4];
};

struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct sched_entity {
	u64 sum_exec_runtime;
};

struct sched_info {
	unsigned long long run_delay;
};

// Since 5.17 the names of kernel threads are kept whole.
struct kthread {
	char *full_name;
};

struct pid_namespace;

// A number in one namespace.
struct upid {
	int nr;
	struct pid_namespace *ns;
};

// One number for each namespace from the first one on.
struct pid {
	unsigned int level;
	struct upid numbers[0];
};

struct task_struct {
	// Since 5.14.
	unsigned int __state;
	unsigned int flags;
	int static_prio;
	unsigned int policy;
	struct sched_entity se;
	struct sched_info sched_info;
	struct mm_struct *mm;
	int exit_state, exit_code;
	s32 pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	u64 utime, stime;
	unsigned long nvcsw, nivcsw;
	u64 start_boottime;
	unsigned long min_flt, maj_flt;
	const struct cred *real_cred;
	char comm[16];
	struct signal_struct *signal;
	// Grows by one at each exec. 64 bits since 5.7.
	u64 self_exec_id;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
	// Since 5.17.
	void *worker_private;
};

// Before 5.14.
struct task_struct___before_5_14 {
	long state;
};

struct linux_binprm {
	const char *filename;
};

struct kernel_siginfo {
	int si_code;
};

struct bpf_array {
	void *pptrs[0];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop
