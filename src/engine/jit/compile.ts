// A verified program as one Wasm module: a function that runs a batch of events, with the program's entry inside its
// loop, and one function for each of the program's own. It imports the runtime's memory and what its calls need.

import { At, EventRecord, Limit, ProgramFlag, Skb } from "../../../assembly/shared/layout.ts";
import { InternalError, LoadError } from "../../errors.ts";
import type { Insn } from "../../isa/insn.ts";
import type { Program, Proof } from "../../program.ts";
import { ModuleWriter } from "../../wasm/module.ts";
import { ValueType, Wasm } from "../../wasm/opcodes.ts";
import { ACCESSES, PACKET_ROWS, writePacketLoad, writeProbedLoad } from "./accesses.ts";
import { ARITHMETIC, writeComparison } from "./arithmetic.ts";
import { ControlFlow, type FunctionBlocks } from "./blocks.ts";
import { type CallPlan, IMPORTS, type ImportName } from "./calls.ts";
import { BATCH_TYPE, FUNCTION_TYPE, FunctionWriter } from "./function-writer.ts";
import { writeStructured } from "./structure.ts";

/** The export that runs the events from one address to another; gives the address of the first that is not its own. */
export const BATCH_EXPORT = "run";

/** What a program is compiled with. */
export interface CompileInput {
  readonly program: Program;
  readonly proof: Proof;
  /** Address of its record, and ProgramFlag bits. */
  readonly record: number;
  readonly flags: number;
  /** By slot of a call: what it comes down to. */
  readonly calls: ReadonlyMap<number, CallPlan>;
  /** The constant that an `lddw` loads, by halves. */
  readonly wideValue: (insn: Insn) => readonly [low: number, high: number];
}

export interface CompiledProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: readonly ImportName[];
}

/** A jump that ends a block: its ways are written by the block's end. */
const JUMP = /^(ja|gotol|may_goto|j\w+(32|64)_(imm|reg))$/;

class Compiler {
  readonly #input: CompileInput;
  readonly #flow: ControlFlow;
  readonly #module = new ModuleWriter();
  readonly #imports = new Map<ImportName, number>();
  /** By first slot: the Wasm function. */
  readonly #functions = new Map<number, number>();
  /** True when something outside must know what runs. */
  readonly #needsEvent: boolean;
  readonly #readsPacket: boolean;

  constructor(input: CompileInput) {
    this.#input = input;
    const { program, proof, calls, flags } = input;
    this.#flow = new ControlFlow(program, proof);
    this.#readsPacket = program.decoded.some(({ row }) => PACKET_ROWS.has(row));
    this.#needsEvent = this.#readsPacket || [...calls.values()].some(({ needsEvent }) => needsEvent);
    // Helpers that read packets find them where packet loads do.
    if ((flags & ProgramFlag.SKB) !== 0) this.#readsPacket = true;
  }

  run(): CompiledProgram {
    const { calls, proof } = this.#input;
    this.#module.importMemory("env", "memory");
    const names = new Set([...calls.values()].flatMap(({ imports }) => imports));
    if (this.#readsPacket) names.add("packetAt");
    if (proof.probedLoads.size > 0) names.add("loadProbed");
    for (const name of names) {
      const { module, ...type } = IMPORTS[name];
      this.#imports.set(name, this.#module.importFunction(module, name, type));
    }
    const batch = this.#module.declare(BATCH_TYPE);
    const [entry, ...others] = this.#flow.functions;
    for (const { slot } of others) this.#functions.set(slot, this.#module.declare(FUNCTION_TYPE));
    this.#module.define(batch, this.#batch(entry));
    for (const each of others) {
      this.#module.define(this.#functions.get(each.slot) as number, this.#function(each));
    }
    this.#module.exportFunction(BATCH_EXPORT, batch);
    return { bytes: this.#module.finish(), imports: [...names] };
  }

  #import(name: ImportName): number {
    const index = this.#imports.get(name);
    if (index === undefined) throw new InternalError(`jit: expected the import ${name}, got none`);
    return index;
  }

  #function(blocks: FunctionBlocks) {
    const to = new FunctionWriter(false);
    this.#zeroStack(to, blocks);
    this.#write(to, blocks);
    return to.code;
  }

  /** The loop over the events, the entry function in it. */
  #batch(blocks: FunctionBlocks) {
    const to = new FunctionWriter(true);
    const { code } = to;
    const { record } = this.#input;
    const [event, end] = [to.event, 1];
    to.loadAt(Wasm.I32_LOAD, At.STACK_BASE);
    code.i32Const(Limit.FRAME_STACK);
    code.op(Wasm.I32_SUB);
    code.localSet(to.frame);
    if (this.#needsEvent) to.storeAt(Wasm.I32_STORE, At.PROGRAM, () => code.i32Const(record));
    code.loop();
    this.#enter(to, blocks);
    to.openBody();
    this.#write(to, blocks);
    code.end();
    code.localGet(event);
    to.get64(0);
    code.memory(Wasm.I64_STORE, EventRecord.RESULT);
    code.localGet(event);
    code.i32Const(EventRecord.SIZE);
    code.op(Wasm.I32_ADD);
    code.localTee(event);
    code.localGet(end);
    code.op(Wasm.I32_EQ);
    code.if();
    code.localGet(event);
    code.op(Wasm.RETURN);
    code.end();
    code.localGet(event);
    code.memory(Wasm.I32_LOAD, EventRecord.PROGRAM);
    code.i32Const(record);
    code.op(Wasm.I32_EQ);
    code.brIf(0);
    code.end();
    code.localGet(event);
    return code;
  }

  /** What an event starts with: its context in r1, of raw programs its length in r2, the packet where it is read. */
  #enter(to: FunctionWriter, blocks: FunctionBlocks): void {
    const { code } = to;
    const { flags } = this.#input;
    const field = (offset: number) => {
      code.localGet(to.event);
      code.memory(Wasm.I32_LOAD, offset);
    };
    if (this.#needsEvent) to.storeAt(Wasm.I32_STORE, At.EVENT, () => code.localGet(to.event));
    field(EventRecord.CONTEXT);
    to.set32(1);
    if ((flags & ProgramFlag.RAW) !== 0) {
      field(EventRecord.CONTEXT_SIZE);
      to.set32(2);
      if (this.#readsPacket) {
        to.storeAt(Wasm.I32_STORE, At.PACKET_START, () => to.get32(1));
        to.storeAt(Wasm.I32_STORE, At.PACKET_END, () => {
          to.get32(1);
          to.get32(2);
          code.op(Wasm.I32_ADD);
        });
      }
    } else if ((flags & ProgramFlag.SKB) !== 0) {
      for (const [address, offset] of [
        [At.PACKET_START, Skb.DATA],
        [At.PACKET_END, Skb.DATA_END],
      ]) {
        to.storeAt(Wasm.I32_STORE, address, () => {
          to.get32(1);
          code.memory(Wasm.I32_LOAD, offset);
        });
      }
    } else if (this.#readsPacket) {
      for (const address of [At.PACKET_START, At.PACKET_END]) {
        to.storeAt(Wasm.I32_STORE, address, () => code.i32Const(0));
      }
    }
    this.#zeroStack(to, blocks);
    if (this.#hasMayGoto) {
      code.i32Const(0);
      code.localSet(to.temporary("may_goto", ValueType.I32));
    }
  }

  get #hasMayGoto(): boolean {
    return this.#input.program.decoded.some(({ row }) => row.name === "may_goto");
  }

  #zeroStack(to: FunctionWriter, { slot }: FunctionBlocks): void {
    const { functions, unwrittenStack } = this.#input.proof;
    to.zeroStack(unwrittenStack[functions.indexOf(slot)] ?? 0);
  }

  #write(to: FunctionWriter, { blocks, successors }: FunctionBlocks): void {
    const { decoded } = this.#input.program;
    writeStructured(
      to.code,
      { successors },
      {
        body: (node) => {
          const { first, last } = blocks[node];
          for (let index = first; index <= last; index++) this.#insn(to, decoded[index]);
        },
        condition: (node, negated) => {
          const insn = decoded[blocks[node].last];
          if (insn.row.name === "may_goto") writeMayGoto(to, negated);
          else writeComparison(to, insn, negated);
        },
      },
    );
  }

  #insn(to: FunctionWriter, insn: Insn): void {
    const { row, slot, dst } = insn;
    if (this.#input.proof.probedLoads.has(slot)) {
      writeProbedLoad(to, insn, this.#import("loadProbed"));
      return;
    }
    const lowering = ARITHMETIC.get(row) ?? ACCESSES.get(row);
    if (lowering !== undefined) lowering(to, insn);
    else if (row.wide) {
      to.code.i64Const(...this.#input.wideValue(insn));
      to.set64(dst);
    } else if (row.name === "exit") to.leave();
    else if (row.name === "call_local") this.#callLocal(to, insn);
    else if (row.name === "call_helper") {
      const plan = this.#input.calls.get(slot) as CallPlan;
      plan.write(
        to,
        insn,
        plan.imports.map((name) => this.#import(name)),
      );
    } else if (PACKET_ROWS.has(row)) writePacketLoad(to, insn, this.#import("packetAt"));
    else if (!JUMP.test(row.name)) {
      throw new LoadError(
        "unsupported",
        `insn ${slot}`,
        `expected what the engine jit runs, got ${row.name}`,
      );
    }
  }

  #callLocal(to: FunctionWriter, { slot, imm }: Insn): void {
    const { code } = to;
    const target = this.#functions.get(slot + 1 + imm);
    if (target === undefined) {
      throw new LoadError("unsupported", `insn ${slot}`, "expected a function, got the program's entry");
    }
    code.localGet(to.frame);
    code.i32Const(Limit.FRAME_STACK);
    code.op(Wasm.I32_SUB);
    for (const register of [1, 2, 3, 4, 5]) to.get64(register);
    code.call(target);
    to.set64(0);
  }
}

/** The condition of `may_goto`: it jumps when this frame's have fallen through as often as they may. */
function writeMayGoto(to: FunctionWriter, negated: boolean): void {
  const { code } = to;
  const count = to.temporary("may_goto", ValueType.I32);
  code.localGet(count);
  code.i32Const(1);
  code.op(Wasm.I32_ADD);
  code.localTee(count);
  code.i32Const(Limit.MAY_GOTO);
  code.op(negated ? Wasm.I32_LE_U : Wasm.I32_GT_U);
}

/** Compiles a program. Throws a LoadError for what only checked runs may have. */
export function compileProgram(input: CompileInput): CompiledProgram {
  return new Compiler(input).run();
}
