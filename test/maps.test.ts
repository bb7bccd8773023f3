// Array and hash maps: the kernel's semantics and errors, from the host and from programs, and values as JavaScript sees
// them.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../dist/src/harness/hex.js";
import { BpfMap, MapError, type MapSpec, Runtime } from "../dist/src/index.js";
import { ENGINE_NAMES, prepare, thrown } from "./support/engines.ts";
import { readOracle } from "./support/oracles.ts";

const HASH: MapSpec = { name: "hash", type: 1, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
const ARRAY: MapSpec = { name: "array", type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
const ANY = 0;
const NOEXIST = 1;
const EXIST = 2;

const make = (spec: MapSpec): BpfMap<number, bigint> => new BpfMap(new Runtime(), spec);
const negative = (errno: number): number => (errno === 0 ? 0 : -errno);
const codeOf = (call: () => unknown): unknown => thrown(call).code;

describe("an array", () => {
  it("has all its values from the start, and they are zero", () => {
    const map = make(ARRAY);
    expect([...map]).toEqual([
      [0, 0n],
      [1, 0n],
      [2, 0n],
      [3, 0n],
    ]);
    expect(map.get(4)).toBeUndefined();
    expect(map.get(0xffffffff)).toBeUndefined();
  });

  it("refuses what the kernel refuses, with its errno", () => {
    const map = make(ARRAY);
    expect(codeOf(() => map.set(4, 1n))).toBe("E2BIG");
    expect(codeOf(() => map.set(0, 1n, NOEXIST))).toBe("EEXIST");
    expect(codeOf(() => map.set(0, 1n, 3))).toBe("EINVAL");
    expect(codeOf(() => map.set(9, 1n, 3))).toBe("EINVAL");
    expect(codeOf(() => map.set(0, 1n, 4))).toBe("EINVAL");
    expect(codeOf(() => map.set(0, 1n, 1n << 32n))).toBe("EINVAL");
    expect(codeOf(() => map.delete(0))).toBe("EINVAL");
    map.set(0, 1n, EXIST).set(1, 2n, ANY);
    expect([map.get(0), map.get(1)]).toEqual([1n, 2n]);
  });

  it("is walked from any key: the next index, the first one for a key that is none", () => {
    const map = make(ARRAY);
    const key = (index: number): Uint8Array => Uint8Array.of(index & 255, 0, 0, index >> 24);
    expect(map.nextKeyBytes(key(1))?.[0]).toBe(2);
    expect(map.nextKeyBytes(key(3))).toBeUndefined();
    expect(map.nextKeyBytes(key(9))?.[0]).toBe(0);
    expect(map.nextKeyBytes(key(-1))?.[0]).toBe(0);
  });
});

describe("a hash", () => {
  it("keeps to its flags and its size", () => {
    const map = make(HASH);
    map.set(1, 10n, NOEXIST);
    expect(codeOf(() => map.set(1, 11n, NOEXIST))).toBe("EEXIST");
    expect(codeOf(() => map.set(2, 20n, EXIST))).toBe("ENOENT");
    map.set(1, 12n, EXIST);
    for (const key of [2, 3, 4]) map.set(key, BigInt(key));
    expect(codeOf(() => map.set(5, 5n))).toBe("E2BIG");
    map.set(4, 44n);
    expect(map.delete(3)).toBe(true);
    expect(map.delete(3)).toBe(false);
    expect([map.take(2), map.take(2)]).toEqual([2n, undefined]);
    map.set(2, 2n);
    map.set(5, 55n);
    expect(new Map(map)).toEqual(
      new Map([
        [1, 12n],
        [2, 2n],
        [4, 44n],
        [5, 55n],
      ]),
    );
    expect(codeOf(() => map.set(1, 1n, 3))).toBe("EINVAL");
    expect(thrown(() => map.set(9, 1n))).toBeInstanceOf(MapError);
  });

  it("starts again when the key of an iteration is gone", () => {
    const map = make(HASH);
    for (const key of [1, 2, 3]) map.set(key, 0n);
    const first = map.nextKeyBytes() as Uint8Array;
    const second = map.nextKeyBytes(first) as Uint8Array;
    map.tryDeleteBytes(first);
    expect(map.nextKeyBytes(first)).toEqual(second);
    expect(map.nextKeyBytes(Uint8Array.of(9, 9, 9, 9))).toEqual(second);
  });

  it("gives the same order in every runtime with the same seed, and another with another", () => {
    const order = (seed: number): string => {
      const map = new BpfMap<number, bigint>(new Runtime({ seed }), { ...HASH, maxEntries: 64 });
      for (let key = 0; key < 64; key++) map.set(key, 0n);
      return [...map].map(([key]) => key).join();
    };
    expect(order(1)).toBe(order(1));
    expect(order(1)).not.toBe(order(2));
  });

  it("does what a JavaScript Map does, whatever is done to it", () => {
    const anyKey = fc.uint8Array({ minLength: 5, maxLength: 5 }).map((key) => key.map((byte) => byte % 3));
    const anyValue = fc.uint8Array({ minLength: 3, maxLength: 3 });
    const anyOperation = fc.tuple(
      fc.constantFrom("update", "noexist", "exist", "delete", "lookup"),
      anyKey,
      anyValue,
    );
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 60 }), (operations) => {
        const map = make({ ...HASH, keySize: 5, valueSize: 3, maxEntries: 6 });
        const model = new Map<string, string>();
        for (const [operation, key, value] of operations) {
          const name = toHex(key);
          const has = model.has(name);
          if (operation === "lookup") {
            expect(map.lookupBytes(key)?.join()).toBe(
              has ? fromHex(model.get(name) as string)?.join() : undefined,
            );
          } else if (operation === "delete") {
            expect(map.tryDeleteBytes(key)).toBe(has ? 0 : -2);
            model.delete(name);
          } else {
            const flags = { update: ANY, noexist: NOEXIST, exist: EXIST }[operation] as number;
            const expected =
              flags === NOEXIST && has
                ? -17
                : flags === EXIST && !has
                  ? -2
                  : !has && model.size === 6
                    ? -7
                    : 0;
            expect(map.tryUpdateBytes(key, value, flags)).toBe(expected);
            if (expected === 0) model.set(name, toHex(value));
          }
        }
        const left = [...map.entriesBytes()].map(([key, value]) => [toHex(key), toHex(value)] as const);
        expect(left.length).toBe(model.size);
        expect(new Map(left)).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });
});

describe("creating a map", () => {
  it.each<[string, Partial<MapSpec>, RegExp]>([
    ["no entries", { maxEntries: 0 }, /^map hash: expected maxEntries in 1..4294967295, got 0/],
    ["2^32 entries", { maxEntries: 2 ** 32 }, /expected maxEntries in 1..4294967295, got 4294967296/],
    [
      "more than fits into memory",
      { maxEntries: 2 ** 32 - 1 },
      /^map hash: .*expected 0..\d+ bytes, got \d+/,
    ],
    ["more than memory has", { maxEntries: 2 ** 26, valueSize: 64 }, /^map hash: /],
    ["no key", { keySize: 0 }, /expected keySize in 1..2147483647, got 0/],
    ["half a byte", { valueSize: 1.5 }, /expected valueSize in 1/],
    ["a huge value", { valueSize: 4 << 20 }, /expected key and value below 4194304 bytes together/],
    ["flags of another type", { flags: 1024 }, /expected flags within 0x1dd, got 0x400/],
    ["both access flags", { flags: 8 | 16 }, /expected read-only or write-only, got both/],
    [
      "a type that does not exist",
      { type: 99 },
      /expected type 1 \(hash\) or 2 \(array\), got 99 \(no type of the kernel\)/,
    ],
    ["a type that is not there yet", { type: 14 }, /got 14 \(devmap\)/],
    ["an array with another key", { type: 2, keySize: 8 }, /expected a key of 4 bytes, got 8/],
  ])("fails with %s, and leaves nothing behind", (_, change, message) => {
    const runtime = new Runtime();
    const used = runtime.heap.used;
    const error = thrown(() => new BpfMap(runtime, { ...HASH, ...change }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(message);
    expect(runtime.heap.used).toBe(used);
  });

  it("gives ids in order, and frees everything with the last holder", () => {
    const runtime = new Runtime();
    const used = runtime.heap.used;
    const [a, b] = [new BpfMap(runtime, HASH), new BpfMap(runtime, ARRAY)];
    expect([b.id - a.id, a.typeName, b.typeName]).toEqual([1, "hash", "array"]);
    a.hold();
    a.close();
    expect(runtime.heap.used).toBeGreaterThan(used);
    a.close();
    b.close();
    expect(runtime.heap.used).toBe(used);
  });
});

describe("access from the host", () => {
  it("follows the map's flags and whether it is frozen", () => {
    const readOnly = make({ ...HASH, flags: 8 });
    expect(codeOf(() => readOnly.set(1, 1n))).toBe("EPERM");
    expect(codeOf(() => readOnly.delete(1))).toBe("EPERM");
    expect(readOnly.get(1)).toBeUndefined();
    const writeOnly = make({ ...HASH, flags: 16 }).set(1, 1n);
    expect(codeOf(() => writeOnly.get(1))).toBe("EPERM");
    expect(codeOf(() => [...writeOnly])).toBe("EPERM");
    const frozen = make(ARRAY).set(0, 1n);
    frozen.freeze();
    expect(codeOf(() => frozen.set(0, 2n))).toBe("EPERM");
    expect(frozen.get(0)).toBe(1n);
  });

  it("names what does not fit: sizes, kinds, ranges", () => {
    const map = make(HASH);
    expect(() => map.tryUpdateBytes(new Uint8Array(3), new Uint8Array(8))).toThrow(
      /map hash: expected a key of 4 bytes, got 3/,
    );
    expect(() => map.set(2 ** 32, 1n)).toThrow(/key: expected a number of 32 bits, got 4294967296/);
    expect(() => map.set(1.5, 1n)).toThrow(/key: expected a whole number, got 1.5/);
    expect(() => map.set("a" as unknown as number, 1n)).toThrow(/key: expected a number, got string/);
    expect(() => map.set(1, 1n << 64n)).toThrow(/value: expected a number of 64 bits/);
    expect(map.set(-1, -1n).get(0xffffffff)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it("gives bytes for sizes that are no number's", () => {
    const map = new BpfMap(new Runtime(), { ...HASH, keySize: 3, valueSize: 5 });
    map.set(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3, 4, 5));
    expect([...map]).toEqual([[Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3, 4, 5)]]);
    expect(() => map.set("abc", Uint8Array.of(1))).toThrow(/key: expected a Uint8Array, got string/);
  });
});

describe("programs and host", () => {
  it("see the same bytes at the same time, on every engine", () => {
    const runtime = new Runtime();
    const map = new BpfMap<bigint, bigint>(runtime, { ...HASH, keySize: 8 });
    const text =
      "*(u64 *)(r10 - 8) = 7\nr2 = r10\nr2 += -8\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto none\nr3 = *(u64 *)(r0 + 0)\nr3 *= 2\n*(u64 *)(r0 + 0) = r3\nr0 = r3\nnone: exit";
    for (const engine of ENGINE_NAMES) {
      const executable = prepare(engine, text, { runtime, maps: [map as unknown as BpfMap] });
      map.set(7n, 21n);
      expect(executable.run()).toBe(42n);
      expect(map.get(7n)).toBe(42n);
      map.delete(7n);
      expect(executable.run()).toBe(0n);
    }
  });

  it("agree on the errors of every operation", () => {
    const call = (helper: number, flags: number): string =>
      `r3 = *(u32 *)(r1 + 0)\n*(u32 *)(r10 - 4) = r3\n*(u64 *)(r10 - 16) = 5\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = ${flags}\nr1 = map[fd:0]\ncall ${helper}\nexit`;
    const key = (value: number): Uint8Array => Uint8Array.of(value, 0, 0, 0);
    for (const engine of ENGINE_NAMES) {
      for (const spec of [HASH, ARRAY]) {
        for (const flags of [0, 1, 2, 3, 4]) {
          for (const index of [0, 1, 3, 4]) {
            const setup = (): BpfMap => {
              const map = new BpfMap(new Runtime(), spec);
              for (const each of spec === HASH ? [0, 2, 3, 5] : [])
                map.tryUpdateBytes(key(each), new Uint8Array(8));
              return map;
            };
            const [ours, theirs] = [setup(), setup()];
            const run = (text: string) =>
              BigInt.asIntN(
                64,
                prepare(engine, text, { runtime: theirs.runtime, maps: [theirs] }).run(key(index)),
              );
            expect(run(call(2, flags))).toBe(
              BigInt(ours.tryUpdateBytes(key(index), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0), flags)),
            );
            expect(run(call(3, 0))).toBe(BigInt(ours.tryDeleteBytes(key(index))));
            expect([...theirs.entriesBytes()]).toEqual([...ours.entriesBytes()]);
          }
        }
      }
    }
  });

  it("find a replaced value at a new place, as in the kernel", () => {
    const text =
      "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto out\nr6 = r0\n" +
      "*(u64 *)(r10 - 16) = 5\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\nr1 = map[fd:0]\ncall 2\n" +
      "*(u64 *)(r6 + 0) = 99\nr0 = 1\nout: exit";
    for (const engine of ENGINE_NAMES) {
      const map = make(HASH).set(1, 0n);
      expect(prepare(engine, text, { runtime: map.runtime, maps: [map as unknown as BpfMap] }).run()).toBe(
        1n,
      );
      expect(map.get(1)).toBe(5n);
    }
  });
});

interface MapTraces {
  maps: Record<string, { type: number; key: number; value: number; max: number; flags: number }>;
  traces: {
    map: string;
    ops: [string, string | null, string | null, number, number, string | null][];
    final_keys?: string[];
  }[];
}

describe("recorded sequences of the kernel's own maps", () => {
  it("come out the same for every array and hash", ({ skip }) => {
    const oracle = readOracle<MapTraces>("map-op-traces.json.gz");
    if (oracle === undefined) return skip("no oracles");
    let sequences = 0;
    for (const { map: name, ops, final_keys: finalKeys } of oracle.traces) {
      const { type, key, value, max, flags } = oracle.maps[name];
      if (type > 2) continue;
      sequences++;
      const map = new BpfMap(new Runtime(), {
        name,
        type,
        keySize: key,
        valueSize: value,
        maxEntries: max,
        flags,
      });
      for (const [index, [op, keyHex, valueHex, opFlags, errno, out]] of ops.entries()) {
        const place = `${name}, operation ${index}: ${op}`;
        const bytes = keyHex === null ? undefined : (fromHex(keyHex) as Uint8Array);
        if (op === "update") {
          expect(
            map.tryUpdateBytes(bytes as Uint8Array, fromHex(valueHex as string) as Uint8Array, opFlags),
            place,
          ).toBe(negative(errno));
        } else if (op === "delete") {
          expect(map.tryDeleteBytes(bytes as Uint8Array), place).toBe(negative(errno));
        } else if (op === "lookup") {
          const found = map.lookupBytes(bytes as Uint8Array);
          expect(found === undefined ? 2 : 0, place).toBe(errno);
          if (found !== undefined) expect(toHex(found), place).toBe(out);
        } else if (op === "lookup_and_delete") {
          const call = () => map.takeBytes(bytes as Uint8Array);
          if (errno !== 0 && errno !== 2) expect(thrown(call).errno, place).toBe(errno);
          else expect(toHex(call() ?? new Uint8Array(0)), place).toBe(out ?? "");
        } else if (op === "get_next_key") {
          const next = map.nextKeyBytes(bytes);
          expect(next === undefined ? 2 : 0, place).toBe(errno);
          // A hash's order is its own.
          if (next !== undefined && type === 2) expect(toHex(next), place).toBe(out);
        } else throw new Error(`${place}: unknown operation`);
      }
      if (finalKeys !== undefined) {
        expect([...map.entriesBytes()].map(([key]) => toHex(key)).sort(), name).toEqual(
          [...finalKeys].sort(),
        );
      }
    }
    expect(sequences).toBeGreaterThan(500);
  });
});
