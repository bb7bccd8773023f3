// What may be done with what lies in maps: timers, locks, inner maps, entries that callbacks see. Some are
// accepted, some are not: verdicts.txt has what Linux says to each.

#include "verdicts.h"

struct tv { int a; struct bpf_timer t; };
struct lv { struct bpf_spin_lock l; int c; };
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct tv);
} tm SEC(".maps"), tm2 SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct lv);
} lm SEC(".maps"), lm2 SEC(".maps");
struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct tv);
} in1 SEC(".maps");
struct innerl {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, struct lv);
} inl1 SEC(".maps");
struct innerp {
  __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, int);
} inp1 SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int);
  __array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &in1 } };
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int);
  __array(values, struct innerl);
} outerl SEC(".maps") = { .values = { [0] = &inl1 } };
struct {
  __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 2); __type(key, int);
  __array(values, struct innerp);
} outerp SEC(".maps") = { .values = { [0] = &inp1 } };

static int cb(void *map, int *key, struct tv *v) { return 0; }

static int cb1(void *map, int *key, struct tv *v) { return 1; }

static int cbw(void *map, int *key, struct tv *v) { *key = 1; return 0; }

static int cbb(void *map, int *key, struct tv *v) { ((volatile char*)v)[60] = 1; return 0; }

static int cbself(void *map, int *key, struct tv *v) {
  bpf_timer_set_callback(&v->t, cbself); bpf_timer_start(&v->t, 1, 0); return 0;
}
#define GET(m) int k = 0; struct tv *v = bpf_map_lookup_elem(&m, &k); if (!v) return 0;

TC(timer_ok) {
  GET(tm) bpf_timer_init(&v->t, &tm, 1); bpf_timer_set_callback(&v->t, cb); bpf_timer_start(&v->t, 1, 0);
  bpf_timer_cancel(&v->t); return 0;
}
TC(timer_othermap) { GET(tm) bpf_timer_init(&v->t, &tm2, 1); return 0; }
TC(timer_off) { GET(tm) bpf_timer_init((void*)v, &tm, 1); return 0; }
TC(timer_off4) { GET(tm) bpf_timer_init((void*)v + 4, &tm, 1); return 0; }
TC(timer_var) { GET(tm) bpf_timer_init((void*)v + (ctx->mark & 8), &tm, 1); return 0; }
TC(timer_stack) { struct bpf_timer t = {}; bpf_timer_init(&t, &tm, 1); return 0; }
TC(timer_null) {
  int k = 0; struct tv *v = bpf_map_lookup_elem(&tm, &k); bpf_timer_init(&v->t, &tm, 1); return 0;
}
TC(timer_nomap) {
  int k=0; int *v = bpf_map_lookup_elem(&lm, &k); if (!v) return 0; bpf_timer_init((void*)v, &lm, 1);
  return 0;
}
TC(timer_cb1) { GET(tm) bpf_timer_set_callback(&v->t, cb1); return 0; }
TC(timer_cbw) { GET(tm) bpf_timer_set_callback(&v->t, cbw); return 0; }
TC(timer_cbb) { GET(tm) bpf_timer_set_callback(&v->t, cbb); return 0; }
TC(timer_cbself) { GET(tm) bpf_timer_set_callback(&v->t, cbself); return 0; }
TC(timer_inner) {
  int k = 0; void *m = bpf_map_lookup_elem(&outer, &k); if (!m) return 0;
  struct tv *v = bpf_map_lookup_elem(m, &k); if (!v) return 0; bpf_timer_init(&v->t, m, 1); return 0;
}
TC(timer_inner2) {
  int k = 0, k2 = 1; void *m = bpf_map_lookup_elem(&outer, &k); if (!m) return 0;
  void *m2 = bpf_map_lookup_elem(&outer, &k2); if (!m2) return 0; struct tv *v = bpf_map_lookup_elem(m, &k);
  if (!v) return 0; bpf_timer_init(&v->t, m2, 1); return 0;
}
TC(timer_innerouter) {
  int k = 0; void *m = bpf_map_lookup_elem(&outer, &k); if (!m) return 0;
  struct tv *v = bpf_map_lookup_elem(m, &k); if (!v) return 0; bpf_timer_init(&v->t, &tm, 1); return 0;
}
TC(timer_read) { GET(tm) return *(volatile int*)&v->t; }
TC(timer_write) { GET(tm) *(volatile int*)&v->t = 1; return 0; }
TC(timer_copy) { GET(tm) struct tv x = {}; int k2=1; bpf_map_update_elem(&tm, &k2, &x, 0); return 0; }
TC(timer_asval) { GET(tm) int k2=1; bpf_map_update_elem(&tm2, &k2, v, 0); return 0; }
TC(timer_helper) { GET(tm) return bpf_skb_load_bytes(ctx, 0, v, 20); }

#define GL(m) int k = 0; struct lv *v = bpf_map_lookup_elem(&m, &k); if (!v) return 0;

TC(lock_ok) { GL(lm) bpf_spin_lock(&v->l); v->c = 1; bpf_spin_unlock(&v->l); return 0; }
TC(lock_leak) { GL(lm) bpf_spin_lock(&v->l); v->c = 1; return 0; }
TC(lock_call) { GL(lm) bpf_spin_lock(&v->l); bpf_ktime_get_ns(); bpf_spin_unlock(&v->l); return 0; }
TC(lock_other) {
  GL(lm) struct lv *w = bpf_map_lookup_elem(&lm2, &k); if (!w) return 0; bpf_spin_lock(&v->l);
  bpf_spin_unlock(&w->l); return 0;
}
TC(lock_two) {
  GL(lm) struct lv *w = bpf_map_lookup_elem(&lm, &k); if (!w) return 0; bpf_spin_lock(&v->l);
  bpf_spin_unlock(&w->l); return 0;
}
TC(lock_inner) {
  int k = 0; void *m = bpf_map_lookup_elem(&outerl, &k); if (!m) return 0;
  struct lv *v = bpf_map_lookup_elem(m, &k); if (!v) return 0; bpf_spin_lock(&v->l); v->c++;
  bpf_spin_unlock(&v->l); return 0;
}
TC(lock_inner2) {
  int k = 0, k2 = 1; void *m = bpf_map_lookup_elem(&outerl, &k); if (!m) return 0;
  void *m2 = bpf_map_lookup_elem(&outerl, &k2); if (!m2) return 0;
  struct lv *v = bpf_map_lookup_elem(m, &k); if (!v) return 0; struct lv *w = bpf_map_lookup_elem(m2, &k);
  if (!w) return 0; bpf_spin_lock(&v->l); bpf_spin_unlock(&w->l); return 0;
}
TC(lock_branch) {
  GL(lm) if (ctx->mark) bpf_spin_lock(&v->l); v->c++; if (ctx->mark) bpf_spin_unlock(&v->l); return 0;
}

TC(inner_null) { int k = 0; void *m = bpf_map_lookup_elem(&outerp, &k); bpf_map_lookup_elem(m, &k); return 0; }
TC(inner_deref) { int k = 0; int *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0; return *m; }
TC(inner_store) {
  int k = 0; volatile int *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0; *m = 1; return 0;
}
TC(inner_add) {
  int k = 0; void *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0; bpf_map_lookup_elem(m + 4, &k);
  return 0;
}
TC(inner_upd) { int k = 0; bpf_map_update_elem(&outerp, &k, &k, 0); return 0; }
TC(inner_del) { int k = 0; bpf_map_delete_elem(&outerp, &k); return 0; }
TC(inner_mix) {
  int k = 0; void *m = ctx->mark ? (void*)&inp1 : (void*)&tm; int *v = bpf_map_lookup_elem(m, &k);
  return v ? *v : 0;
}
TC(inner_mixinner) {
  int k = 0; void *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0; if (ctx->mark) m = &inp1;
  int *v = bpf_map_lookup_elem(m, &k); return v ? *v : 0;
}
TC(inner_as_val) {
  int k = 0; void *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0;
  bpf_map_update_elem(&inp1, &k, m, 0); return 0;
}
TC(inner_const) { int k = 9; int *v = bpf_map_lookup_elem(&inp1, &k); return *v; }
TC(inner_const2) { int k = 3; int *v = bpf_map_lookup_elem(&inp1, &k); return *v; }
TC(inner_const3) { int k = -1; int *v = bpf_map_lookup_elem(&inp1, &k); return *v; }
TC(inner_keyctx) { int *v = bpf_map_lookup_elem(&inp1, ctx); return 0; }
TC(inner_keyval) {
  int k = 0; int *v = bpf_map_lookup_elem(&inp1, &k); if (!v) return 0; v = bpf_map_lookup_elem(&inp1, v);
  return v ? *v : 0;
}

static long fe(void *map, int *key, int *val, void *c) { *val = *key; return 0; }

static long fe2(void *map, int *key, int *val, void *c) { return 2; }

static long fep(void *map, int *key, int *val, long *c) { *c += *val; return 0; }

static long fem(void *map, int *key, int *val, void *c) { bpf_map_delete_elem(map, key); return 0; }
TC(each_ok) { bpf_for_each_map_elem(&inp1, fe, 0, 0); return 0; }
TC(each_ret) { bpf_for_each_map_elem(&inp1, fe2, 0, 0); return 0; }
TC(each_ctx) { long s = 0; bpf_for_each_map_elem(&inp1, fep, &s, 0); return s; }
TC(each_ctxnull) { bpf_for_each_map_elem(&inp1, fep, 0, 0); return 0; }
TC(each_map) { bpf_for_each_map_elem(&inp1, fem, 0, 0); return 0; }
TC(each_outer) { bpf_for_each_map_elem(&outerp, fe, 0, 0); return 0; }
TC(each_inner) {
  int k = 0; void *m = bpf_map_lookup_elem(&outerp, &k); if (!m) return 0;
  bpf_for_each_map_elem(m, fe, 0, 0); return 0;
}
TC(each_ctxctx) { bpf_for_each_map_elem(&inp1, fep, ctx, 0); return 0; }

static long lp(unsigned i, long *c) { *c = i; return 0; }

static long lpo(unsigned i, char *c) { c[i & 15] = i; return 0; }
TC(loop_ok) { long s = 0; bpf_loop(10, lp, &s, 0); return s; }
TC(loop_var) { long s = 0; bpf_loop(ctx->mark, lp, &s, 0); return s; }
TC(loop_null) { bpf_loop(10, lp, 0, 0); return 0; }
TC(loop_arr) { char b[16] = {}; bpf_loop(10, lpo, b, 0); return b[3]; }
TC(loop_arr2) { char b[8] = {}; bpf_loop(10, lpo, b, 0); return b[3]; }
TC(loop_flags) { long s = 0; bpf_loop(10, lp, &s, ctx->mark); return s; }
