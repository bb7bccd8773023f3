// Packets, sockets, contexts and global data, under the types of program that have them. Some are accepted, some are
// not: verdicts.txt has what Linux says to each.

#include "verdicts.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, char[64]);
} ar SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __uint(map_flags, 128); __type(key, int);
  __type(value, long);
} ro SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __uint(map_flags, 256); __type(key, int);
  __type(value, long);
} wo SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(map_flags, 128); __type(key, long);
  __type(value, long);
} roh SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(map_flags, 256); __type(key, long);
  __type(value, long);
} woh SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __uint(map_flags, 128); __uint(value_size, 8);
} roq SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4);
} sm SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY); __uint(max_entries, 4); __uint(key_size, 4);
  __uint(value_size, 4);
} rs SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, 1); __type(key, int); __type(value, long);
} ts SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4);
} pr SEC(".maps"), pr2 SEC(".maps");
TC(readonly_upd) { int k = 0; long v = 0; return bpf_map_update_elem(&ro, &k, &v, 0); }
TC(readonly_del) { int k = 0; return bpf_map_delete_elem(&ro, &k); }
TC(readonly_st) { int k = 0; long *v = bpf_map_lookup_elem(&ro, &k); if (v) *v = 1; return 0; }
TC(readonly_ld) { int k = 0; long *v = bpf_map_lookup_elem(&ro, &k); return v ? *v : 0; }
TC(readonly_h) {
  int k = 0; long *v = bpf_map_lookup_elem(&ro, &k); if (v) bpf_skb_load_bytes(ctx, 0, v, 8); return 0;
}
TC(readonly_at) {
  int k = 0; long *v = bpf_map_lookup_elem(&ro, &k); if (v) __sync_fetch_and_add(v, 1); return 0;
}
TC(writeonly_upd) { int k = 0; long v = 0; return bpf_map_update_elem(&wo, &k, &v, 0); }
TC(writeonly_ld) { int k = 0; long *v = bpf_map_lookup_elem(&wo, &k); return v ? *v : 0; }
TC(writeonly_st) { int k = 0; long *v = bpf_map_lookup_elem(&wo, &k); if (v) *v = 1; return 0; }
TC(writeonly_h) {
  int k = 0; long *v = bpf_map_lookup_elem(&wo, &k); if (v) bpf_skb_store_bytes(ctx, 0, v, 8, 0); return 0;
}
TC(writeonly_key) {
  int k = 0; long *v = bpf_map_lookup_elem(&wo, &k); if (v) bpf_map_lookup_elem(&woh, v); return 0;
}
TC(writeonly_at) {
  int k = 0; long *v = bpf_map_lookup_elem(&wo, &k); if (v) __sync_fetch_and_add(v, 1); return 0;
}
TC(readonly_hash_upd) { long k = 0; long v = 0; return bpf_map_update_elem(&roh, &k, &v, 0); }
TC(readonly_queue_pop) { long v = 0; return bpf_map_pop_elem(&roq, &v); }
TC(readonly_queue_peek) { long v = 0; return bpf_map_peek_elem(&roq, &v); }
TC(readonly_queue_push) { long v = 0; return bpf_map_push_elem(&roq, &v, 0); }

#define TUP struct bpf_sock_tuple t = {}; 

TC(socket_ok) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); if (s) bpf_sk_release(s);
  return 0;
}
TC(socket_leak) { TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); return 0; }
TC(socket_null) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); bpf_sk_release(s); return 0;
}
TC(socket_twice) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); if (s) { bpf_sk_release(s);
  bpf_sk_release(s); } return 0;
}
TC(socket_use) {
  TUP volatile struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { bpf_sk_release((void*)s); return s->type; } return 0;
}
TC(socket_full) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { struct bpf_tcp_sock *tp = bpf_tcp_sock(s); int r = tp ? tp->snd_cwnd : 0; bpf_sk_release(s);
  return r; } return 0;
}
TC(socket_tcprel) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { struct bpf_tcp_sock *tp = bpf_tcp_sock(s); if (!tp) { bpf_sk_release(s); return 0;
  } bpf_sk_release((void*)tp); } return 0;
}
TC(socket_tcpafter) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { volatile struct bpf_tcp_sock *tp = bpf_tcp_sock(s); bpf_sk_release(s);
  return tp ? tp->snd_cwnd : 0; } return 0;
}
TC(socket_ctxrel) { struct bpf_sock *s = ctx->sk; if (s) bpf_sk_release(s); return 0; }
TC(socket_listen) {
  struct bpf_sock *s = ctx->sk; if (!s) return 0; s = bpf_get_listener_sock(s); return s ? s->state : 0;
}
TC(socket_common) { struct bpf_sock *s = ctx->sk; if (!s) return 0; return s->type; }
TC(socket_common2) { struct bpf_sock *s = ctx->sk; if (!s) return 0; return s->family; }
TC(socket_fulln) { struct bpf_sock *s = bpf_sk_fullsock(ctx->sk); return 0; }
TC(socket_write) {
  struct bpf_sock *s = ctx->sk; if (!s) return 0; s = bpf_sk_fullsock(s); if (s) s->mark = 1; return 0;
}
TC(socket_assign) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { bpf_sk_assign(ctx, s, 0); bpf_sk_release(s); } return 0;
}
TC(socket_assign0) { return bpf_sk_assign(ctx, 0, 0); }
TC(socket_tail) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) { bpf_tail_call(ctx, &pr, 0); bpf_sk_release(s); } return 0;
}
TC(socket_skc) {
  TUP struct bpf_sock *s = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); if (s) { int f = s->family;
  bpf_sk_release(s); return f; } return 0;
}
TC(socket_skct) {
  TUP struct bpf_sock *s = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); if (s) { int f = s->type;
  bpf_sk_release(s); return f; } return 0;
}
TC(socket_cmp) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  struct bpf_sock *s2 = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv4), -1, 0);
  int r = s == s2; if (s) bpf_sk_release(s); if (s2) bpf_sk_release(s2); return r;
}
TC(socket_add) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  if (s) bpf_sk_release((void*)s + ctx->mark); return 0;
}
TC(socket_store) {
  TUP int k = 0; long *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0); if (s) { *v = (long)s;
  bpf_sk_release(s); } return 0;
}
TC(socket_spill) {
  TUP struct bpf_sock *s = bpf_sk_lookup_tcp(ctx, &t, sizeof(t.ipv4), -1, 0);
  struct bpf_sock *volatile x = s; bpf_get_prandom_u32(); s = x; if (s) bpf_sk_release(s); return 0;
}

TC(packet_ok) { PKT if (d + 4 > e) return 0; return d[3]; }
TC(packet_oob) { PKT if (d + 4 > e) return 0; return d[4]; }
TC(packet_wr) { PKT if (d + 4 > e) return 0; d[3] = 1; return 0; }
TC(packet_after) { PKT if (d + 4 > e) return 0; bpf_skb_pull_data(ctx, 10); return d[3]; }
TC(packet_after2) { PKT if (d + 4 > e) return 0; bpf_skb_load_bytes(ctx, 0, &(long){0}, 8); return d[3]; }
TC(packet_store) { PKT if (d + 4 > e) return 0; bpf_skb_store_bytes(ctx, 0, (void*)d, 4, 0); return 0; }
TC(packet_store2) { PKT if (d + 4 > e) return 0; bpf_skb_store_bytes(ctx, 0, (void*)d, 5, 0); return 0; }
TC(packet_key) { PKT if (d + 4 > e) return 0; bpf_map_lookup_elem(&ar, (void*)d); return 0; }
TC(packet_loadto) { PKT if (d + 4 > e) return 0; bpf_skb_load_bytes(ctx, 0, (void*)d, 4); return 0; }
TC(packet_var) { PKT unsigned l = ctx->len & 0xff; if (d + l > e) return 0; return d[0]; }
TC(packet_var2) { PKT unsigned l = ctx->len & 0xff; d += l; if (d + 1 > e) return 0; return d[0]; }
TC(packet_var3) { PKT unsigned l = ctx->len & 0xffff; d += l; if (d + 1 > e) return 0; return d[0]; }
TC(packet_var4) { PKT unsigned l = ctx->len & 0xfffff; d += l; if (d + 1 > e) return 0; return d[0]; }
TC(packet_sub) { PKT return e - d; }
TC(packet_csum) { PKT if (d + 16 > e) return 0; return bpf_csum_diff((void*)d, 16, 0, 0, 0); }
TC(packet_csum2) { PKT if (d + 16 > e) return 0; return bpf_csum_diff(0, 0, (void*)d, 20, 0); }
TC(packet_meta) { PKT volatile char *m = (void*)(long)ctx->data_meta; if (m + 2 > d) return 0; return m[1]; }
TC(packet_meta2) { PKT volatile char *m = (void*)(long)ctx->data_meta; if (m + 2 > e) return 0; return m[1]; }
TC(packet_change) { PKT bpf_skb_change_tail(ctx, 100, 0); if (d + 1 > e) return 0; return d[0]; }
TC(packet_redir) { return bpf_clone_redirect(ctx, 1, 0); }
TC(packet_vlan) { PKT if (d + 4 > e) return 0; bpf_skb_vlan_push(ctx, 1, 1); return d[3]; }
TC(packet_setk) {
  PKT if (d + 4 > e) return 0; struct bpf_tunnel_key k = {}; bpf_skb_set_tunnel_key(ctx, &k, sizeof(k), 0);
  return d[3];
}

XDP(xdp_adj) { PKT if (d + 4 > e) return 0; bpf_xdp_adjust_head(ctx, 4); return d[3] & 1; }
XDP(xdp_meta) { PKT if (d + 4 > e) return 0; bpf_xdp_adjust_meta(ctx, 4); return d[3] & 1; }
XDP(xdp_lb) { char b[8]; if (bpf_xdp_load_bytes(ctx, 0, b, 8)) return 0; return b[7] & 1; }
XDP(xdp_sb) { PKT if (d + 8 > e) return 0; bpf_xdp_store_bytes(ctx, 0, (void*)d, 8); return 2; }
XDP(xdp_fib) { struct bpf_fib_lookup f = {}; return bpf_fib_lookup(ctx, &f, sizeof(f), 0); }
XDP(xdp_fib2) { struct bpf_fib_lookup f; return bpf_fib_lookup(ctx, &f, sizeof(f), 0); }
XDP(xdp_mtu) { unsigned m = 0; return bpf_check_mtu(ctx, 0, &m, 0, 0); }
XDP(xdp_mtu2) { unsigned m; return bpf_check_mtu(ctx, 0, &m, 0, 0); }
XDP(xdp_mtu3) { unsigned long m = 0; return bpf_check_mtu(ctx, 0, (void*)&m + 2, 0, 0); }
XDP(xdp_ret) { return 100; }
XDP(xdp_len) { return bpf_xdp_get_buff_len(ctx); }
XDP(xdp_syn) {
  PKT if (d + 60 > e) return 0; return bpf_tcp_raw_gen_syncookie_ipv4((void*)d, (void*)d + 20, 20);
}
XDP(xdp_syn2) {
  PKT if (d + 30 > e) return 0; return bpf_tcp_raw_gen_syncookie_ipv4((void*)d, (void*)d + 20, 20);
}

PROGRAM("sk_msg", msg_pull, struct sk_msg_md) {
  volatile char *d = ctx->data, *e = ctx->data_end; if (d + 1 > e) return 1;
  bpf_msg_pull_data(ctx, 0, 4, 0); return d[0];
}
PROGRAM("sk_msg", msg_apply, struct sk_msg_md) {
  volatile char *d = ctx->data, *e = ctx->data_end; if (d + 1 > e) return 1; bpf_msg_apply_bytes(ctx, 1);
  return d[0] & 1;
}
PROGRAM("sk_msg", msg_wr, struct sk_msg_md) {
  volatile char *d = ctx->data, *e = ctx->data_end; if (d + 1 > e) return 1; d[0] = 1; return 1;
}
PROGRAM("sk_msg", msg_redir, struct sk_msg_md) { return bpf_msg_redirect_map(ctx, &sm, 0, 0); }
PROGRAM("sk_msg", msg_sk, struct sk_msg_md) { return ctx->sk->family; }
PROGRAM("sk_skb/stream_verdict", sv, struct __sk_buff) { return bpf_sk_redirect_map(ctx, &sm, 0, 0); }
PROGRAM("sk_skb/stream_parser", svp, struct __sk_buff) { return ctx->len; }
PROGRAM("sk_skb/stream_verdict", svl, struct __sk_buff) {
  int k=0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); if (s) bpf_sk_release(s); return 1;
}
PROGRAM("sk_skb/stream_verdict", svleak, struct __sk_buff) {
  int k=0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); return 1;
}
PROGRAM("sockops", sockops_upd, struct bpf_sock_ops) { int k=0; return bpf_sock_map_update(ctx, &sm, &k, 0); }
PROGRAM("sockops", sockops_opt, struct bpf_sock_ops) { int v = 1; return bpf_setsockopt(ctx, 1, 2, &v, 4); }
PROGRAM("sockops", sockops_sk, struct bpf_sock_ops) {
  struct bpf_sock *s = ctx->sk; if (!s) return 1; s = bpf_sk_fullsock(s); return 1;
}
PROGRAM("sockops", sockops_hdr, struct bpf_sock_ops) {
  char b[8] = {}; bpf_store_hdr_opt(ctx, b, 8, 0); bpf_load_hdr_opt(ctx, b, 8, 0);
  bpf_reserve_hdr_opt(ctx, 8, 0); return 1;
}
PROGRAM("sockops", sockops_pkt, struct bpf_sock_ops) {
  volatile char *d = ctx->skb_data, *e = ctx->skb_data_end; if (d + 1 > e) return 1; return d[0] & 1;
}
PROGRAM("sockops", sockops_pkt2, struct bpf_sock_ops) {
  volatile char *d = ctx->skb_data, *e = ctx->skb_data_end; if (d + 1 > e) return 1; char b[8]={};
  bpf_store_hdr_opt(ctx, b, 8, 0); return d[0] & 1;
}
PROGRAM("sockops", sockops_args, struct bpf_sock_ops) { ctx->reply = 1; ctx->replylong[3] = 2; return 1; }
PROGRAM("sk_reuseport", sr, struct sk_reuseport_md) {
  int k = 0; return bpf_sk_select_reuseport(ctx, &rs, &k, 0);
}
PROGRAM("sk_reuseport", sr2, struct sk_reuseport_md) {
  int k = 0; return bpf_sk_select_reuseport(ctx, &sm, &k, 0);
}
PROGRAM("sk_reuseport", sr3, struct sk_reuseport_md) {
  int k = 0; return bpf_sk_select_reuseport(ctx, &ar, &k, 0);
}
PROGRAM("sk_reuseport", sr4, struct sk_reuseport_md) {
  char b[8]; return bpf_skb_load_bytes((void*)ctx, 0, b, 8);
}
PROGRAM("sk_lookup", sl, struct bpf_sk_lookup) {
  int k=0; struct bpf_sock *s = bpf_map_lookup_elem(&sm, &k); if (!s) return 1;
  int r = bpf_sk_assign(ctx, s, 0); bpf_sk_release(s); return 1;
}
PROGRAM("sk_lookup", sl0, struct bpf_sk_lookup) { bpf_sk_assign(ctx, 0, 0); return 1; }
PROGRAM("sk_lookup", slr, struct bpf_sk_lookup) {
  struct bpf_sock *s = ctx->sk; return s ? s->family & 1 : 1;
}
PROGRAM("cgroup/sysctl", sy, struct bpf_sysctl) {
  char b[16]; bpf_sysctl_get_name(ctx, b, 16, 0); bpf_sysctl_get_new_value(ctx, b, 16);
  bpf_sysctl_set_new_value(ctx, "1", 1); return 1;
}
PROGRAM("cgroup/sysctl", sy2, struct bpf_sysctl) {
  long v; char b[16] = {}; return bpf_strtol(b, 16, 0, &v) > 0;
}
PROGRAM("cgroup/sysctl", sy3, struct bpf_sysctl) { ctx->file_pos = 1; return ctx->write; }
PROGRAM("cgroup/dev", dv, struct bpf_cgroup_dev_ctx) { return ctx->major == 1; }
PROGRAM("cgroup/getsockopt", go, struct bpf_sockopt) {
  unsigned char *o = ctx->optval, *e = ctx->optval_end; if (o + 1 > e) return 0; o[0] = 1; ctx->retval = 0;
  return 1;
}
PROGRAM("cgroup/setsockopt", go2, struct bpf_sockopt) {
  unsigned char *o = ctx->optval, *e = ctx->optval_end; if (o + 1 > e) return 0; o[0] = 1; ctx->optlen = 1;
  ctx->level = 1; return 1;
}
PROGRAM("cgroup/setsockopt", go3, struct bpf_sockopt) { ctx->retval = 0; return 1; }
PROGRAM("cgroup/getsockopt", go4, struct bpf_sockopt) {
  struct bpf_sock *s = ctx->sk; if (!s) return 1; return s->family & 1;
}
PROGRAM("cgroup/connect4", cc4, struct bpf_sock_addr) {
  ctx->user_ip4 = 1; ctx->user_port = 1; struct sockaddr_in a = {}; bpf_bind(ctx, (void*)&a, sizeof(a));
  return 1;
}
PROGRAM("cgroup/connect6", cc6, struct bpf_sock_addr) { ctx->user_ip6[0] = 1; return ctx->user_ip4; }
PROGRAM("cgroup/sendmsg4", cs4, struct bpf_sock_addr) { ctx->msg_src_ip4 = 1; return 1; }
PROGRAM("cgroup/connect4", cs42, struct bpf_sock_addr) { ctx->msg_src_ip4 = 1; return 1; }

PROGRAM("kprobe/x", probe_pr, struct pt_regs) {
  char b[16]; bpf_probe_read_kernel(b, 16, (void*)ctx->rdi); return b[3];
}

PROGRAM("kprobe/x", probe_prm, struct pt_regs) {
  int k=0; char *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  bpf_probe_read_kernel(v, ctx->rsi & 63, (void*)ctx->rdi); return 0;
}

PROGRAM("kprobe/x", probe_prm2, struct pt_regs) {
  int k=0; char *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  bpf_probe_read_kernel(v, ctx->rsi & 127, (void*)ctx->rdi); return 0;
}
PROGRAM("kprobe/x", probe_str, struct pt_regs) {
  int k=0; char *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  long n = bpf_probe_read_user_str(v, 32, (void*)ctx->rdi);
  if (n > 0) n = bpf_probe_read_user_str(v + n, 32, (void*)ctx->rdi); return 0;
}
PROGRAM("kprobe/x", probe_str2, struct pt_regs) {
  int k=0; char *v = bpf_map_lookup_elem(&ar, &k); if (!v) return 0;
  long n = bpf_probe_read_user_str(v, 33, (void*)ctx->rdi);
  if (n > 0) n = bpf_probe_read_user_str(v + n, 32, (void*)ctx->rdi); return 0;
}
PROGRAM("kprobe/x", probe_comm, struct pt_regs) { char c[16]; bpf_get_current_comm(c, 16); return c[0]; }
PROGRAM("kprobe/x", probe_task, struct pt_regs) { volatile long *t = (void*)bpf_get_current_task(); return *t; }
PROGRAM("kprobe/x", probe_tbtf, struct pt_regs) {
  volatile int *t = (void*)bpf_get_current_task_btf(); return 0;
}
PROGRAM("kprobe/x", probe_ts, struct pt_regs) {
  long *v = bpf_task_storage_get(&ts, (void*)bpf_get_current_task_btf(), 0, 1); return v ? *v : 0;
}
PROGRAM("kprobe/x", probe_ts2, struct pt_regs) {
  long *v = bpf_task_storage_get(&ts, (void*)bpf_get_current_task(), 0, 1); return v ? *v : 0;
}
PROGRAM("kprobe/x", probe_ovr, struct pt_regs) { return bpf_override_return(ctx, 1); }
PROGRAM("kprobe/x", probe_wu, struct pt_regs) {
  char b[4] = {}; return bpf_probe_write_user((void*)ctx->rdi, b, 4);
}
PROGRAM("kprobe/x", probe_sig, struct pt_regs) { return bpf_send_signal(9); }
PROGRAM("kprobe/x", probe_ctxw, struct pt_regs) { ctx->rax = 1; return 0; }
PROGRAM("kprobe/x", probe_tail, struct pt_regs) { bpf_tail_call(ctx, &pr2, ctx->rdi); return 0; }
PROGRAM("kprobe/x", probe_tail2, struct pt_regs) { bpf_tail_call((void*)ctx + 8, &pr2, 0); return 0; }
PROGRAM("kprobe/x", probe_cfu, struct pt_regs) { char b[8]; return bpf_copy_from_user(b, 8, (void*)ctx->rdi); }
PROGRAM("uprobe.s/x", uprobe_cfu, struct pt_regs) {
  char b[8]; return bpf_copy_from_user(b, 8, (void*)ctx->rdi);
}
PROGRAM("kprobe/x", probe_snb, struct pt_regs) {
  char b[16]; struct btf_ptr p = {}; return bpf_snprintf_btf(b, 16, &p, sizeof(p), 0);
}
PROGRAM("kprobe/x", probe_sr, struct pt_regs) {
  struct bpf_pidns_info n; return bpf_get_ns_current_pid_tgid(1, 2, &n, sizeof(n));
}
PROGRAM("raw_tp/x", rt, unsigned long) { return ctx[0] + ctx[11]; }
PROGRAM("raw_tp/x", rt12, unsigned long) { return ctx[12]; }
PROGRAM("raw_tp.w/x", rtw, unsigned long *) { volatile long *p = (void*)ctx[0]; return p[3]; }
PROGRAM("raw_tp.w/x", rtww, unsigned long *) { volatile long *p = (void*)ctx[0]; p[1] = 1; return 0; }
PROGRAM("perf_event", pe_reg, struct { unsigned long r[21]; }) { return ctx->r[0]; }
PROGRAM("lwt_xmit", lx, struct __sk_buff) { char h[20] = {}; bpf_lwt_push_encap(ctx, 2, h, 20); return 0; }
PROGRAM("lwt_in", li, struct __sk_buff) { PKT if (d + 1 > e) return 0; return d[0]; }
PROGRAM("lwt_in", liw, struct __sk_buff) { PKT if (d + 1 > e) return 0; d[0] = 1; return 0; }
PROGRAM("lwt_xmit", lxw, struct __sk_buff) { PKT if (d + 1 > e) return 0; d[0] = 1; return 0; }
PROGRAM("socket", sockops_l, struct __sk_buff) { char b[4]; return bpf_skb_load_bytes(ctx, 0, b, 4); }
PROGRAM("socket", sockops_d, struct __sk_buff) { PKT if (d + 1 > e) return 0; return d[0]; }
PROGRAM("cgroup_skb/egress", egress_d, struct __sk_buff) { PKT if (d + 1 > e) return 0; return d[0] & 1; }
PROGRAM("cgroup_skb/egress", egress_w, struct __sk_buff) { PKT if (d + 1 > e) return 0; d[0] = 1; return 1; }
PROGRAM("flow_dissector", fd, struct __sk_buff) {
  ctx->flow_keys->nhoff = 1; return ctx->flow_keys->thoff & 0;
}
PROGRAM("flow_dissector", fdo, struct __sk_buff) { ((volatile char*)ctx->flow_keys)[60] = 1; return 0; }
PROGRAM("flow_dissector", fdp, struct __sk_buff) { ctx->flow_keys->ipv4_src = (long)ctx; return 0; }
long g, ga[8]; const volatile long rod = 5; static long bss;
TC(global_ok) { g = 1; ga[ctx->mark & 7] = 2; bss++; return rod; }
TC(global_oob) { ga[ctx->mark & 15] = 2; return 0; }
TC(global_ro) { *(volatile long*)&rod = 1; return 0; }
TC(global_rodead) { if (rod == 6) { return *(volatile int*)0; } return 0; }
