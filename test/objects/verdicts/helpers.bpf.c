// What helpers ask of their maps and of memory: ring buffers, queues, formats. Some are accepted,
// some are not: verdicts.txt has what Linux says to each.

#include "verdicts.h"

struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps"), rb2 SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, long);
} ar SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, long); __type(value, char[64]);
} ha SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4);
} pe SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, 1); __type(key, int); __type(value, long);
} sks SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key);
  __type(value, long);
} cgs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __uint(value_size, 8); } qu SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 4); __uint(value_size, 8);
} bf SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(map_flags, 1); __type(key, long);
  __type(value, long);
} lpm SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, long);
} pa SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4);
  __uint(value_size, 80);
} st SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4);
} pr SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 8);
} dm SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4);
} xm SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
  __uint(value_size, 4);
} ca SEC(".maps");

TC(ringbuf_ok) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *p = 1; bpf_ringbuf_submit(p, 0); return 0;
}
TC(ringbuf_leak) { long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *p = 1; return 0; }
TC(ringbuf_null) { long *p = bpf_ringbuf_reserve(&rb, 8, 0); *p = 1; bpf_ringbuf_submit(p, 0); return 0; }
TC(ringbuf_twice) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_ringbuf_submit(p, 0);
  bpf_ringbuf_submit(p, 0); return 0;
}
TC(ringbuf_off) {
  long *p = bpf_ringbuf_reserve(&rb, 16, 0); if (!p) return 0; bpf_ringbuf_submit(p+1, 0); return 0;
}
TC(ringbuf_oob) {
  volatile long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; p[1] = 1;
  bpf_ringbuf_submit((void*)p, 0); return 0;
}
TC(ringbuf_use) {
  volatile long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_ringbuf_discard((void*)p, 0);
  return *p;
}
TC(ringbuf_var) {
  volatile long *p = bpf_ringbuf_reserve(&rb, ctx->mark, 0); if (!p) return 0;
  bpf_ringbuf_discard((void*)p, 0); return 0;
}
TC(ringbuf_map) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_map_update_elem(&ar, p, p, 0);
  bpf_ringbuf_discard(p, 0); return 0;
}
TC(ringbuf_out) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_ringbuf_output(&rb2, p, 8, 0);
  bpf_ringbuf_discard(p, 0); return 0;
}
TC(ringbuf_load) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_skb_load_bytes(ctx, 0, p, 9);
  bpf_ringbuf_discard(p, 0); return 0;
}
TC(ringbuf_store) {
  int k=0; long *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *v = (long)p; bpf_ringbuf_discard(p, 0);
  return 0;
}
TC(ringbuf_submit_val) {
  int k=0; long *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0; bpf_ringbuf_submit(v, 0); return 0;
}
TC(ringbuf_tail) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_tail_call(ctx, &pr, 1);
  bpf_ringbuf_discard(p, 0); return 0;
}
TC(ringbuf_ldabs) {
  long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_ringbuf_query(&rb, 0);
  bpf_ringbuf_discard(p, 0); return 0;
}

TC(perf_ok) { long x = 1; bpf_perf_event_output(ctx, &pe, 0, &x, 8); return 0; }
TC(perf_pkt) {
  void *d = (void*)(long)ctx->data, *e = (void*)(long)ctx->data_end; if (d + 8 > e) return 0;
  bpf_perf_event_output(ctx, &pe, 0, d, 8); return 0;
}
TC(perf_stack) { char x[8]; bpf_perf_event_output(ctx, &pe, 0, x, 8); return 0; }
TC(perf_ctx) { bpf_perf_event_output(ctx, &pe, 0, ctx, 8); return 0; }
TC(perf_zero) { bpf_perf_event_output(ctx, &pe, 0, 0, 0); return 0; }
TC(perf_var) { char x[16] = {}; bpf_perf_event_output(ctx, &pe, 0, x, ctx->mark & 31); return 0; }

TC(queue_ops) {
  long x = 1; bpf_map_push_elem(&qu, &x, 0); bpf_map_pop_elem(&qu, &x); bpf_map_peek_elem(&qu, &x);
  return x;
}
TC(queue_lookup) { int k = 0; bpf_map_lookup_elem(&qu, &k); return 0; }
TC(bloom_push) { long x = 1; bpf_map_push_elem(&bf, &x, 0); return bpf_map_peek_elem(&bf, &x); }
TC(bloom_peekun) { long x; return bpf_map_peek_elem(&bf, &x); }
TC(bloom_pop) { long x; return bpf_map_pop_elem(&bf, &x); }
TC(lpm_l) { long k = 0; long *v = bpf_map_lookup_elem(&lpm, &k); return v ? *v : 0; }

static long fe(void *map, void *key, void *val, void *c) { return 0; }
TC(lpm_each) { bpf_for_each_map_elem(&lpm, fe, 0, 0); return 0; }
TC(percpu_each) { bpf_for_each_map_elem(&pa, fe, 0, 0); return 0; }
TC(hash_each) { bpf_for_each_map_elem(&ha, fe, 0, 0); return 0; }
TC(queues_each) { bpf_for_each_map_elem(&qu, fe, 0, 0); return 0; }
TC(stacks_each) { bpf_for_each_map_elem(&st, fe, 0, 0); return 0; }
TC(sks_each) { bpf_for_each_map_elem(&sks, fe, 0, 0); return 0; }
TC(devmap_each) { bpf_for_each_map_elem(&dm, fe, 0, 0); return 0; }
TC(bf_each) { bpf_for_each_map_elem(&bf, fe, 0, 0); return 0; }
TC(percpu_pcpu) { int k = 0; long *v = bpf_map_lookup_percpu_elem(&pa, &k, 0); return v ? *v : 0; }
TC(array_pcpu) { int k = 0; long *v = bpf_map_lookup_percpu_elem(&ar, &k, 0); return v ? *v : 0; }
TC(percpu_const) { int k = 2; long *v = bpf_map_lookup_elem(&pa, &k); return *v; }
TC(sk_st) {
  struct bpf_sock *sk = ctx->sk; if (!sk) return 0; sk = bpf_sk_fullsock(sk); if (!sk) return 0;
  long *v = bpf_sk_storage_get(&sks, sk, 0, 1); return v ? *v : 0;
}
TC(sk_st2) {
  struct bpf_sock *sk = ctx->sk; if (!sk) return 0; long x = 1;
  long *v = bpf_sk_storage_get(&sks, sk, &x, 1); if (v) *v = 1; bpf_sk_storage_delete(&sks, sk); return 0;
}
TC(sk_stn) {
  struct bpf_sock *sk = ctx->sk; long *v = bpf_sk_storage_get(&sks, sk, 0, 1); return v ? *v : 0;
}
TC(devmap_l) { int k = 0; int *v = bpf_map_lookup_elem(&dm, &k); return v ? *v : 0; }
TC(devmap_w) { int k = 0; int *v = bpf_map_lookup_elem(&dm, &k); if (v) *v = 1; return 0; }
TC(devmap_u) { int k = 0; long v = 0; bpf_map_update_elem(&dm, &k, &v, 0); return 0; }
PROGRAM("xdp", xskmap_l, struct xdp_md) {
  int k = 0; struct bpf_xdp_sock *v = bpf_map_lookup_elem(&xm, &k); return v ? v->queue_id : 2;
}
PROGRAM("xdp", xskmap_w, struct xdp_md) {
  int k = 0; struct bpf_xdp_sock *v = bpf_map_lookup_elem(&xm, &k); if (v) v->queue_id = 1; return 2;
}
PROGRAM("xdp", xskmap_o, struct xdp_md) {
  int k = 0; int *v = bpf_map_lookup_elem(&xm, &k); return v ? v[1] & 1 : 2;
}
PROGRAM("xdp", xskmap_n, struct xdp_md) {
  int k = 0; struct bpf_xdp_sock *v = bpf_map_lookup_elem(&xm, &k); return v->queue_id & 1;
}
PROGRAM("xdp", xskmap_b, struct xdp_md) {
  int k = 0; unsigned short *v = bpf_map_lookup_elem(&xm, &k); return v ? v[0] & 1 : 2;
}
PROGRAM("xdp", xskmap_r, struct xdp_md) { return bpf_redirect_map(&xm, 0, 0); }
PROGRAM("xdp", devmap_r, struct xdp_md) { return bpf_redirect_map(&dm, 0, 0); }
PROGRAM("xdp", array_r, struct xdp_md) { return bpf_redirect_map(&ar, 0, 0); }
TC(cgroups_ok) { return bpf_skb_under_cgroup(ctx, &ca, 0); }
TC(cgroups_bad) { return bpf_skb_under_cgroup(ctx, &ar, 0); }
PROGRAM("cgroup_skb/egress", storage_ok, struct __sk_buff) {
  long *v = bpf_get_local_storage(&cgs, 0); *v = 1; return 1;
}
PROGRAM("cgroup_skb/egress", storage_fl, struct __sk_buff) {
  long *v = bpf_get_local_storage(&cgs, 1); *v = 1; return 1;
}
PROGRAM("cgroup_skb/egress", storage_oob, struct __sk_buff) {
  volatile long *v = bpf_get_local_storage(&cgs, 0); v[1] = 1; return 1;
}
PROGRAM("cgroup_skb/egress", storage_lookup, struct __sk_buff) {
  struct bpf_cgroup_storage_key k = {}; long *v = bpf_map_lookup_elem(&cgs, &k); return 1;
}
TC(tc_cg) { long *v = bpf_get_local_storage(&cgs, 0); *v = 1; return 1; }

TC(snprintf_ok) {
  static const char f[] = "%d %s"; char o[16]; unsigned long a[2] = {1, 0};
  return bpf_snprintf(o, 16, f, a, 16);
}
TC(snprintf_few) {
  static const char f[] = "%d %d"; char o[16]; unsigned long a[1] = {1};
  return bpf_snprintf(o, 16, f, a, 8);
}
TC(snprintf_many) {
  static const char f[] = "%d"; char o[16]; unsigned long a[2] = {1}; return bpf_snprintf(o, 16, f, a, 16);
}
TC(snprintf_odd) {
  static const char f[] = "%d"; char o[16]; unsigned long a[2] = {1}; return bpf_snprintf(o, 16, f, a, 12);
}
TC(snprintf_bad) {
  static const char f[] = "%q"; char o[16]; unsigned long a[1] = {1}; return bpf_snprintf(o, 16, f, a, 8);
}
TC(snprintf_end) {
  static const char f[] = "abc %"; char o[16]; unsigned long a[1] = {1};
  return bpf_snprintf(o, 16, f, a, 8);
}
TC(snprintf_p) {
  static const char f[] = "%p %px %pK %pS %ps %pB %pI4 %pI6 %pi4"; char o[16]; unsigned long a[9] = {};
  return bpf_snprintf(o, 16, f, a, 72);
}
TC(snprintf_pbad) {
  static const char f[] = "%pz"; char o[16]; unsigned long a[1] = {}; return bpf_snprintf(o, 16, f, a, 8);
}
TC(snprintf_c) {
  static const char f[] = "%c %5d %-5d %05x %lu %llx %li %lld %hhx"; char o[16]; unsigned long a[9] = {};
  return bpf_snprintf(o, 16, f, a, 72);
}
TC(snprintf_none) { static const char f[] = "hello %% x"; char o[16]; return bpf_snprintf(o, 16, f, 0, 0); }
TC(snprintf_nonasc) { static const char f[] = "h\x80"; char o[16]; return bpf_snprintf(o, 16, f, 0, 0); }
TC(snprintf_13) {
  static const char f[] = "%d%d%d%d%d%d%d%d%d%d%d%d%d"; char o[16]; unsigned long a[13] = {};
  return bpf_snprintf(o, 16, f, a, 104);
}
TC(snprintf_stack) {
  char f[4] = "%d"; char o[16]; unsigned long a[1] = {}; return bpf_snprintf(o, 16, f, a, 8);
}
TC(snprintf_var) {
  static const char f[] = "%d"; char o[16]; unsigned long a[2] = {};
  return bpf_snprintf(o, 16, f, a, ctx->mark & 8);
}
TC(snprintf_s) {
  static const char f[] = "%s %ks %us %pks %pus %5s %.3s"; char o[16]; unsigned long a[7] = {};
  return bpf_snprintf(o, 16, f, a, 56);
}
TC(snprintf_pks) {
  static const char f[] = "%pks %pus"; char o[16]; unsigned long a[2] = {};
  return bpf_snprintf(o, 16, f, a, 16);
}
TC(snprintf_mark) {
  static const char f[] = "%s %x%d"; char o[16]; unsigned long a[3] = {};
  return bpf_snprintf(o, 16, f, a, 24);
}
TC(printk_ok) { static const char f[] = "%d"; return bpf_trace_printk(f, 3, 1); }
TC(printk_zero) { static const char f[] = "%d"; return bpf_trace_printk(f, 0, 1); }
TC(strncmp_ok) { return bpf_strncmp("abc", 3, "abd"); }
TC(strncmp_ctx) { char b[4] = "abc"; return bpf_strncmp(b, 4, "abd"); }
TC(strncmp_noconst) { char b[4] = "abc"; char c[4] = "abd"; return bpf_strncmp(b, 4, c); }
TC(stl) { long r; char b[4] = "123"; return bpf_strtol(b, 4, 0, &r); }
TC(strtol_un) { char r[16]; char b[4] = "123"; return bpf_strtol(b, 4, 0, (long*)(r + 4)); }
PROGRAM("kprobe/foo", fip, struct pt_regs) { return bpf_get_func_ip(ctx); }
PROGRAM("perf_event", pfip, void) { return bpf_get_func_ip(ctx); }
PROGRAM("perf_event", gsid, void) { return bpf_get_stackid(ctx, &st, 0); }
PROGRAM("perf_event", gsid2, void) { return bpf_get_stackid(ctx, &ar, 0); }
PROGRAM("perf_event", pv, void) {
  struct bpf_perf_event_value v; return bpf_perf_event_read_value(&pe, 0, &v, sizeof(v));
}
PROGRAM("perf_event", gstk, void) {
  char b[64]; long n = bpf_get_stack(ctx, b, 64, 0); if (n > 0) return b[n & 63]; return 0;
}
PROGRAM("perf_event", gstk2, void) {
  int k = 0; char *b = bpf_map_lookup_elem(&ha, &(long){0}); if (!b) return 0;
  long n = bpf_get_stack(ctx, b, 64, 0); if (n < 0) return 0; n = bpf_get_stack(ctx, b + n, 64 - n, 0);
  return 0;
}
PROGRAM("perf_event", gstk3, void) {
  int k = 0; char *b = bpf_map_lookup_elem(&ha, &(long){0}); if (!b) return 0;
  long n = bpf_get_stack(ctx, b, 64, 0); n = bpf_get_stack(ctx, b + n, 64 - n, 0); return 0;
}
PROGRAM("cgroup/getsockopt", gso, struct bpf_sockopt) { bpf_set_retval(-5); return 1; }
PROGRAM("cgroup/sock_create", csk, struct bpf_sock) { bpf_set_retval(-5000); return bpf_get_retval() & 1; }
PROGRAM("cgroup/bind4", cbind, struct bpf_sock_addr) { bpf_set_retval(-5); return 3; }
PROGRAM("cgroup/bind4", cbind4, struct bpf_sock_addr) { return 4; }
PROGRAM("cgroup/recvmsg4", crecv, struct bpf_sock_addr) { return 0; }
PROGRAM("cgroup_skb/egress", ceg3, struct __sk_buff) { return 3; }
PROGRAM("cgroup_skb/ingress", cin3, struct __sk_buff) { return 3; }
PROGRAM("sk_lookup", skl, struct bpf_sk_lookup) { return 2; }
PROGRAM("sockops", sko, struct bpf_sock_ops) { return 2; }
PROGRAM("flow_dissector", fld, struct __sk_buff) { return 5; }
PROGRAM("netfilter", nf, void) { return 2; }
PROGRAM("syscall", sc, void) { return bpf_sys_bpf(0, ctx, 8); }
PROGRAM("syscall", scv, void) { long x; return bpf_sys_bpf(0, &x, 8); }

#define FORMAT(name, text, count) \
  TC(name) { \
    static const char format[] = text; \
    char out[16]; \
    unsigned long args[count + 1] = {}; \
    return bpf_snprintf(out, sizeof(out), format, args, count * 8); \
  }

FORMAT(format_c01, "a\x01", 1)
FORMAT(format_c7f, "a\x7f", 1)
FORMAT(format_c80, "\x80", 1)
FORMAT(format_cff, "\xff", 1)
FORMAT(format_cutf, "\xc3\xa9 %d", 1)
FORMAT(format_p80, "%p\x80", 1)
FORMAT(format_s80, "%s\x80", 1)
FORMAT(format_d80, "%d\x80", 1)
FORMAT(format_pc80, "%\x80", 1)
FORMAT(format_l80, "%l\x80", 1)
FORMAT(format_w80, "%5\x80", 1)
FORMAT(format_pk80, "%pks\x80", 1)
FORMAT(format_pB80, "%pB\x80", 1)
FORMAT(format_pi80, "%pI4\x80", 1)
FORMAT(format_pfin, "%p", 1)
FORMAT(format_p_, "%p_", 1)
FORMAT(format_px1, "%px1", 1)
FORMAT(format_pKa, "%pKa", 1)
FORMAT(format_pi6x, "%pI6x", 1)
FORMAT(format_pi5, "%pI5", 1)
FORMAT(format_pi, "%pI", 1)
FORMAT(format_tab, "\t\n\v\f\r", 1)
FORMAT(format_esc, "\e", 1)
FORMAT(format_pc, "%%%d", 1)
FORMAT(format_fl, "%+d% d%#x", 3)
FORMAT(format_fl2, "%0-5d", 1)
FORMAT(format_wd, "%012d", 1)
FORMAT(format_prec, "%.3d", 1)
FORMAT(format_star, "%*d", 2)
FORMAT(format_hd, "%hd", 1)
FORMAT(format_zd, "%zd", 1)
FORMAT(format_ld, "%ld%lld%lx%llX%lu%li%llu", 7)
FORMAT(format_lll, "%llld", 1)
FORMAT(format_ls, "%ls", 1)
FORMAT(format_lc, "%lc", 1)
FORMAT(format_c5, "%5c", 1)
FORMAT(format_s5, "%5s", 1)
FORMAT(format_n, "%n", 1)
FORMAT(format_f, "%f", 1)
FORMAT(format_o, "%o", 1)
FORMAT(format_pw, "%5p", 1)
FORMAT(format_ps2, "%psx", 1)
FORMAT(format_pps, "%ps", 1)
FORMAT(format_pus, "%pus", 1)
FORMAT(format_sx, "%sx", 1)
FORMAT(format_s_, "%s,", 1)
FORMAT(format_dd, "%d%d", 1)
FORMAT(format_cc, "%cc", 1)
