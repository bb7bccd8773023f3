/* Maps of several kinds, global data, functions that call each other across sections, callbacks. */
#include "bpf.h"

struct address {
  __u8 octet[4];
  __u16 port;
};

struct flow {
  struct address from;
  struct address to;
  __u8 protocol;
};

struct totals {
  __u64 packets;
  __u64 bytes;
  char name[16];
};

enum verdict { VERDICT_DROP = -1, VERDICT_PASS = 0, VERDICT_COUNT = 7 };

struct settings {
  __u32 enabled : 1;
  __u32 level : 3;
  __s32 bias : 5;
  enum verdict verdict;
  union {
    __u64 raw;
    struct {
      __u32 low;
      __u32 high;
    };
  };
  bool strict;
  double ratio;
  const char *label;
  __u16 table[2][3];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, struct flow);
  __type(value, struct totals);
  __uint(max_entries, 1024);
  __uint(map_flags, 1);
} flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 5000);
  __uint(pinning, 1);
} records SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} first_inner SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 3);
  __type(key, __u32);
  __array(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &first_inner}};

int tail(void *ctx);

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __array(values, int(void *));
} jumps SEC(".maps") = {.values = {[2] = (void *)&tail}};

volatile struct settings settings = {
    .enabled = 1,
    .level = 5,
    .bias = -3,
    .verdict = VERDICT_COUNT,
    .low = 0x11223344,
    .high = 0x55667788,
    .strict = 1,
    .ratio = 2.5,
    .table = {{1, 2, 3}, {4, 5, 6}},
};
volatile __u64 seen;
static volatile __u32 last_port;
const volatile __u32 sampling = 10;
const volatile char greeting[16] = "hello";
volatile __s64 custom SEC(".data.custom") = -42;

static __noinline int add(int a, int b) { return a + b + last_port; }

__noinline int score(int a) { return add(a, sampling) + 1; }

static int step(__u32 index, void *ctx) {
  *(__u32 *)ctx += add(index, 1);
  return index > 5;
}

SEC("xdp")
int count(void *ctx) {
  struct flow flow = {.protocol = 6};
  struct totals *totals = bpf_map_lookup_elem(&flows, &flow);
  if (totals) {
    totals->packets++;
    totals->bytes += score(sampling);
  }
  seen++;
  return settings.level + greeting[1];
}

static __noinline int local_twice(int a) { return 2 * add(a, a); }

SEC("xdp")
int looped(void *ctx) {
  __u32 sum = 0;
  bpf_loop(10, step, &sum, 0);
  bpf_tail_call(ctx, &jumps, 2);
  return local_twice(sum) + score(custom);
}

SEC("tracepoint/skb/kfree_skb")
int tail(void *ctx) {
  static const char format[] = "at %llu\n";
  bpf_trace_printk(format, sizeof(format), bpf_ktime_get_ns());
  return 0;
}

SEC("unheard_of/place")
int stranger(void *ctx) { return 1; }

char _license[] SEC("license") = "Dual MIT/GPL";
__u32 _version SEC("version") = 0x60102;
