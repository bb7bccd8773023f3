// clang-19 -target bpf -O2 -g -ffile-compilation-dir=. -c dropmon.bpf.c -o dropmon.bpf.o && llvm-strip-19 -g dropmon.bpf.o
//
// Counts dropped packets by the place in the kernel that dropped them: `drops` holds, for each address from
// which kfree_skb was called, how often. Attached to the tracepoint skb:kfree_skb; the host reads the map.

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define BPF_MAP_TYPE_HASH 1
#define BPF_NOEXIST 1

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;

// A definition by BTF: the loader reads the numbers off the types.
struct {
	int (*type)[BPF_MAP_TYPE_HASH];
	int (*max_entries)[1024];
	u64 *key;
	u64 *value;
} drops SEC(".maps");

// The record as events/skb/kfree_skb/format lays it out (Linux 6.18; recordings/events has a copy).
struct kfree_skb_record {
	u16 common_type;
	unsigned char common_flags;
	unsigned char common_preempt_count;
	int common_pid;
	void *skbaddr;
	void *location;
	void *rx_sk;
	u16 protocol;
	u32 reason;
};

SEC("tracepoint/skb/kfree_skb")
int count_drop(struct kfree_skb_record *record)
{
	u64 location = (u64)record->location;
	u64 *count = bpf_map_lookup_elem(&drops, &location);

	if (count) {
		__sync_fetch_and_add(count, 1);
		return 0;
	}

	// Another CPU may have been faster: then its entry is there now, and takes this drop as well.
	u64 one = 1;

	if (bpf_map_update_elem(&drops, &location, &one, BPF_NOEXIST) != 0) {
		count = bpf_map_lookup_elem(&drops, &location);
		if (count)
			__sync_fetch_and_add(count, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
