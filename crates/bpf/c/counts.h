// What threads did: the counters that a process is made of. src/counts.rs reads the same layout.
#pragma once

#include "bpf.h"

struct counts {
	u64 user, system, runtime;
	u64 voluntary, involuntary, minor_faults, major_faults;
	u64 read_chars, written_chars, read_calls, write_calls, read_bytes, written_bytes;
	u64 run_delay;
};

INLINE void count_io(struct counts *counts, struct task_io_accounting *io)
{
	counts->read_chars += io->rchar;
	counts->written_chars += io->wchar;
	counts->read_calls += io->syscr;
	counts->write_calls += io->syscw;
	counts->read_bytes += io->read_bytes;
	counts->written_bytes += io->write_bytes;
}

// Adds the counters of a living thread.
INLINE void count_thread(struct counts *counts, struct task_struct *task)
{
	counts->user += task->utime;
	counts->system += task->stime;
	counts->runtime += task->se.sum_exec_runtime;
	counts->voluntary += task->nvcsw;
	counts->involuntary += task->nivcsw;
	counts->minor_faults += task->min_flt;
	counts->major_faults += task->maj_flt;
	counts->run_delay += task->sched_info.run_delay;
	count_io(counts, &task->ioac);
}

// Adds the totals of the threads that have ended.
INLINE void count_ended(struct counts *counts, struct signal_struct *signal)
{
	counts->user += signal->utime;
	counts->system += signal->stime;
	counts->runtime += signal->sum_sched_runtime;
	counts->voluntary += signal->nvcsw;
	counts->involuntary += signal->nivcsw;
	counts->minor_faults += signal->min_flt;
	counts->major_faults += signal->maj_flt;
	count_io(counts, &signal->ioac);
}
