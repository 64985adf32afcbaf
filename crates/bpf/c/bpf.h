// What the compiler and the kernel offer to programs: helpers by number (include/uapi/linux/bpf.h, fixed for ever), sections,
// maps, questions to the loader.
#pragma once

#include "vmlinux.h"

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

// How libbpf and aya read the definition of a map from BTF.
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

// Answers of the loader about the running kernel.
#define field_exists(field) __builtin_preserve_field_info(field, 2)
#define field_offset(type, field) __builtin_preserve_field_info(((type *)0)->field, 0)
#define type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)

enum {
	MAP_ARRAY = 2,
	MAP_PERCPU_ARRAY = 6,
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*const bpf_seq_write)(struct seq_file *seq, const void *data, u32 size) = (void *)127;
static void *(*const bpf_map_lookup_percpu_elem)(void *map, const void *key, u32 cpu) = (void *)195;

char LICENSE[] SEC("license") = "Dual MIT/GPL";
