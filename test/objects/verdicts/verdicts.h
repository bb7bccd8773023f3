// What the programs of this folder share.

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM(section, name, context) SEC(section) int name(context *ctx)
#define TC(name) PROGRAM("tc", name, struct __sk_buff)
#define XDP(name) PROGRAM("xdp", name, struct xdp_md)

/** The bounds of the packet. */
#define PKT volatile char *d = (void *)(long)ctx->data, *e = (void *)(long)ctx->data_end;

char _license[] SEC("license") = "GPL";
