// Our own encoder of Wasm modules: V8 takes what it writes, and means what was meant.

import { describe, expect, it } from "vitest";
import { ByteWriter } from "../src/wasm/bytes.ts";
import { CodeWriter } from "../src/wasm/code.ts";
import { ModuleWriter } from "../src/wasm/module.ts";
import { ValueType, Wasm } from "../src/wasm/opcodes.ts";
import { Random } from "./support/random.ts";

const I32 = ValueType.I32;
const I64 = ValueType.I64;

/** The export of a module of one function. */
function compile(
  type: { parameters: readonly ValueType[]; results: readonly ValueType[] },
  write: (code: CodeWriter) => void,
  memory?: WebAssembly.Memory,
): (...values: unknown[]) => unknown {
  const module = new ModuleWriter();
  if (memory !== undefined) module.importMemory("env", "memory");
  const index = module.declare(type);
  const code = new CodeWriter(type.parameters.length);
  write(code);
  module.define(index, code);
  module.exportFunction("f", index);
  const imports = memory === undefined ? {} : { env: { memory } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), imports);
  return exports.f as (...values: unknown[]) => unknown;
}

const hex = (write: (out: ByteWriter) => void): string => {
  const out = new ByteWriter(1);
  write(out);
  return Buffer.from(out.bytes).toString("hex");
};

describe("numbers", () => {
  it("are as the specification's examples have them", () => {
    expect(hex((out) => out.u32(624485))).toBe("e58e26");
    expect(hex((out) => out.u32(0xffffffff))).toBe("ffffffff0f");
    expect(hex((out) => out.s32(-123456))).toBe("c0bb78");
    expect(hex((out) => out.s32(64))).toBe("c000");
    expect(hex((out) => out.s64(-1, -1))).toBe("7f");
    expect(hex((out) => out.s64(-1, 0))).toBe("ffffffff0f");
    expect(hex((out) => out.s64(0, 0x80000000))).toBe("8080808080808080807f");
  });

  it("come back as they went, at every length", () => {
    const random = new Random(1);
    const values = Array.from({ length: 64 }, (_, bit) => [
      1n << BigInt(bit),
      (1n << BigInt(bit)) - 1n,
    ]).flat();
    for (let count = 0; count < 100; count++)
      values.push((BigInt(random.bits() >>> 0) << 32n) | BigInt(random.bits() >>> 0));
    for (const value of values.flatMap((each) => [each, -each])) {
      const signed = BigInt.asIntN(64, value);
      const low = Number(BigInt.asIntN(32, signed));
      const high = Number(BigInt.asIntN(32, signed >> 32n));
      const whole = compile({ parameters: [], results: [I64] }, (code) => code.i64Const(low, high));
      expect(whole()).toBe(signed);
      expect(compile({ parameters: [], results: [I32] }, (code) => code.i32Const(low))()).toBe(low);
      expect(compile({ parameters: [], results: [I64] }, (code) => code.i64Const(low))()).toBe(BigInt(low));
    }
  });
});

describe("modules", () => {
  it("hold locals of both types, blocks, loops and branches", () => {
    // The sum of 1..n, by a loop that leaves a block.
    const sum = compile({ parameters: [I32], results: [I64] }, (code) => {
      const total = code.local(I64);
      code.block();
      code.loop();
      code.localGet(0);
      code.op(Wasm.I32_EQZ);
      code.brIf(1);
      code.localGet(total);
      code.localGet(0);
      code.op(Wasm.I64_EXTEND_I32_U);
      code.op(Wasm.I64_ADD);
      code.localSet(total);
      code.localGet(0);
      code.i32Const(1);
      code.op(Wasm.I32_SUB);
      code.localSet(0);
      code.br(0);
      code.end();
      expect(code.depth).toBe(1);
      code.end();
      code.localGet(total);
    });
    expect(sum(1000)).toBe(500500n);
  });

  it("choose by tables and by ifs that give a value", () => {
    const choose = compile({ parameters: [I32], results: [I32] }, (code) => {
      for (let open = 0; open < 3; open++) code.block();
      code.localGet(0);
      code.brTable([0, 1, 2]);
      for (const value of [10, 20]) {
        code.end();
        code.i32Const(value);
        code.op(Wasm.RETURN);
      }
      code.end();
      code.localGet(0);
      code.i32Const(7);
      code.op(Wasm.I32_GT_U);
      code.if(I32);
      code.i32Const(40);
      code.op(Wasm.ELSE);
      code.i32Const(30);
      code.end();
    });
    expect([0, 1, 2, 7, 8, -1].map((value) => choose(value))).toEqual([10, 20, 30, 30, 40, 40]);
  });

  it("reach the memory that they import, at offsets, and fill it", () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 4 });
    const poke = compile(
      { parameters: [I32, I64], results: [I64] },
      (code) => {
        code.localGet(0);
        code.localGet(1);
        code.memory(Wasm.I64_STORE16, 70000);
        code.i32Const(70002);
        code.i32Const(0xab);
        code.i32Const(2);
        code.memoryFill();
        code.localGet(0);
        code.memory(Wasm.I64_LOAD32_S, 70000);
      },
      memory,
    );
    expect(poke(0, 0x123456789n)).toBe(BigInt.asIntN(64, 0xffffffffabab6789n));
    expect(() => poke(-8, 1n)).toThrow(WebAssembly.RuntimeError);
  });

  it("call what they import and what they have, each type once", () => {
    const module = new ModuleWriter();
    const type = { parameters: [I32], results: [I32] };
    const double = module.importFunction("host", "double", type);
    const [outer, inner] = [module.declare(type), module.declare(type)];
    const body = (callee: number, more: number) => {
      const code = new CodeWriter(1);
      code.localGet(0);
      code.call(callee);
      code.i32Const(more);
      code.op(Wasm.I32_ADD);
      return code;
    };
    module.define(outer, body(inner, 1));
    expect(() => module.finish()).toThrow(/expected a body of function 1/);
    module.define(inner, body(double, 100));
    expect(() => module.importFunction("host", "late", type)).toThrow(RangeError);
    module.exportFunction("f", outer);
    const compiled = new WebAssembly.Module(module.finish());
    expect(WebAssembly.Module.imports(compiled)).toEqual([
      { module: "host", name: "double", kind: "function" },
    ]);
    const imports = { host: { double: (value: number) => value * 2 } };
    const { f } = new WebAssembly.Instance(compiled, imports).exports;
    expect((f as (value: number) => number)(21)).toBe(143);
  });
});
