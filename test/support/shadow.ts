// Whether what a run really has in its registers and on its stack is among what the verifier thought possible there.

import type { MapSpec } from "../../dist/src/index.js";
import { formatRegister } from "../../dist/src/verifier/log/print-state.js";
import type { Register } from "../../dist/src/verifier/register.js";
import type { StackSlot } from "../../dist/src/verifier/state.js";

/** Registers and stacks before an instruction, as the verifier sees them. */
export interface Imagined {
  readonly frames: readonly {
    readonly registers: readonly Register[];
    readonly stack: readonly StackSlot[];
  }[];
}

/** The same as it is. */
export interface Real {
  readonly registers: readonly bigint[];
  /** Top of each frame's stack, the outermost first. */
  readonly tops: readonly number[];
  readonly context: number;
  readonly packet: { readonly start: number; readonly end: number };
  /** Address of a map's header. */
  header(map: MapSpec): number;
  /** Addresses of all values that a map may have. */
  values(map: MapSpec): readonly number[];
  /** `size` bytes of memory, little-endian. */
  read(address: number, size: number): bigint;
}

const MAYBE_NULL = 1;
const SPILL = 1;
const ZERO = 3;

/** Which numbers must be as imagined: all, or those that something rests on. */
export type Strictness = "all" | "precise";

function mayPoint(register: Register, address: bigint, real: Real): boolean {
  const { kind, scalar, off } = register;
  const from = (base: number): boolean => scalar.contains(BigInt.asUintN(64, address - BigInt(base + off)));
  switch (kind) {
    case "fp":
      return from(real.tops[register.frame]);
    case "ctx":
      return from(real.context);
    case "map_ptr":
      return register.map === undefined || from(real.header(register.map));
    case "pkt": {
      if (!from(real.packet.start)) return false;
      return register.range < 0 || Number(address) - off + register.range <= real.packet.end;
    }
    case "pkt_end":
      return from(real.packet.end);
    case "map_value":
      return register.map === undefined || real.values(register.map).some(from);
    default:
      return true;
  }
}

function mayHold(register: Register, value: bigint, real: Real, strictness: Strictness): boolean {
  if (register.kind === "none") return true;
  if (register.kind === "scalar") {
    return (strictness === "precise" && !register.isPrecise) || register.scalar.contains(value);
  }
  if ((register.flags & MAYBE_NULL) !== 0 && value === 0n) return true;
  return mayPoint(register, value, real);
}

function mayBeSlot(slot: StackSlot, at: number, real: Real, strictness: Strictness): boolean {
  let spilled = 0;
  for (let index = 0; index < 8; index++) {
    const byte = slot.byte(index);
    if (byte === SPILL) spilled++;
    if (byte === ZERO && real.read(at + index, 1) !== 0n) return false;
  }
  // A number's lower bytes may be there alone; where others were written over, it says nothing.
  if (!slot.isSpill || (spilled !== 1 && spilled !== 2 && spilled !== 4 && spilled !== 8)) return true;
  const { register } = slot;
  // A load cuts a number to what was stored of it.
  const held = register.kind === "scalar" ? register.withScalar(register.scalar.truncate(spilled)) : register;
  return mayHold(held, real.read(at, spilled), real, strictness);
}

/**
 * The first register or slot that is not as imagined; undefined where all are. `live`: registers that are still read,
 * as bits; `isLive`: whether a slot of a frame is.
 */
export function findUnimagined(
  { frames }: Imagined,
  real: Real,
  strictness: Strictness,
  live: number,
  isLive: (frame: number, slot: number) => boolean,
): string | undefined {
  if (frames.length !== real.tops.length) return `${frames.length} frames`;
  const { registers } = frames[frames.length - 1];
  for (let index = 0; index < 10; index++) {
    if ((live & (1 << index)) === 0) continue;
    if (!mayHold(registers[index], real.registers[index], real, strictness)) {
      return `r${index} as ${formatRegister(registers[index])}`;
    }
  }
  for (const [number, { stack }] of frames.entries()) {
    for (const [index, slot] of stack.entries()) {
      const at = real.tops[number] - 8 * (index + 1);
      if (!isLive(number, index) || mayBeSlot(slot, at, real, strictness)) continue;
      const bytes = slot.bytes.toString(16).padStart(8, "0");
      return `frame ${number}'s fp-${8 * (index + 1)} as ${bytes} ${formatRegister(slot.register)}, is ${real.read(at, 8).toString(16)}`;
    }
  }
  return undefined;
}
