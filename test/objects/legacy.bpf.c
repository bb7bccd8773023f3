/* Maps by struct bpf_map_def, in its plain length and with what iproute2 adds. */
#include "bpf.h"

struct bpf_map_def {
  __u32 type;
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
  __u32 map_flags;
  __u32 id;
  __u32 pinning;
};

struct bpf_map_def SEC("maps") plain = {BPF_MAP_TYPE_HASH, 4, 8, 100, 1, 0, 0};
struct bpf_map_def SEC("maps") pinned = {BPF_MAP_TYPE_ARRAY, 4, 16, 10, 0, 0, 2};

struct ____btf_map_plain {
  int key;
  long value;
};
struct ____btf_map_plain SEC(".maps.plain") ____btf_map_plain = {};

SEC("socket")
int uses_plain(void *ctx) {
  int key = 0;
  return bpf_map_lookup_elem(&plain, &key) != 0;
}

SEC("socket")
int uses_pinned(void *ctx) {
  int key = 0;
  return bpf_map_lookup_elem(&pinned, &key) != 0;
}

char _license[] SEC("license") = "GPL";
