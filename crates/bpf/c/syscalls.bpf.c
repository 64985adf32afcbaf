// System calls of chosen threads: what they asked for and what came of it, with the few pieces of their memory that tell what
// the registers mean. Counted in the kernel, and on demand told one by one through a ring. A full ring loses the new ones and
// counts them; no thread ever waits for the reader. src/syscalls/record.rs reads the same layouts.
//
// A thread is followed when it has a `flight`: a structure that the kernel keeps with the thread and frees with it. For all
// other threads of the machine a call costs the look whether there is one.
//
// Every call that a followed thread makes is told once or counted as lost, once. Most have a beginning (sys_enter) and an end
// (sys_exit). A call that a filter (seccomp) or a tracer answers in the place of the kernel has an end only.
#include "registers.h"

#define RING_BYTES (8 << 20)
// The reader is woken when so much waits for it, and looks by itself every few milliseconds. Waking it for every record would
// make each call several times as dear.
#define WAKE_BYTES (1 << 20)
#define NUMBERS 512
// The place of all calls whose numbers are not in the table.
#define OTHERS NUMBERS
#define BUCKETS 40
#define MOST_TARGETS 4096
#define MOST_CAPTURES 12
// The longest piece of memory: a path of 4096 bytes and the byte that tells that there is more.
#define LONGEST_PIECE 4097
#define LONGEST_BYTES 1024
#define LONGEST_NAME 128
// All pieces of one call. With the rest of `scratch` less than 32 KiB, which is as much as the kernel gives for one element.
#define PIECES (28 << 10)
#define MOST_VECTORS 16
#define MOST_MESSAGES 4
#define MOST_TEXTS 33
#define PAGE 4096
#define UNLIMITED (~0ULL)

enum {
	MAP_HASH = 1,
	MAP_TASK_STORAGE = 29,
	NO_PREALLOC = 1,
	STORAGE_CREATE = 1,
	RING_FORCE_WAKEUP = 2,
	RING_AVAILABLE = 0,
};

enum {
	PF_EXITING = 4,
	// Workers of io_uring: threads of the process that never leave the kernel and make no calls.
	PF_IO_WORKER = 0x10,
	TASK_SLEEPS = 3,
	SIGKILL = 9,
	SIGSYS = 31,
	// The kernel's own ways to say that a signal has no details.
	LAST_WITHOUT_DETAILS = 1,
	PIDTYPE_TGID = 1,
	MAX_ERRNO = 4095,
};

static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_probe_read_user_str)(void *to, u32 size, const void *from) = (void *)114;
static u64 (*const bpf_ringbuf_query)(void *ring, u64 what) = (void *)134;
static void *(*const bpf_task_storage_get)(void *map, struct task_struct *task, void *value, u64 flags) = (void *)156;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static struct pt_regs *(*const bpf_task_pt_regs)(struct task_struct *task) = (void *)175;

// Whether calls are told one by one; else they are only counted.
const volatile u32 telling = 0;
// Whether the kernel tells the registers of threads that do not run. Since 5.15.
const volatile u32 registers_known = 0;

enum {
	// A call has begun whose memory is taken at both ends.
	ENTERED = 1,
	RETURNED = 2,
	// The thread ended in a call.
	NEVER_RETURNED = 3,
	SIGNALLED = 4,
	ENDED = 5,
	FOLLOWED = 6,
	// The thread runs another program and took the number of its process's first thread.
	RENUMBERED = 7,
	// The call was under way when watching began.
	UNDER_WAY = 8,
};

enum {
	// It began before it was watched: how long it took is not known, only how long it was watched.
	BEGAN_BEFORE = 1,
	// There was no room for all of its memory.
	CUT = 2,
	// A filter or a tracer answered it before the kernel did anything. When it began was not seen.
	ANSWERED = 4,
};

struct head {
	u32 size, kind;
	u32 thread, process;
	u64 at;
	// Records that were lost before this one.
	u64 lost;
};

struct call {
	struct head head;
	u64 arguments[ARGUMENTS];
	u64 entered;
	s64 result;
	u32 number, flags;
	// The thread's number when the call began.
	u32 before, zero;
};

struct event {
	struct head head;
	// A status as wait(2) tells it, a number of a thread or process, the number of a signal.
	u32 value, zero;
	// The beginning of siginfo_t.
	u8 details[48];
};

// A piece of memory in a record; its bytes follow, and what is missing to a multiple of eight.
struct piece {
	u64 address;
	u32 length, zero;
};

// Where a thread is, as far as was seen.
enum {
	// Nothing of it was seen yet, or it was made by a call of another thread: the next end is not that of a call of its own
	// that we know.
	UNSEEN,
	// It began a call, whether that is told or not.
	INSIDE,
	// Its last call is over.
	OUTSIDE,
};

// Who made a flight.
enum {
	BY_FOLLOW = 1,
	BY_FORK,
	// The thread ended before it was followed: nobody is to follow it any more.
	BY_END,
};

struct flight {
	// When the thread's call began; zero where it is in none that is told. It is set last and cleared first, so that who
	// reads it before and after the rest knows whether the rest belongs together.
	u64 entered;
	u64 arguments[ARGUMENTS];
	u32 number, flags;
	// The thread in the reader's namespace, and its process.
	u32 thread, process;
	u32 before;
	// Only this thread was asked for, not its process.
	u32 alone;
	u32 place, maker;
};

struct {
	__uint(type, MAP_TASK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct flight);
} flights SEC(".maps");

// Processes and threads to follow, by their numbers in the reader's namespace.
struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, MOST_TARGETS);
	__uint(map_flags, NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} targets SEC(".maps");

// What is told; the reader may change it at any time.
struct filter {
	u64 numbers[NUMBERS / 64];
	// The shortest duration.
	u64 least;
	u32 others, failed;
	// Bytes of content.
	u32 content;
	// Children are followed.
	u32 children;
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct filter);
} filters SEC(".maps");

// The reader's pid namespace.
struct home {
	u64 namespace;
	u32 level, zero;
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct home);
} homes SEC(".maps");

struct capture {
	u8 argument, what, length, of;
	u16 size;
	u8 result, zero;
};

enum {
	TEXT,
	CONTENT,
	BYTES,
	VECTORS,
	MESSAGE,
	MESSAGES,
	TEXTS,
};

enum {
	FIXED,
	ARGUMENT,
	RESULT,
	POINTED,
};

// What is taken of a call's memory: first what is taken when it begins, then what is when it returns.
struct captures {
	u32 at_enter, in_all;
	struct capture list[MOST_CAPTURES];
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, NUMBERS);
	__type(key, u32);
	__type(value, struct captures);
} by_number SEC(".maps");

struct tally {
	u64 calls, errors, total, longest;
	// By the power of two of the nanoseconds; the last holds all longer ones.
	u64 buckets[BUCKETS];
};

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, NUMBERS + 1);
	__type(key, u32);
	__type(value, struct tally);
} tallies SEC(".maps");

enum {
	LOST_CALLS,
	LOST_EVENTS,
	// Threads for which the kernel had no memory.
	NOT_FOLLOWED,
	THREADS_FOLLOWED,
	THREADS_ENDED,
	// Set by the reader while it goes over all threads to follow some.
	FOLLOWING,
	COUNTERS,
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

// Where a processor puts a record together. Programs at both ends of a call are never interrupted by each other.
struct scratch {
	// Bytes of pieces so far.
	u32 filled, content;
	// Bytes of content that may still be taken.
	u64 left;
	struct call call;
	u8 pieces[PIECES];
};

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

INLINE void *first(void *map)
{
	u32 at = 0;

	return bpf_map_lookup_elem(map, &at);
}

INLINE void count(u32 what)
{
	u64 *counter = bpf_map_lookup_elem(&counters, &what);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

INLINE u64 counted(u32 what)
{
	u64 *counter = bpf_map_lookup_elem(&counters, &what);

	return counter ? *counter : 0;
}

// What is written before is written before what is written after: for a reader on another processor.
#define IN_ORDER() asm volatile("" ::: "memory")

// Since 5.11: what programs keep with a thread; nothing for most of them.
struct task_struct___storage {
	void *bpf_storage;
} __attribute__((preserve_access_index));

// What is kept with a thread that is followed. All threads of the machine come by here at both ends of each call.
INLINE struct flight *flight_of(struct task_struct *task)
{
	struct task_struct___storage *kept = (void *)task;

	if (field_exists(kept->bpf_storage) && !kept->bpf_storage)
		return NULL;
	return bpf_task_storage_get(&flights, task, NULL, 0);
}

// Keeps a flight with a thread and gives what is kept: where another program did so at the same moment, what that one made.
INLINE struct flight *keep(struct task_struct *task, struct flight *fresh)
{
	struct flight *flight = bpf_task_storage_get(&flights, task, fresh, STORAGE_CREATE);

	// It fails also where somebody was faster, with this or with something else.
	return flight ? flight : bpf_task_storage_get(&flights, task, fresh, STORAGE_CREATE);
}

// Whether not even the shortest record finds room in the ring, so that nothing has to be read for it.
INLINE bool is_full(void)
{
	// With the ring's own word before each record.
	return bpf_ringbuf_query(&events, RING_AVAILABLE) + sizeof(struct call) + 8 >= RING_BYTES;
}

INLINE u64 wakeup(u64 size)
{
	u64 waiting = bpf_ringbuf_query(&events, RING_AVAILABLE);

	return waiting < WAKE_BYTES && waiting + size >= WAKE_BYTES ? RING_FORCE_WAKEUP : RING_NO_WAKEUP;
}

INLINE void fill_head(struct head *head, u32 kind, struct flight *flight, u64 at)
{
	head->kind = kind;
	head->thread = flight->thread;
	head->process = flight->process;
	head->at = at;
	head->lost = counted(LOST_CALLS) + counted(LOST_EVENTS);
}

// Pieces of memory. These functions are checked one by one (they are global), so that what calls them stays easy to check;
// they share what they know in the scratch.

// Takes so many bytes, or as many as there are up to the end of the page.
int copy(u64 address, u64 wanted)
{
	struct scratch *scratch = first(&scratches);
	u32 length, at, page;

	if (!scratch || !address || !wanted)
		return 0;
	at = scratch->filled;
	if (at > PIECES - LONGEST_PIECE - sizeof(struct piece) - 8) {
		scratch->call.flags |= CUT;
		return 0;
	}

	struct piece *piece = (void *)&scratch->pieces[at];
	void *to = piece + 1;

	length = wanted < LONGEST_PIECE ? wanted : LONGEST_PIECE;
	if (bpf_probe_read_user(to, length, (void *)address)) {
		page = PAGE - (address & (PAGE - 1));
		if (page >= length)
			return 0;
		length = page;
		if (bpf_probe_read_user(to, length, (void *)address))
			return 0;
	}
	piece->address = address;
	piece->length = length;
	piece->zero = 0;
	scratch->filled = at + sizeof(*piece) + ((length + 7) & ~7U);
	return length;
}

// Takes a text up to the zero byte that ends it, or so many bytes where it is longer.
int copy_text(u64 address, u32 most)
{
	struct scratch *scratch = first(&scratches);
	u32 at;
	s64 length;

	if (!scratch || !address)
		return 0;
	at = scratch->filled;
	if (at > PIECES - LONGEST_PIECE - sizeof(struct piece) - 8) {
		scratch->call.flags |= CUT;
		return 0;
	}

	struct piece *piece = (void *)&scratch->pieces[at];

	// One more: the kernel ends what it cuts with a zero byte.
	most = most < LONGEST_PIECE ? most + 1 : LONGEST_PIECE;
	length = bpf_probe_read_user_str(piece + 1, most, (void *)address);
	if (length <= 0)
		return 0;
	if (length == most)
		length--;
	piece->address = address;
	piece->length = length;
	piece->zero = 0;
	scratch->filled = at + sizeof(*piece) + ((length + 7) & ~7U);
	return length;
}

// Takes content: as much as is shown and one byte, which tells that there is more.
int copy_content(u64 address, u64 length)
{
	struct scratch *scratch = first(&scratches);

	if (!scratch)
		return 0;
	if (scratch->left != UNLIMITED) {
		if (length > scratch->left)
			length = scratch->left;
		scratch->left -= length;
	}
	if (length > scratch->content)
		length = scratch->content;
	return copy(address, length);
}

struct vector {
	u64 base, length;
};

// Takes an array of struct iovec and what its elements point to.
int copy_vectors(u64 address, u64 count)
{
	struct vector vector;

	if (count > MOST_VECTORS)
		count = MOST_VECTORS;
	copy(address, count * sizeof(vector));
	for (u32 at = 0; at < MOST_VECTORS; at++) {
		if (at >= count || bpf_probe_read_user(&vector, sizeof(vector), (void *)(address + at * sizeof(vector))))
			break;
		copy_content(vector.base, vector.length);
	}
	return 0;
}

struct message {
	u64 name;
	u32 name_length, zero;
	u64 vectors, vectors_count;
	u64 control, control_length;
	u32 flags, zero_too;
};

// What follows each struct msghdr in an array of struct mmsghdr.
struct message_of_many {
	struct message message;
	u32 length, zero;
};

INLINE u64 least(u64 one, u64 other)
{
	return one < other ? one : other;
}

// Takes what a struct msghdr points to.
int copy_message(u64 address)
{
	struct message message;

	if (bpf_probe_read_user(&message, sizeof(message), (void *)address))
		return 0;
	copy(message.name, least(message.name_length, LONGEST_NAME));
	copy_vectors(message.vectors, message.vectors_count);
	copy(message.control, least(message.control_length, LONGEST_BYTES));
	return 0;
}

int copy_messages(u64 address, u64 count, u32 result)
{
	struct scratch *scratch = first(&scratches);
	u32 length;

	if (!scratch)
		return 0;
	if (count > MOST_MESSAGES)
		count = MOST_MESSAGES;
	copy(address, count * sizeof(struct message_of_many));
	for (u32 at = 0; at < MOST_MESSAGES; at++) {
		u64 from = address + at * sizeof(struct message_of_many);

		if (at >= count)
			break;
		scratch->left = UNLIMITED;
		if (result) {
			if (bpf_probe_read_user(&length, sizeof(length), (void *)(from + sizeof(struct message))))
				break;
			scratch->left = length;
		}
		copy_message(from);
	}
	return 0;
}

// Takes an array of pointers to texts that ends with a null pointer.
int copy_texts(u64 address)
{
	struct scratch *scratch = first(&scratches);
	u64 text;
	u32 at;

	if (!scratch || !address)
		return 0;
	for (at = 0; at < MOST_TEXTS; at++) {
		if (bpf_probe_read_user(&text, sizeof(text), (void *)(address + at * sizeof(text))) || !text)
			break;
		copy_text(text, scratch->content);
	}
	return copy(address, (at < MOST_TEXTS ? at + 1 : MOST_TEXTS) * sizeof(text));
}

INLINE u64 argument(struct scratch *scratch, u32 at)
{
	return at < ARGUMENTS ? scratch->call.arguments[at] : 0;
}

// How many bytes there are, as a capture says.
INLINE u64 length_of(struct scratch *scratch, struct capture *capture)
{
	u32 pointed = 0;
	u64 count;

	switch (capture->length) {
	case FIXED:
		return capture->size;
	case ARGUMENT:
		count = argument(scratch, capture->of);
		// A product that is too large would come round to a small one.
		return count > PIECES ? PIECES : count * capture->size;
	case RESULT:
		count = scratch->call.result;
		return scratch->call.result < 0 ? 0 : count > PIECES ? PIECES : count * capture->size;
	default:
		if (bpf_probe_read_user(&pointed, sizeof(pointed), (void *)argument(scratch, capture->of)))
			return 0;
		return pointed;
	}
}

// Takes one thing of a call's memory.
int take(u32 at)
{
	struct scratch *scratch = first(&scratches);
	struct captures *captures;
	struct capture *capture;
	u64 address;
	u32 number;

	if (!scratch || at >= MOST_CAPTURES)
		return 0;
	number = scratch->call.number;
	captures = bpf_map_lookup_elem(&by_number, &number);
	if (!captures)
		return 0;
	capture = &captures->list[at];
	address = argument(scratch, capture->argument);
	if (!address)
		return 0;
	scratch->left = UNLIMITED;
	if (capture->result)
		scratch->left = scratch->call.result < 0 ? 0 : scratch->call.result;
	switch (capture->what) {
	case TEXT:
		return copy_text(address, LONGEST_PIECE - 1);
	case CONTENT:
		return copy_content(address, length_of(scratch, capture));
	case BYTES:
		return copy(address, least(length_of(scratch, capture), LONGEST_BYTES));
	case VECTORS:
		return copy_vectors(address, argument(scratch, capture->of));
	case MESSAGE:
		copy(address, sizeof(struct message));
		return copy_message(address);
	case MESSAGES:
		return copy_messages(address, least(argument(scratch, capture->of), scratch->left), capture->result);
	case TEXTS:
		return copy_texts(address);
	}
	return 0;
}

INLINE void fill_call(struct call *call, struct flight *flight)
{
	call->entered = flight->entered;
	IN_ORDER();
	__builtin_memcpy(call->arguments, flight->arguments, sizeof(call->arguments));
	call->number = flight->number;
	call->flags = flight->flags;
	call->before = flight->before;
	call->zero = 0;
}

// What becomes of a call that finds no room: without its beginning it is told with less, without its end it is lost.
INLINE void lose(struct flight *flight, u32 kind)
{
	if (kind == ENTERED)
		flight->flags |= CUT;
	else
		count(LOST_CALLS);
}

// Tells a call, with the memory that is taken at this end of it.
INLINE void tell(struct flight *flight, u32 kind, u64 at, s64 result)
{
	struct filter *filter = first(&filters);
	struct scratch *scratch = first(&scratches);
	struct captures *captures;
	u32 number = flight->number, from = 0, to = 0;

	if (!scratch || !filter)
		return;
	if (is_full()) {
		lose(flight, kind);
		return;
	}
	scratch->filled = 0;
	scratch->content = least(filter->content, LONGEST_PIECE - 1) + 1;
	scratch->call.result = result;
	fill_call(&scratch->call, flight);
	captures = bpf_map_lookup_elem(&by_number, &number);
	if (captures) {
		// Of a call that the kernel never saw the memory is the same at both ends.
		from = kind == ENTERED || flight->flags & ANSWERED ? 0 : captures->at_enter;
		to = kind == ENTERED ? captures->at_enter : captures->in_all;
	}
	for (u32 at = 0; at < MOST_CAPTURES; at++) {
		if (at >= to)
			break;
		if (at >= from)
			take(at);
	}

	u32 filled = scratch->filled;

	if (filled > PIECES)
		filled = PIECES;

	u64 size = sizeof(scratch->call) + filled;

	fill_head(&scratch->call.head, kind, flight, at);
	scratch->call.head.size = size;
	if (bpf_ringbuf_output(&events, &scratch->call, size, wakeup(size)))
		lose(flight, kind);
	else if (kind == ENTERED)
		flight->flags |= scratch->call.flags & CUT;
}

INLINE struct event *reserve(struct flight *flight, u32 kind)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(LOST_EVENTS);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	fill_head(&event->head, kind, flight, bpf_ktime_get_ns());
	event->head.size = sizeof(*event);
	return event;
}

INLINE void submit(struct event *event)
{
	bpf_ringbuf_submit(event, wakeup(sizeof(*event)));
}

// Tells a call in which its thread ends.
INLINE void tell_end_in(struct flight *flight)
{
	struct call *call = bpf_ringbuf_reserve(&events, sizeof(*call), 0);

	if (!call) {
		lose(flight, NEVER_RETURNED);
		return;
	}
	fill_head(&call->head, NEVER_RETURNED, flight, bpf_ktime_get_ns());
	call->head.size = sizeof(*call);
	call->result = 0;
	fill_call(call, flight);
	bpf_ringbuf_submit(call, wakeup(sizeof(*call)));
}

INLINE bool is_wanted(struct filter *filter, u32 number)
{
	if (number >= NUMBERS)
		return filter->others;
	return filter->numbers[number / 64] >> (number % 64) & 1;
}

SEC("tp_btf/sys_enter")
int entered(u64 *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct flight *flight = flight_of(task);
	struct pt_regs *registers = (void *)context[0];
	u32 number = context[1];
	struct captures *captures;
	struct filter *filter;

	if (!flight)
		return 0;
	flight->entered = 0;
	flight->place = INSIDE;
	filter = first(&filters);
	if (!filter)
		return 0;

	bool foreign = is_foreign(task);

	if (foreign)
		number |= FOREIGN_TABLE;
	if (!is_wanted(filter, number))
		return 0;
	IN_ORDER();
	flight->number = number;
	flight->flags = 0;
	flight->before = flight->thread;
	take_arguments(flight->arguments, registers, foreign);
	IN_ORDER();
	flight->entered = bpf_ktime_get_ns();
	if (telling) {
		captures = bpf_map_lookup_elem(&by_number, &number);
		if (captures && captures->at_enter)
			tell(flight, ENTERED, flight->entered, 0);
	}
	return 0;
}

INLINE u32 bucket(u64 value)
{
	u32 power = 0;

	for (u32 step = 32; step; step /= 2) {
		if (value >> step) {
			value >>= step;
			power += step;
		}
	}
	return power;
}

// Adds a call to those of its number, with how long it took where that is known. Each processor counts for itself, so that
// nothing is lost or waited for.
INLINE void add(u32 number, u64 spent, bool known, bool failed)
{
	u32 at = number < NUMBERS ? number : OTHERS, power = bucket(spent);
	struct tally *tally = bpf_map_lookup_elem(&tallies, &at);

	if (!tally)
		return;
	tally->calls++;
	tally->errors += failed;
	if (!known)
		return;
	tally->total += spent;
	if (spent > tally->longest)
		tally->longest = spent;
	if (power >= BUCKETS)
		power = BUCKETS - 1;
	tally->buckets[power]++;
}

// Takes in a call that has an end and no beginning: whoever answered it did so before the kernel looked at it. Says whether it is
// told.
INLINE bool take_answered(struct flight *flight, struct task_struct *task, struct pt_regs *registers, struct filter *filter)
{
	// Below zero where a tracer took the number away so that nothing is done.
	u32 number = number_of_call(registers);
	bool foreign = is_foreign(task);

	if (foreign)
		number |= FOREIGN_TABLE;
	if (!is_wanted(filter, number))
		return false;
	flight->number = number;
	flight->flags = ANSWERED;
	flight->before = flight->thread;
	take_arguments(flight->arguments, registers, foreign);
	return true;
}

SEC("tp_btf/sys_exit")
int returned(u64 *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct flight *flight = flight_of(task);
	struct pt_regs *registers = (void *)context[0];
	s64 result = context[1];
	struct filter *filter;

	if (!flight)
		return 0;

	// Not the end of a call that began before we looked, nor that of the call by which the thread was made.
	bool is_answered_by_others = flight->place == OUTSIDE;

	flight->place = OUTSIDE;
	if (!flight->entered && !is_answered_by_others)
		return 0;
	filter = first(&filters);
	if (!filter)
		return 0;

	u64 now = bpf_ktime_get_ns(), spent = 0;
	bool failed = result < 0 && result >= -MAX_ERRNO, mistaken = false;

	if (is_answered_by_others) {
		if (!take_answered(flight, task, registers, filter))
			return 0;
	} else {
		spent = now - flight->entered;
		// It was seen asleep in a call that was over before this one began.
		mistaken = flight->flags & BEGAN_BEFORE &&
			   number_of_call(registers) != (s64)(flight->number & ~FOREIGN_TABLE);
	}
	if (!mistaken && spent >= filter->least && (failed || !filter->failed)) {
		add(flight->number, spent, !(flight->flags & (BEGAN_BEFORE | ANSWERED)), failed);
		if (telling)
			tell(flight, RETURNED, now, result);
	}
	flight->entered = 0;
	return 0;
}

// The number that a thread or process has in the reader's namespace; zero where it has none there.
INLINE u32 number_in(struct home *home, struct pid *pid)
{
	// struct upid.
	struct {
		int number;
		u32 zero;
		u64 namespace;
	} at_level = {};

	if (pid->level < home->level)
		return 0;
	bpf_probe_read_kernel(&at_level, sizeof(at_level),
			      (void *)pid + field_offset(struct pid, numbers) + home->level * sizeof(at_level));
	return at_level.namespace == home->namespace ? at_level.number : 0;
}

SEC("tp_btf/sched_process_fork")
int forked(u64 *context)
{
	struct task_struct *parent = (void *)context[0], *child = (void *)context[1];
	struct flight *flight = flight_of(parent), fresh = {}, *kept;
	struct filter *filter = first(&filters);
	struct home *home = first(&homes);
	struct event *event;

	if (!flight || !filter || !home)
		return 0;
	if (!filter->children && (parent->tgid != child->tgid || flight->alone))
		return 0;
	fresh.thread = number_in(home, child->thread_pid);
	fresh.process = number_in(home, child->signal->pids[PIDTYPE_TGID]);
	fresh.before = fresh.thread;
	fresh.maker = BY_FORK;
	kept = keep(child, &fresh);
	if (!kept)
		count(NOT_FOLLOWED);
	if (!kept || kept->maker != BY_FORK)
		return 0;
	count(THREADS_FOLLOWED);
	if (!telling)
		return 0;
	event = reserve(&fresh, FOLLOWED);
	if (event) {
		event->value = flight->process;
		submit(event);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int executed(u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct flight *flight = flight_of(task);
	struct home *home = first(&homes);
	struct event *event;
	u32 before;

	if (!flight || !home || task->pid == (s32)context[1])
		return 0;
	before = flight->thread;
	flight->thread = number_in(home, task->thread_pid);
	if (!telling)
		return 0;
	event = reserve(flight, RENUMBERED);
	if (event) {
		event->value = before;
		submit(event);
	}
	return 0;
}

// Whether a thread ends because a filter forbade a call, of which nothing was seen then. Where that ends the whole process it
// is by a signal, after the call has come back.
INLINE bool is_ended_by_filter(struct flight *flight, struct task_struct *task)
{
	return flight->place == OUTSIDE && task->exit_code == SIGSYS && !(task->signal->flags & SIGNAL_GROUP_EXIT);
}

SEC("tp_btf/sched_process_exit")
int ended(u64 *context)
{
	struct task_struct *task = (void *)context[0];
	struct flight *flight = flight_of(task), none = { .maker = BY_END };
	struct filter *filter = first(&filters);
	struct event *event;

	// Whoever goes over all threads may have seen this one alive, and be about to follow it: now one of the two is first.
	if (!flight && counted(FOLLOWING)) {
		flight = keep(task, &none);
		if (!flight || flight->maker == BY_END)
			return 0;
	}
	if (!flight || !filter)
		return 0;
	count(THREADS_ENDED);
	if (!telling)
		return 0;
	if (registers_known && !flight->entered && is_ended_by_filter(flight, task) &&
	    take_answered(flight, task, bpf_task_pt_regs(task), filter))
		flight->entered = bpf_ktime_get_ns();
	if (flight->entered && !filter->failed && !filter->least)
		tell_end_in(flight);
	event = reserve(flight, ENDED);
	if (event) {
		event->value = task->exit_code;
		submit(event);
	}
	return 0;
}

SEC("tp_btf/signal_deliver")
int delivered(u64 *context)
{
	struct flight *flight = flight_of(bpf_get_current_task_btf());
	u32 signal = context[0];
	u64 details = context[1];
	struct event *event;

	if (!telling || !flight || signal == SIGKILL)
		return 0;
	event = reserve(flight, SIGNALLED);
	if (!event)
		return 0;
	event->value = signal;
	if (details > LAST_WITHOUT_DETAILS)
		bpf_probe_read_kernel(event->details, sizeof(event->details), (void *)details);
	else
		*(u32 *)event->details = signal;
	submit(event);
	return 0;
}

// The call in which a thread sleeps.
INLINE void look_inside(struct flight *flight, struct task_struct *task)
{
	struct filter *filter = first(&filters);
	struct pt_regs *registers;
	s64 number;

	if (!filter || !(task->__state & TASK_SLEEPS))
		return;
	registers = bpf_task_pt_regs(task);
	number = number_of_call(registers);
	if (number < 0)
		return;

	bool foreign = is_foreign(task);

	flight->number = foreign ? number | FOREIGN_TABLE : number;
	if (!is_wanted(filter, flight->number))
		return;
	flight->flags = BEGAN_BEFORE;
	take_arguments(flight->arguments, registers, foreign);
	flight->entered = bpf_ktime_get_ns();
}

struct followed {
	u32 thread, process;
};

// Follows the threads that are asked for; the reader goes over all threads of the machine. It learns which ones are new.
SEC("iter/task")
int follow(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task, *reader = bpf_get_current_task_btf();
	struct home *home = first(&homes);
	struct flight fresh = {}, *kept;
	struct followed followed;
	struct pid *pid;

	if (!task || !home || task->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER) || task->tgid == reader->tgid)
		return 0;
	pid = reader->thread_pid;
	home->level = pid->level;
	bpf_probe_read_kernel(&home->namespace, sizeof(home->namespace),
			      (void *)pid + field_offset(struct pid, numbers) + pid->level * 16 + 8);
	fresh.thread = number_in(home, task->thread_pid);
	fresh.process = number_in(home, task->signal->pids[PIDTYPE_TGID]);
	if (!bpf_map_lookup_elem(&targets, &fresh.process)) {
		if (!bpf_map_lookup_elem(&targets, &fresh.thread))
			return 0;
		fresh.alone = 1;
	}
	if (flight_of(task))
		return 0;
	fresh.before = fresh.thread;
	fresh.maker = BY_FOLLOW;
	if (registers_known)
		look_inside(&fresh, task);
	kept = keep(task, &fresh);
	if (!kept)
		count(NOT_FOLLOWED);
	if (!kept || kept->maker != BY_FOLLOW)
		return 0;
	count(THREADS_FOLLOWED);
	followed.thread = fresh.thread;
	followed.process = fresh.process;
	bpf_seq_write(context->meta->seq, &followed, sizeof(followed));
	return 0;
}

// Tells the calls that are under way.
SEC("iter/task")
int under_way(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct call call = {};
	struct flight *flight;

	if (!task)
		return 0;
	flight = flight_of(task);
	if (!flight || !flight->entered)
		return 0;
	fill_head(&call.head, UNDER_WAY, flight, bpf_ktime_get_ns());
	call.head.size = sizeof(call);
	fill_call(&call, flight);
	IN_ORDER();
	// The thread may be in another call by now, and this be half of each.
	if (*(volatile u64 *)&flight->entered != call.entered)
		return 0;
	bpf_seq_write(context->meta->seq, &call, sizeof(call));
	return 0;
}
