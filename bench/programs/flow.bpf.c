// The flow dissector of the benches: Ethernet, up to two VLAN tags, IPv4 with options or IPv6 with extension
// headers, TCP or UDP ports; a hash of the five-tuple. r1 is the packet, r2 its length.
//
//   clang-19 -target bpf -mcpu=v3 -O2 -c flow.bpf.c -o flow.bpf.o

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct flow {
  u32 source[4];
  u32 destination[4];
  u16 source_port, destination_port;
  u8 protocol;
};

static __attribute__((always_inline)) u32 mix(u32 hash, u32 word) {
  hash = (hash ^ word) * 0x9e3779b1u;
  return hash ^ (hash >> 15);
}

#define SWAP16(x) __builtin_bswap16(x)

__attribute__((section("raw/flow"), used)) u64 flow(u8 *packet, u64 length) {
  struct flow flow = {};
  u64 at = 12;
  if (length < 14) return 0;
  u16 type = SWAP16(*(u16 *)(packet + at));
  at += 2;
#pragma unroll
  for (int tags = 0; tags < 2; tags++) {
    if (type != 0x8100 && type != 0x88a8) break;
    if (at + 4 > length) return 0;
    type = SWAP16(*(u16 *)(packet + at + 2));
    at += 4;
  }
  if (type == 0x0800) {
    if (at + 20 > length) return 0;
    u8 *ip = packet + at;
    u32 size = (ip[0] & 15) * 4;
    if (size < 20) return 0;
    if (*(u16 *)(ip + 6) & SWAP16(0x1fff)) return 0;
    flow.protocol = ip[9];
    flow.source[0] = *(u32 *)(ip + 12);
    flow.destination[0] = *(u32 *)(ip + 16);
    at += size;
  } else if (type == 0x86dd) {
    if (at + 40 > length) return 0;
    u8 *ip = packet + at;
    flow.protocol = ip[6];
    for (int i = 0; i < 4; i++) {
      flow.source[i] = *(u32 *)(ip + 8 + 4 * i);
      flow.destination[i] = *(u32 *)(ip + 24 + 4 * i);
    }
    at += 40;
    for (int headers = 0; headers < 4; headers++) {
      if (flow.protocol != 0 && flow.protocol != 43 && flow.protocol != 60) break;
      if (at + 8 > length) return 0;
      flow.protocol = packet[at];
      at += (packet[at + 1] + 1) * 8;
    }
  } else {
    return 0;
  }
  if (flow.protocol == 6 || flow.protocol == 17) {
    if (at + 4 > length) return 0;
    flow.source_port = *(u16 *)(packet + at);
    flow.destination_port = *(u16 *)(packet + at + 2);
  }
  u32 hash = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    hash = mix(hash, flow.source[i]);
    hash = mix(hash, flow.destination[i]);
  }
  hash = mix(hash, (u32)flow.source_port << 16 | flow.destination_port);
  return mix(hash, flow.protocol);
}
