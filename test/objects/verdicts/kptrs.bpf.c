// Pointers into the kernel that lie in maps. Some programs are accepted, some are not: verdicts.txt has what
// Linux says to each. Type tags need a newer compiler than the other files.

#include "verdicts.h"

// Variables, so that the types are there and not only declared.
struct task_struct { int x; } task;
struct cgroup { int x; } group;
#define T(x) __attribute__((btf_type_tag(x)))
struct kv { long a; struct task_struct T("kptr_untrusted") *u; struct task_struct T("kptr") *r; struct cgroup T("kptr") *c; };
struct rv { struct bpf_spin_lock l; struct task_struct T("kptr") *r; };
struct pv { int x; };
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct kv);
} km SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int); __type(value, struct rv);
} rm SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct pv);
} pm SEC(".maps");
#define GET int k = 0; struct kv *v = bpf_map_lookup_elem(&km, &k); if (!v) return 0;
TC(kptr_ldu) { GET volatile struct task_struct *t = v->u; return t ? t->x : 0; }
TC(kptr_ldn) { GET volatile struct task_struct *t = v->u; return t->x; }
TC(kptr_stn) { GET v->u = 0; return 0; }
TC(kptr_str) { GET v->r = 0; return 0; }
TC(kptr_sti) { GET *(volatile long*)&v->u = 5; return 0; }
TC(kptr_ld4) { GET return *(volatile int*)&v->u; }
TC(kptr_ldo) { GET return *(volatile int*)((char*)&v->u + 4); }
TC(kptr_move) { GET v->u = v->r; return 0; }
TC(kptr_move2) { GET v->u = v->u; struct task_struct *t = v->u; v->u = t; return 0; }
TC(kptr_wrong) { GET v->u = (void*)v->c; return 0; }
TC(kptr_ctx) { GET v->u = (void*)ctx; return 0; }
TC(kptr_off) { GET v->u = (void*)v->u + 8; return 0; }
TC(kptr_xn) { GET bpf_kptr_xchg(&v->r, 0); return 0; }
TC(kptr_xu) { GET bpf_kptr_xchg(&v->u, 0); return 0; }
TC(kptr_xo) { GET bpf_kptr_xchg((void*)&v->a, 0); return 0; }
TC(kptr_xv) { GET bpf_kptr_xchg((void*)&v->a + (ctx->mark & 8), 0); return 0; }
TC(kptr_xw) { GET bpf_kptr_xchg(&v->r, v->c); return 0; }
TC(kptr_xself) { GET bpf_kptr_xchg(&v->r, v->r); return 0; }
TC(kptr_xback) { GET void *t = bpf_kptr_xchg(&v->r, 0); bpf_kptr_xchg(&v->r, t); return 0; }
TC(kptr_xthere) {
  GET void *t = bpf_kptr_xchg(&v->r, 0); if (!t) return 0; t = bpf_kptr_xchg(&v->r, t); return !!t;
}
TC(kptr_xplain) {
  int k = 0; struct pv *v = bpf_map_lookup_elem(&pm, &k); if (!v) return 0; bpf_kptr_xchg(v, 0); return 0;
}
TC(kptr_xnull) { int k = 0; struct kv *v = bpf_map_lookup_elem(&km, &k); bpf_kptr_xchg(&v->r, 0); return 0; }
TC(kptr_xstack) { long x = 0; bpf_kptr_xchg(&x, 0); return 0; }
TC(kptr_upd) { GET bpf_map_update_elem(&km, &k, v, 0); return 0; }
TC(kptr_upd2) { struct kv x = {}; int k = 0; bpf_map_update_elem(&km, &k, &x, 0); return 0; }
TC(kptr_help) { GET bpf_skb_load_bytes(ctx, 0, v, 8); return 0; }
TC(kptr_help2) { GET bpf_skb_load_bytes(ctx, 0, v, 16); return 0; }
TC(kptr_var) { GET return *(volatile long*)((char*)v + (ctx->mark & 24)); }
TC(kptr_leak) { GET return (long)v->u; }
TC(kptr_at) { GET __sync_fetch_and_add((long*)&v->u, 1); return 0; }
TC(kptr_rcu) { GET volatile struct task_struct *t = v->r; return t ? t->x : 0; }
TC(kptr_wr) { GET volatile struct task_struct *t = v->r; if (t) t->x = 1; return 0; }
TC(kptr_lockx) {
  int k = 0; struct rv *v = bpf_map_lookup_elem(&rm, &k); if (!v) return 0; bpf_spin_lock(&v->l);
  bpf_kptr_xchg(&v->r, 0); bpf_spin_unlock(&v->l); return 0;
}
TC(kptr_lockl) {
  int k = 0; struct rv *v = bpf_map_lookup_elem(&rm, &k); if (!v) return 0; bpf_spin_lock(&v->l);
  void *x = v->r; bpf_spin_unlock(&v->l); return !!x;
}
TC(kptr_pass) { GET return bpf_task_storage_delete(&km, v->r); }
TC(kptr_eq) { GET return v->u == v->r; }
PROGRAM("socket", socket_lock, struct __sk_buff) {
  int k = 0; struct rv *v = bpf_map_lookup_elem(&rm, &k); return !!v;
}
PROGRAM("kprobe/x", probe_lock, void) { int k = 0; struct rv *v = bpf_map_lookup_elem(&rm, &k); return !!v; }
PROGRAM("kprobe/x", probe_kptr, void) { int k = 0; struct kv *v = bpf_map_lookup_elem(&km, &k); return !!v; }
