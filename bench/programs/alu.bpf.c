// The arithmetic loop of the benches: about 900,000 instructions in one run, no memory.
//
//   clang-19 -target bpf -mcpu=v3 -O2 -c alu.bpf.c -o alu.bpf.o

__attribute__((section("raw/alu"), used)) unsigned long long alu(void *context) {
  unsigned long long a = 1, b = 0x9e3779b97f4a7c15ull;
  unsigned int c = 7;
#pragma clang loop unroll(disable)
  for (unsigned int i = 0; i < 75000; i++) {
    a += b;
    a *= 31;
    a ^= a >> 17;
    c += (unsigned int)a;
    c = c << 5 | c >> 27;
    b ^= c;
  }
  return a + c;
}
