// The bench floor: a BPF interpreter in C, computed goto over the raw instructions, as gcc -O2 makes it. No checks
// at all, like the kernel's own interpreter; a hash map for programs that count. Reads a job from a file:
//
//   u32 slots, u32 events, u32 bytes per context, u32 raw (r2 = length), u64 repeats
//   u32 key size, u32 value size, u32 max entries, u32 unused (all 0: no map)
//   slots x 8 bytes of instructions (lddw with src 1 loads the map), events x contexts
//
// and prints as JSON: nanoseconds per event over `repeats` passes, five rounds, and the sum of all r0.
//
//   gcc -O2 -o interpreter interpreter.c && ./interpreter job.bin

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct insn {
  uint8_t code;
  uint8_t dst : 4, src : 4;
  int16_t off;
  int32_t imm;
};

// ---- a chained hash map, as the core's -----------------------------------------------------------

struct element {
  struct element *next;
  uint32_t hash;
  uint8_t data[];
};

struct map {
  uint32_t key_size, value_size, max_entries, count, mask;
  struct element **buckets;
};

static uint32_t hash_key(const uint8_t *key, uint32_t size) {
  uint32_t hash = size;
  while (size >= 4) {
    uint32_t word;
    memcpy(&word, key, 4);
    hash = (hash ^ word) * 0x9e3779b1u;
    hash ^= hash >> 15;
    key += 4;
    size -= 4;
  }
  while (size-- > 0) hash = (hash ^ *key++) * 0x01000193u;
  hash ^= hash >> 16;
  hash *= 0x85ebca6bu;
  return hash ^ (hash >> 13);
}

static void *map_lookup(struct map *map, const void *key) {
  uint32_t hash = hash_key(key, map->key_size);
  for (struct element *at = map->buckets[hash & map->mask]; at; at = at->next)
    if (at->hash == hash && memcmp(at->data, key, map->key_size) == 0) return at->data + ((map->key_size + 7) & ~7u);
  return NULL;
}

static int64_t map_update(struct map *map, const void *key, const void *value) {
  void *old = map_lookup(map, key);
  if (old) {
    memcpy(old, value, map->value_size);
    return 0;
  }
  if (map->count == map->max_entries) return -7;
  map->count++;
  struct element *made = calloc(1, sizeof *made + ((map->key_size + 7) & ~7u) + map->value_size);
  made->hash = hash_key(key, map->key_size);
  memcpy(made->data, key, map->key_size);
  memcpy(made->data + ((map->key_size + 7) & ~7u), value, map->value_size);
  made->next = map->buckets[made->hash & map->mask];
  map->buckets[made->hash & map->mask] = made;
  return 0;
}

static uint64_t call_helper(int32_t id, uint64_t *r) {
  switch (id) {
    case 1: return (uintptr_t)map_lookup((struct map *)r[1], (void *)r[2]);
    case 2: return (uint64_t)map_update((struct map *)r[1], (void *)r[2], (void *)r[3]);
    default: abort();
  }
}

// ---- the interpreter ----------------------------------------------------------------------------------

#define NEXT goto *labels[(++pc)->code]
#define D r[pc->dst]
#define S r[pc->src]
#define I ((int64_t)pc->imm)
#define ALU(NAME, OP)                                                                 \
  NAME##64i: D = D OP (uint64_t)I; NEXT;                                              \
  NAME##64r: D = D OP S; NEXT;                                                        \
  NAME##32i: D = (uint32_t)D OP (uint32_t)I; D = (uint32_t)D; NEXT;                   \
  NAME##32r: D = (uint32_t)D OP (uint32_t)S; D = (uint32_t)D; NEXT;
#define SHIFT(NAME, OP)                                                               \
  NAME##64i: D = D OP (I & 63); NEXT;                                                 \
  NAME##64r: D = D OP (S & 63); NEXT;                                                 \
  NAME##32i: D = (uint32_t)((uint32_t)D OP (I & 31)); NEXT;                           \
  NAME##32r: D = (uint32_t)((uint32_t)D OP (S & 31)); NEXT;
#define JUMP(NAME, T64, T32, OP)                                                      \
  NAME##64i: if ((T64)D OP (T64)I) pc += pc->off; NEXT;                               \
  NAME##64r: if ((T64)D OP (T64)S) pc += pc->off; NEXT;                               \
  NAME##32i: if ((T32)D OP (T32)I) pc += pc->off; NEXT;                               \
  NAME##32r: if ((T32)D OP (T32)S) pc += pc->off; NEXT;
#define MEMORY(NAME, TYPE)                                                            \
  ldx##NAME: D = *(TYPE *)(S + pc->off); NEXT;                                        \
  stx##NAME: *(TYPE *)(D + pc->off) = (TYPE)S; NEXT;                                  \
  st##NAME: *(TYPE *)(D + pc->off) = (TYPE)I; NEXT;
#define FOUR(NAME, OP, A, J)                                                          \
  [OP | A | 3] = &&NAME##64i, [OP | A | 11] = &&NAME##64r, [OP | J] = &&NAME##32i, [OP | J | 8] = &&NAME##32r

static uint64_t interpret(const struct insn *pc, uint64_t context, uint64_t length) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
  static const void *labels[256] = {
      [0 ... 255] = &&bad,
      FOUR(add, 0x00, 4, 4), FOUR(sub, 0x10, 4, 4), FOUR(mul, 0x20, 4, 4), FOUR(div, 0x30, 4, 4),
      FOUR(or, 0x40, 4, 4), FOUR(and, 0x50, 4, 4), FOUR(lsh, 0x60, 4, 4), FOUR(rsh, 0x70, 4, 4),
      FOUR(mod, 0x90, 4, 4), FOUR(xor, 0xa0, 4, 4), FOUR(mov, 0xb0, 4, 4), FOUR(arsh, 0xc0, 4, 4),
      [0x87] = &&neg64, [0x84] = &&neg32, [0xdc] = &&be, [0xd4] = &&le,
#define JROW(NAME, OP) [OP | 5] = &&NAME##64i, [OP | 13] = &&NAME##64r, [OP | 6] = &&NAME##32i, [OP | 14] = &&NAME##32r
      JROW(jeq, 0x10), JROW(jgt, 0x20), JROW(jge, 0x30), JROW(jset, 0x40), JROW(jne, 0x50), JROW(jsgt, 0x60),
      JROW(jsge, 0x70), JROW(jlt, 0xa0), JROW(jle, 0xb0), JROW(jslt, 0xc0), JROW(jsle, 0xd0),
      [0x05] = &&ja, [0x85] = &&call, [0x95] = &&exit, [0x18] = &&lddw,
      [0x61] = &&ldxw, [0x69] = &&ldxh, [0x71] = &&ldxb, [0x79] = &&ldxdw,
      [0x62] = &&stw, [0x6a] = &&sth, [0x72] = &&stb, [0x7a] = &&stdw,
      [0x63] = &&stxw, [0x6b] = &&stxh, [0x73] = &&stxb, [0x7b] = &&stxdw,
      [0xc3] = &&atomic32, [0xdb] = &&atomic64,
  };
#pragma GCC diagnostic pop
  uint64_t stack[64];
  uint64_t r[11];
  r[1] = context;
  r[2] = length;
  r[10] = (uint64_t)(uintptr_t)(stack + 64);
  goto *labels[pc->code];

  ALU(add, +) ALU(sub, -) ALU(mul, *) ALU(or, |) ALU(and, &) ALU(xor, ^)
  SHIFT(lsh, <<) SHIFT(rsh, >>)
  div64i: D = I == 0 ? 0 : D / (uint64_t)I; NEXT;
  div64r: D = S == 0 ? 0 : D / S; NEXT;
  div32i: D = (uint32_t)I == 0 ? 0 : (uint32_t)D / (uint32_t)I; NEXT;
  div32r: D = (uint32_t)S == 0 ? 0 : (uint32_t)D / (uint32_t)S; NEXT;
  mod64i: if (I != 0) D = D % (uint64_t)I; NEXT;
  mod64r: if (S != 0) D = D % S; NEXT;
  mod32i: D = (uint32_t)I == 0 ? (uint32_t)D : (uint32_t)D % (uint32_t)I; NEXT;
  mod32r: D = (uint32_t)S == 0 ? (uint32_t)D : (uint32_t)D % (uint32_t)S; NEXT;
  mov64i: D = (uint64_t)I; NEXT;
  mov64r: D = S; NEXT;
  mov32i: D = (uint32_t)I; NEXT;
  mov32r: D = (uint32_t)S; NEXT;
  arsh64i: D = (uint64_t)((int64_t)D >> (I & 63)); NEXT;
  arsh64r: D = (uint64_t)((int64_t)D >> (S & 63)); NEXT;
  arsh32i: D = (uint32_t)((int32_t)D >> (I & 31)); NEXT;
  arsh32r: D = (uint32_t)((int32_t)D >> (S & 31)); NEXT;
  neg64: D = -D; NEXT;
  neg32: D = (uint32_t) - (uint32_t)D; NEXT;
  be: D = pc->imm == 16 ? __builtin_bswap16((uint16_t)D) : pc->imm == 32 ? __builtin_bswap32((uint32_t)D) : __builtin_bswap64(D); NEXT;
  le: D = pc->imm == 16 ? (uint16_t)D : pc->imm == 32 ? (uint32_t)D : D; NEXT;
  JUMP(jeq, uint64_t, uint32_t, ==) JUMP(jne, uint64_t, uint32_t, !=) JUMP(jset, uint64_t, uint32_t, &)
  JUMP(jgt, uint64_t, uint32_t, >) JUMP(jge, uint64_t, uint32_t, >=) JUMP(jlt, uint64_t, uint32_t, <)
  JUMP(jle, uint64_t, uint32_t, <=) JUMP(jsgt, int64_t, int32_t, >) JUMP(jsge, int64_t, int32_t, >=)
  JUMP(jslt, int64_t, int32_t, <) JUMP(jsle, int64_t, int32_t, <=)
  ja: pc += pc->off; NEXT;
  lddw: D = (uint32_t)pc[0].imm | (uint64_t)(uint32_t)pc[1].imm << 32; pc++; NEXT;
  MEMORY(b, uint8_t) MEMORY(h, uint16_t) MEMORY(w, uint32_t) MEMORY(dw, uint64_t)
  atomic32: *(uint32_t *)(D + pc->off) += (uint32_t)S; NEXT;
  atomic64: *(uint64_t *)(D + pc->off) += S; NEXT;
  call: r[0] = call_helper(pc->imm, r); NEXT;
  exit: return r[0];
  bad: fprintf(stderr, "opcode 0x%02x\n", pc->code); exit(2);
}

// ---- the job -------------------------------------------------------------------------------------------

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file) return fprintf(stderr, "usage: %s JOB\n", argv[0]), 2;
  uint32_t head[4], shape[4];
  uint64_t repeats;
  if (fread(head, 4, 4, file) != 4 || fread(&repeats, 8, 1, file) != 1 || fread(shape, 4, 4, file) != 4) return 2;
  struct insn *code = calloc(head[0] + 1, sizeof *code);
  uint8_t *contexts = calloc((size_t)head[1] * head[2] + 8, 1);
  if (fread(code, sizeof *code, head[0], file) != head[0]) return 2;
  if (fread(contexts, head[2], head[1], file) != head[1] && head[2] != 0) return 2;
  struct map map = {shape[0], shape[1], shape[2], 0, 0, NULL};
  uint32_t buckets = 1;
  while (buckets < map.max_entries) buckets *= 2;
  map.mask = buckets - 1;
  map.buckets = calloc(buckets, sizeof *map.buckets);
  for (uint32_t i = 0; i < head[0]; i++)
    if (code[i].code == 0x18 && code[i].src == 1) {
      code[i].imm = (int32_t)(uintptr_t)&map;
      code[i + 1].imm = (int32_t)((uint64_t)(uintptr_t)&map >> 32);
    }
  printf("{\"nsPerEvent\": [");
  uint64_t sum = 0;
  for (int round = 0; round < 5; round++) {
    double start = now();
    for (uint64_t repeat = 0; repeat < repeats; repeat++)
      for (uint32_t event = 0; event < head[1]; event++)
        sum += interpret(code, (uintptr_t)(contexts + (size_t)event * head[2]), head[2]);
    printf("%s%.3f", round ? ", " : "", (now() - start) / ((double)repeats * head[1]));
  }
  printf("], \"sum\": \"%" PRIu64 "\"}\n", sum);
  return 0;
}
