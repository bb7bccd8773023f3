/* Programs that each need something that the loader does not give, and one that needs nothing. */
#include "bpf.h"

struct task {
  int pid;
  int other;
} __attribute__((preserve_access_index));

extern int kernel_function(int) __attribute__((section(".ksyms")));
extern const int CONFIG_HZ __attribute__((section(".kconfig")));

static const char *const names[] = {"zero", "one", "two"};
volatile int chosen;

SEC("raw_tp/sched_switch")
int relocated(struct task **args) { return args[1]->other; }

static __noinline int deep(struct task *task) { return task->pid; }

SEC("raw_tp/sched_switch")
int relocated_below(struct task **args) { return deep(args[0]) + 1; }

SEC("xdp")
int calls_kernel(void *ctx) { return kernel_function(1); }

SEC("xdp")
int reads_config(void *ctx) { return CONFIG_HZ; }

SEC("xdp")
int follows_pointers(void *ctx) { return names[chosen & 1][0]; }

SEC("struct_ops/init")
int registered(void *ctx) { return 0; }

SEC("tc")
static int hidden(void *ctx) { return 0; }

SEC("socket")
int fine(void *ctx) { return chosen; }

char _license[] SEC("license") = "GPL";
