// Where a thread's system call is in its registers: the only part that knows the architecture.
#pragma once

#include "bpf.h"

#define ARGUMENTS 6
// Set in the number of a call that a 32-bit program made by its own table. src/syscalls/record.rs knows it too.
#define FOREIGN_TABLE 0x80000000U

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long bx, cx, dx, si, di, bp, r8, r9, r10, orig_ax;
};

struct thread_info {
	u32 status;
};

// Since 4.9 within the task.
struct task_struct___registers {
	struct thread_info thread_info;
};

#pragma clang attribute pop

// arch/x86/include/asm/thread_info.h
#define TS_COMPAT 0x0002

// Whether a thread is in a call of the 32-bit table.
INLINE bool is_foreign(struct task_struct *task)
{
	struct task_struct___registers *thread = (void *)task;

	return field_exists(thread->thread_info.status) && thread->thread_info.status & TS_COMPAT;
}

// Takes the arguments of a call of a program of either kind.
INLINE void take_arguments(u64 *arguments, struct pt_regs *registers, bool foreign)
{
	if (foreign) {
		arguments[0] = (u32)registers->bx;
		arguments[1] = (u32)registers->cx;
		arguments[2] = (u32)registers->dx;
		arguments[3] = (u32)registers->si;
		arguments[4] = (u32)registers->di;
		arguments[5] = (u32)registers->bp;
		return;
	}
	arguments[0] = registers->di;
	arguments[1] = registers->si;
	arguments[2] = registers->dx;
	arguments[3] = registers->r10;
	arguments[4] = registers->r8;
	arguments[5] = registers->r9;
}

// The number of the call in which a thread that does not run is; below zero for none.
INLINE s64 number_of_call(struct pt_regs *registers)
{
	return registers->orig_ax;
}
