/* Programs that name variables of the kernel. */
#include "bpf.h"

#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))

static void *(*bpf_this_cpu_ptr)(const void *percpu) = (void *)154;

extern const __u64 limit __ksym;
extern const __u32 ticks __ksym;
extern const int perhaps __ksym __weak;
extern const int nowhere __ksym;

SEC("raw_tp/sched_switch")
int reads_variable(void *ctx) { return limit > 5; }

static __noinline int below(void) { return *(const __u32 *)bpf_this_cpu_ptr(&ticks); }

SEC("raw_tp/sched_switch")
int reads_below(void *ctx) { return below() + 1; }

SEC("raw_tp/sched_switch")
int asks_whether(void *ctx) { return &perhaps != 0; }

SEC("raw_tp/sched_switch")
int reads_nothing(void *ctx) { return nowhere; }

char _license[] SEC("license") = "GPL";
