// Programs with something wrong in them: generated ones, and the kernel's own cases where they are there, with bits,
// fields and whole instructions changed, and what the loader and the verifier make of them.

import { LoadError, loadRaw, type MapSpec, Program, type ProgramType } from "../../dist/src/index.js";
import { judge } from "../../dist/src/verifier/verify.js";
import { Random } from "./random.ts";
import { generateCase, programOf } from "./verifier-generator.ts";
import { readSuite } from "./verifier-suite.ts";

const SLOT = 8;

const TYPES: readonly ProgramType[] = [
  ...(["socket_filter", "xdp", "sched_cls", "kprobe", "tracepoint", "cgroup_skb", "sk_msg"] as const),
  ...(["raw_tracepoint", "perf_event", "sock_ops", "lwt_xmit", "sk_lookup", "netfilter", "syscall"] as const),
];

const MAPS: readonly MapSpec[] = [
  { name: "array", type: 2, keySize: 4, valueSize: 16, maxEntries: 4, flags: 0 },
  { name: "hash", type: 1, keySize: 8, valueSize: 16, maxEntries: 8, flags: 0 },
  { name: "ring", type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 },
  { name: "programs", type: 3, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 },
];

type Parent = Pick<Program, "type" | "insns" | "maps" | "functions">;

/** The kernel's cases: bytes, type, slots that load maps. */
const suite = (readSuite()?.cases ?? []).flatMap(({ insns = "", prog_type_name, fixups }) =>
  insns.length > 0 && insns.length <= 16 * 400
    ? [{ insns, type: prog_type_name as ProgramType, slots: Object.values(fixups ?? {}).flat() }]
    : [],
);

/** A program as somebody wrote it, or as the generator does. */
function parentOf(random: Random): Parent {
  if (suite.length === 0 || random.chance(0.5)) return programOf(generateCase(random.bits()));
  const each = random.pick(suite);
  const insns = new Uint8Array(Buffer.from(each.insns, "hex"));
  const maps = each.slots.map((slot) => ({ slot, map: random.pick(MAPS) }));
  return { type: each.type, insns, maps, functions: [] };
}

/** Opcodes, registers, offsets and immediates that mean something more often than chance has them. */
function mutateField(bytes: Uint8Array, at: number, random: Random): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, SLOT);
  switch (random.below(6)) {
    case 0:
      view.setUint8(0, random.bits());
      break;
    case 1:
      view.setUint8(1, random.below(12) | (random.below(12) << 4));
      break;
    case 2:
      view.setInt16(2, random.chance(0.7) ? random.between(-40, 40) : random.bits(), true);
      break;
    case 3:
      view.setInt32(4, random.imm(), true);
      break;
    case 4:
      view.setInt32(4, random.below(220), true);
      break;
    default:
      view.setUint8(random.below(SLOT), 1 << random.below(8));
  }
}

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const slots = bytes.length / SLOT;
  const at = SLOT * random.below(slots);
  const other = SLOT * random.below(slots);
  const one = bytes.slice(at, at + SLOT);
  switch (random.below(8)) {
    case 0: // taken out
      return slots < 2 ? bytes : Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + SLOT));
    case 1: // twice
      return Uint8Array.of(...bytes.subarray(0, at), ...one, ...bytes.subarray(at));
    case 2: // another one's place
      bytes.copyWithin(at, other, other + SLOT);
      bytes.set(one, other);
      return bytes;
    case 3:
      bytes.copyWithin(at, other, other + SLOT);
      return bytes;
    case 4:
      for (let index = 0; index < SLOT; index++) bytes[at + index] = random.bits();
      return bytes;
    default:
      mutateField(bytes, at, random);
      return bytes;
  }
}

/** What became of a mutated program: a verdict, what the loader said, or an error that nobody should see. */
export interface MutationOutcome {
  readonly kind: "accepted" | "rejected" | "unloadable" | "broken";
  readonly text: string;
  /** Instructions that the verifier looked at. */
  readonly processed: number;
}

/** Mutates the program of a seed and judges it. */
export function judgeMutated(seed: number): MutationOutcome {
  const random = new Random(seed);
  const parent = parentOf(random);
  let insns = Uint8Array.from(parent.insns);
  for (let left = random.pick([1, 1, 1, 2, 4]); left > 0; left--)
    insns = Uint8Array.from(mutate(insns, random));
  const type = random.chance(0.8) ? parent.type : random.pick(TYPES);
  const options = {
    caps: random.chance(0.75) ? ("all" as const) : ("bpf" as const),
    flags: random.chance(0.85) ? 0 : random.below(32),
    logLevel: random.chance(0.9) ? 0 : random.below(8),
  };
  try {
    const slots = insns.length / SLOT;
    const maps = parent.maps.filter(({ slot }) => slot < slots);
    // Most of them as a caller may make them himself, some as a loader reads them.
    const program = random.chance(0.8)
      ? new Program({ name: "mutated", type, insns, license: "GPL", maps })
      : loadRaw(insns, { type, license: "GPL" });
    const verdict = judge(program, options);
    if (!verdict.isAccepted && random.chance(0.1)) verdict.explain();
    return {
      kind: verdict.isAccepted ? "accepted" : "rejected",
      text: verdict.message,
      processed: verdict.processed,
    };
  } catch (error) {
    if (error instanceof LoadError) return { kind: "unloadable", text: error.message, processed: 0 };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const program = `seed ${seed}, ${type} ${Buffer.from(insns).toString("hex")}`;
    return { kind: "broken", text: `${program}\n${text}`, processed: 0 };
  }
}
