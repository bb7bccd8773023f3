// The steps of generated programs that do not branch: arithmetic, stack, memory behind pointers, helpers.

import { INSN_ROWS, type MapSpec, type ProgramType } from "../../dist/src/index.js";
import type { Random } from "./random.ts";
import { Emitter, type Kind, SCALAR, small } from "./verifier-emitter.ts";

/** Bytes of a value of the maps. */
export const VALUE_SIZE = 48;

/** The maps that every generated program may use. */
export const GENERATOR_MAPS: readonly MapSpec[] = [
  { name: "array", type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 4, flags: 0 },
  { name: "hash", type: 1, keySize: 8, valueSize: VALUE_SIZE, maxEntries: 8, flags: 0 },
  { name: "ring", type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 },
  // Only a map of one value has addresses of its own.
  { name: "global", type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1, flags: 0 },
];
export const [ARRAY, HASH, RING, GLOBAL] = [0, 1, 2, 3];

interface TypeRow {
  readonly type: ProgramType;
  /** Offset and size of fields that are plain numbers. */
  readonly fields: readonly (readonly [off: number, size: number])[];
  /** Offsets of data and data_end, where programs see the packet. */
  readonly packet?: readonly [data: number, end: number];
  readonly writable: readonly (readonly [off: number, size: number])[];
}

const SKB_FIELDS = [
  [0, 4],
  [4, 4],
  [8, 4],
  [16, 4],
  [48, 4],
  [48, 1],
  [50, 2],
  [56, 4],
] as const;
const TYPES: readonly TypeRow[] = [
  {
    type: "xdp",
    fields: [
      [12, 4],
      [16, 4],
    ],
    packet: [0, 4],
    writable: [],
  },
  {
    type: "sched_cls",
    fields: [...SKB_FIELDS, [152, 8], [44, 4]],
    packet: [76, 80],
    writable: [
      [8, 4],
      [48, 4],
      [52, 4],
      [44, 4],
      [72, 4],
    ],
  },
  {
    type: "socket_filter",
    fields: SKB_FIELDS,
    writable: [
      [48, 4],
      [64, 4],
    ],
  },
];

const SIZES = [1, 2, 4, 8] as const;
const SUFFIX: Readonly<Record<number, string>> = { 1: "b", 2: "h", 4: "w", 8: "dw" };
/** Names of the instructions that a pattern fits. */
export const insnNames = (pattern: RegExp): string[] =>
  INSN_ROWS.map(({ name }) => name).filter((name) => pattern.test(name));
const ALU_IMM = insnNames(/^(add|sub|mul|div|sdiv|mod|smod|or|and|xor)(32|64)_imm$/);
const ALU_REG = insnNames(/^(add|sub|mul|div|sdiv|mod|smod|or|and|xor|lsh|rsh|arsh|mov)(32|64)_reg$/);
const SHIFT_IMM = insnNames(/^(lsh|rsh|arsh)(32|64)_imm$/);
const UNARY = insnNames(/^(neg(32|64)|[bl]e(16|32|64)|bswap(16|32|64))$/);
const EXTEND = insnNames(/^movsx/);
const ATOMICS = insnNames(/^(atomic_\w+|fetch_\w+|xchg|cmpxchg)(32|64)$/);
/** Helpers without arguments that give a number, and those of them that our engines have. */
const PLAIN_HELPERS = [5, 7, 8, 118, 125];
const RUNNABLE_HELPERS = PLAIN_HELPERS.filter((id) => id !== 118);
const POINTERS: readonly Kind[] = ["value", "packet", "record", "fp", "ctx"];

export class Statements extends Emitter {
  readonly row: TypeRow;
  /** Nothing is used that our engines have not. */
  readonly isRunnable: boolean;

  constructor(random: Random, type?: ProgramType, isRunnable = false) {
    super(random);
    this.isRunnable = isRunnable;
    this.row = random.pick(TYPES.filter((row) => type === undefined || row.type === type));
  }

  /** True when this step should go wrong. */
  slip(): boolean {
    return this.random.chance(0.02);
  }

  arithmetic(): void {
    const { random } = this;
    const dst = this.scalar();
    const kind = random.between(0, 9);
    if (kind < 4) {
      const name = random.pick(ALU_IMM);
      const imm = random.imm();
      this.emit(name, { dst, imm: imm === 0 && /div|mod/.test(name) ? 3 : imm });
    } else if (kind < 6) this.emit(random.pick(ALU_REG), { dst, src: this.scalar() });
    else if (kind < 8) {
      const name = random.pick(SHIFT_IMM);
      this.emit(name, { dst, imm: random.below(name.includes("32") ? 32 : 64) });
    } else if (kind < 9) this.emit(random.pick(UNARY), { dst });
    else this.emit(random.pick(EXTEND), { dst, src: this.scalar() });
    this.set(dst, SCALAR);
  }

  /** Makes a scalar small: by a mask, a remainder, a shift, or a comparison that leaves the program. */
  bound(): void {
    const { random } = this;
    const dst = this.scalar();
    const max = random.pick([1, 3, 7, 8, 15, 16, 31, 40, 47]);
    const kind = random.between(0, 5);
    if (kind === 0) this.emit(random.pick(["and64_imm", "and32_imm"]), { dst, imm: max });
    else if (kind === 1) this.emit(random.pick(["mod64_imm", "mod32_imm"]), { dst, imm: max + 1 });
    else if (kind === 2) this.emit(random.pick(["rsh64_imm"]), { dst, imm: 60 });
    else if (kind === 3) {
      const jump = this.emit(random.pick(["jgt64_imm", "jgt64_imm", "jsgt64_imm", "jgt32_imm"]), {
        dst,
        imm: max,
      });
      this.leaveUnless(jump);
    } else if (kind === 4) {
      const jump = this.emit(random.pick(["jlt64_imm", "jle64_imm", "jlt32_imm", "jslt64_imm"]), {
        dst,
        imm: max,
      });
      this.earlyExit();
      this.land(jump);
    } else {
      const low = this.emit("jslt64_imm", { dst, imm: 0 });
      const high = this.emit(random.pick(["jsgt64_imm", "jsge64_imm", "jsgt32_imm"]), { dst, imm: max });
      this.leaveUnless(low, high);
    }
    this.set(dst, small(max));
  }

  /** These jumps lead to an exit; the way goes on past it. */
  leaveUnless(...jumps: number[]): void {
    const over = this.emit("ja");
    for (const jump of jumps) this.land(jump);
    this.earlyExit();
    this.land(over);
  }

  earlyExit(): void {
    this.emit("mov64_imm", { dst: 0, imm: this.random.between(0, 2) });
    this.emit("exit");
  }

  contextField(): void {
    const { random, row } = this;
    const ctx = this.find("ctx");
    if (ctx === undefined) return;
    const scalar = this.find("scalar", "small");
    if (row.writable.length > 0 && scalar !== undefined && random.chance(0.2)) {
      const [off, size] = random.pick(row.writable);
      this.emit(`stx${SUFFIX[size]}`, { dst: ctx, src: scalar, off });
      return;
    }
    const [off, size] = random.pick(row.fields);
    const dst = this.target();
    const wrong = this.slip() ? random.between(-4, 4) : 0;
    this.emit(`ldx${SUFFIX[size]}`, { dst, src: ctx, off: Math.max(0, off + wrong) });
    this.set(dst, SCALAR);
  }

  stackPlace(size: number): number {
    const { random } = this;
    const slot = -8 * random.between(1, 8);
    return this.slip() ? -random.between(size, 520) : slot + size * random.below(8 / size);
  }

  spill(): void {
    const { random } = this;
    if (random.chance(0.35)) {
      const source = this.find(...POINTERS, "maybe", "end");
      if (source !== undefined) {
        const off = -8 * random.between(1, 8);
        this.emit("stxdw", { dst: 10, src: source, off });
        this.wrote(off, 8, this.held(source));
        return;
      }
    }
    const size = random.pick(SIZES);
    const off = this.stackPlace(size);
    if (random.chance(0.4)) this.emit(`st${SUFFIX[size]}`, { dst: 10, off, imm: random.imm() });
    else {
      const src = this.scalar();
      this.emit(`stx${SUFFIX[size]}`, { dst: 10, src, off });
      this.wrote(off, size, this.held(src));
      return;
    }
    this.wrote(off, size, SCALAR);
  }

  fill(): void {
    const { random } = this;
    if (this.stack.length === 0) return;
    const spill = random.pick(this.stack);
    const isAccess = [1, 2, 4, 8].includes(spill.size);
    const size = isAccess && random.chance(0.7) ? spill.size : random.pick(SIZES);
    const off =
      spill.off + (size < spill.size && random.chance(0.5) ? size * random.below(spill.size / size) : 0);
    if (!this.isWritten(off, size) && random.chance(0.9)) return;
    const dst = this.target();
    const signed = size < 8 && random.chance(0.15);
    this.emit(`ldx${signed ? "s" : ""}${SUFFIX[size]}`, { dst, src: 10, off });
    const isWhole = size === spill.size && off === spill.off && !signed;
    this.set(dst, isWhole ? spill.held : SCALAR);
  }

  /** A load, store or atomic through a pointer. */
  access(): void {
    const { random } = this;
    const base = this.find("value", "packet", "record");
    if (base === undefined) return;
    const { extent, kind } = this.held(base);
    const size = random.pick(SIZES);
    const room = extent - size + (this.slip() ? 8 : 0);
    if (room < 0) return;
    const off = random.chance(0.5) ? size * random.below(room / size + 1) : random.below(room + 1);
    const what = random.between(0, 9);
    if (what < 5) {
      const dst = this.target();
      const signed = size < 8 && random.chance(0.2);
      this.emit(`ldx${signed ? "s" : ""}${SUFFIX[size]}`, { dst, src: base, off });
      this.set(dst, size === 1 && !signed ? small(255) : SCALAR);
    } else if (what < 7) this.emit(`st${SUFFIX[size]}`, { dst: base, off, imm: random.imm() });
    else if (what < 9 || kind === "packet")
      this.emit(`stx${SUFFIX[size]}`, { dst: base, off, src: this.scalar() });
    else this.atomic(base, extent);
  }

  atomic(base: number, extent: number): void {
    const { random } = this;
    const name = random.pick(ATOMICS);
    const size = name.endsWith("64") ? 8 : 4;
    if (extent < size) return;
    if (name.startsWith("cmpxchg") && !["scalar", "small"].includes(this.held(0).kind)) return;
    const src = this.scalar();
    this.emit(name, { dst: base, src, off: size * random.below(extent / size) });
    if (/^(fetch|xchg)/.test(name)) this.set(src, SCALAR);
    if (name.startsWith("cmpxchg")) this.set(0, SCALAR);
  }

  pointerArithmetic(): void {
    const { random } = this;
    const base = this.find("value", "packet", "record");
    if (base === undefined) return;
    const { kind, extent } = this.held(base);
    const index = this.find("small");
    if (index !== undefined && random.chance(0.6)) {
      const { max } = this.held(index);
      const sub = this.slip();
      this.emit(sub ? "sub64_reg" : "add64_reg", { dst: base, src: index });
      const left = kind === "packet" ? 0 : Math.max(0, extent - max);
      this.set(base, { kind, extent: left, max: 0 });
      return;
    }
    const imm = random.between(-2, 16);
    this.emit("add64_imm", { dst: base, imm });
    this.set(base, { kind, extent: Math.max(0, extent - imm), max: 0 });
  }

  copyPointer(): void {
    const src = this.find(...POINTERS, "maybe", "end");
    if (src === undefined) return;
    const dst = this.target();
    this.emit("mov64_reg", { dst, src });
    this.set(dst, this.held(src));
    if (this.held(src).kind === "fp") {
      const off = -8 * this.random.between(1, 8);
      this.emit("add64_imm", { dst, imm: off });
      this.set(dst, { kind: "fp", extent: 0, max: 0 });
    }
  }

  /** A stack access at a place that depends on a number. */
  variableStack(): void {
    const { random } = this;
    const index = this.find("small");
    if (index === undefined) return;
    const { max } = this.held(index);
    if (max > 48) return;
    const dst = this.target();
    if (dst === index) return;
    this.emit("mov64_reg", { dst, src: 10 });
    this.emit("add64_imm", { dst, imm: -64 });
    this.emit("add64_reg", { dst, src: index });
    const size = random.pick(SIZES);
    if (random.chance(0.5)) this.emit(`st${SUFFIX[size]}`, { dst, off: 0, imm: 0 });
    else this.emit(`ldx${SUFFIX[size]}`, { dst, src: dst, off: 0 });
    this.set(dst, SCALAR);
  }

  mapAddress(dst: number, map: number): void {
    const index = this.emit("lddw_map_fd", { dst });
    this.relo.push([this.insns[index].slot, map]);
  }

  /** A key (or a value) on the stack, whose address goes into `dst`. */
  stackArgument(dst: number, size: number): void {
    const { random } = this;
    const off = -8 * random.between(Math.ceil(size / 8), 8);
    if (!this.slip()) {
      for (let at = off; at < off + size; at += 8) {
        if (this.isWritten(at, Math.min(8, off + size - at)) && random.chance(0.7)) continue;
        this.emit("stdw", { dst: 10, off: at, imm: random.between(0, 4) });
        this.wrote(at, 8, SCALAR);
      }
    }
    this.emit("mov64_reg", { dst, src: 10 });
    this.emit("add64_imm", { dst, imm: off });
  }

  mapWrite(): void {
    const { random } = this;
    const map = random.pick([ARRAY, HASH]);
    const isDelete = random.chance(0.3);
    this.stackArgument(2, map === ARRAY ? 4 : 8);
    if (!isDelete) {
      const value = this.find("value");
      if (value !== undefined && value !== 2 && this.held(value).extent >= VALUE_SIZE)
        this.emit("mov64_reg", { dst: 3, src: value });
      else this.stackArgument(3, VALUE_SIZE);
      this.emit("mov64_imm", { dst: 4, imm: random.between(0, 2) });
    }
    this.mapAddress(1, map);
    this.emit("call_helper", { imm: isDelete ? 3 : 2 });
    this.clobber(SCALAR);
  }

  /** The address of a byte of the only value of a map. */
  directValue(): void {
    const { random } = this;
    const dst = this.target();
    const offset = random.chance(0.5) ? 0 : random.below(this.slip() ? 60 : 48);
    const index = this.emit("lddw_map_value", { dst, next: offset });
    this.relo.push([this.insns[index].slot, GLOBAL]);
    this.set(dst, { kind: "value", extent: VALUE_SIZE - offset, max: 0 });
  }

  /** data and data_end, and a comparison that shows some bytes to be there. */
  packet(): void {
    const { random, row } = this;
    const ctx = this.find("ctx");
    if (row.packet === undefined || ctx === undefined) return;
    const [data, end, past] = [2, 3, 4].map((register) => (register === ctx ? 5 : register));
    this.emit("ldxw", { dst: data, src: ctx, off: row.packet[0] });
    this.emit("ldxw", { dst: end, src: ctx, off: row.packet[1] });
    const index = this.find("small");
    if (index !== undefined && ![data, end, past].includes(index) && random.chance(0.4))
      this.emit("add64_reg", { dst: data, src: index });
    const size = random.pick([1, 2, 8, 14, 20, 34]);
    this.emit("mov64_reg", { dst: past, src: data });
    this.emit("add64_imm", { dst: past, imm: size });
    const shapes = [
      ["jgt64_reg", past, end, true],
      ["jlt64_reg", end, past, true],
      ["jle64_reg", past, end, false],
      ["jge64_reg", end, past, false],
      ["jge64_reg", past, end, true],
      ["jle64_reg", end, past, true],
      ["jlt64_reg", past, end, false],
      ["jgt64_reg", end, past, false],
    ] as const;
    const [name, dst, src, leaves] = random.pick(shapes);
    const jump = this.emit(name, { dst, src });
    if (leaves) this.leaveUnless(jump);
    else {
      this.earlyExit();
      this.land(jump);
    }
    this.set(data, { kind: "packet", extent: size + (this.slip() ? 1 : 0), max: 0 });
    this.set(end, { kind: "end", extent: 0, max: 0 });
    this.set(past, { kind: "packet", extent: 0, max: 0 });
  }

  helper(): void {
    const { random, row } = this;
    const ctx = this.find("ctx");
    const kind = random.between(0, 5);
    if (kind > 2 && row.type !== "xdp" && ctx !== undefined) {
      this.loadBytes(ctx);
      return;
    }
    if (kind === 2 && ctx !== undefined && row.type !== "socket_filter" && !this.isRunnable) {
      const isXdp = row.type === "xdp";
      this.emit("mov64_reg", { dst: 1, src: ctx });
      this.emit("mov64_imm", { dst: 2, imm: 0 });
      this.emit("call_helper", { imm: isXdp ? 44 : 39 });
      this.clobber(SCALAR);
      this.forgetPackets();
      return;
    }
    this.emit("call_helper", { imm: random.pick(this.isRunnable ? RUNNABLE_HELPERS : PLAIN_HELPERS) });
    this.clobber(SCALAR);
  }

  /** bpf_skb_load_bytes to the stack, of a fixed or a bounded length. */
  loadBytes(ctx: number): void {
    const { random } = this;
    const index = this.find("small");
    this.emit("mov64_reg", { dst: 9, src: ctx });
    const length = random.between(1, 16);
    const isVariable = index !== undefined && index !== 9 && index > 5 && random.chance(0.6);
    this.emit("mov64_reg", { dst: 1, src: 9 });
    this.emit("mov64_imm", { dst: 2, imm: random.between(0, 20) });
    this.emit("mov64_reg", { dst: 3, src: 10 });
    const room = isVariable ? 56 : 16;
    this.emit("add64_imm", { dst: 3, imm: -room });
    if (isVariable) {
      this.emit("mov64_reg", { dst: 4, src: index });
      if (random.chance(0.7)) this.emit("add64_imm", { dst: 4, imm: 1 });
    } else this.emit("mov64_imm", { dst: 4, imm: length });
    this.emit("call_helper", { imm: 26 });
    this.set(9, this.held(ctx));
    this.clobber(SCALAR);
    if (!isVariable) this.wrote(-room, length, SCALAR);
  }
}
