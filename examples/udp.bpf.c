// clang-19 -target bpf -O2 -g -ffile-compilation-dir=. -c udp.bpf.c -o udp.bpf.o && llvm-strip-19 -g udp.bpf.o
//
// Drops UDP packets to one port and counts what it sees. `careless` is the same without a bounds check: Linux
// rejects it.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define BPF_MAP_TYPE_ARRAY 2
#define XDP_DROP 1
#define XDP_PASS 2

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;

struct xdp_md {
	u32 data;
	u32 data_end;
};

/* Ethernet, IPv4 without options, UDP. */
struct packet {
	u8 to[6], from[6];
	u16 type;
	u8 version, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u8 source[4], destination[4];
	u16 source_port, destination_port;
};

/* Written before the program is loaded, constant from then on. */
const volatile u16 blocked_port = 53;

/* By verdict: how many packets. */
struct {
	int (*type)[BPF_MAP_TYPE_ARRAY];
	int (*max_entries)[5];
	u32 *key;
	u64 *value;
} verdicts SEC(".maps");

static u32 count(u32 verdict)
{
	u64 *packets = bpf_map_lookup_elem(&verdicts, &verdict);

	if (packets)
		__sync_fetch_and_add(packets, 1);
	return verdict;
}

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	struct packet *packet = (void *)(long)ctx->data;

	if ((void *)(packet + 1) > (void *)(long)ctx->data_end)
		return count(XDP_PASS);
	if (packet->type != __builtin_bswap16(0x0800) || packet->version != 0x45 || packet->protocol != 17)
		return count(XDP_PASS);
	if (packet->destination_port == __builtin_bswap16(blocked_port))
		return count(XDP_DROP);
	return count(XDP_PASS);
}

SEC("xdp")
int careless(struct xdp_md *ctx)
{
	struct packet *packet = (void *)(long)ctx->data;

	return packet->protocol == 17 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
