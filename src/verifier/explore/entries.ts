// Where explorations begin: at the program's entry, and at each global function that is called (do_check_main and
// do_check_subprogs in kernel/bpf/verifier.c).

import { PrototypeProblem } from "../calls/function-prototype.ts";
import { entryFrame } from "../calls/global-functions.ts";
import type { Env } from "../env.ts";
import { Register } from "../register.ts";
import { Frame, State } from "../state.ts";
import { Explorer } from "./explore.ts";

/** The state that a program begins with: r1 is the context, r10 the end of the stack. */
export function entryState(): State {
  const frame = new Frame(0, 0, -1);
  frame.registers[1] = Register.pointer("ctx");
  frame.registers[10] = Register.pointer("fp");
  return new State([frame]);
}

/** The program from its entry on, where `env.state` is its entry state. */
export function exploreMain(env: Env): void {
  notePrototype(env);
  new Explorer(env).explore(env.state, 0);
}

/** A program's own prototype decides nothing, but the kernel says what is wrong with it. */
function notePrototype(env: Env): void {
  const { globals, log } = env;
  if (log === undefined || !globals.isGlobal(0)) return;
  const parameters = globals.parameters(env, 0);
  if (parameters instanceof PrototypeProblem) log.write(`${parameters.message}\n`);
}

/** Each global function that a verified one calls, by itself. */
export function exploreGlobals(env: Env): void {
  const { globals, flow } = env;
  const verified = new Set<number>();
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const index of flow.functions.keys()) {
      if (!globals.called.has(index) || verified.has(index)) continue;
      verified.add(index);
      isDone = false;
      exploreGlobal(env, index);
    }
  }
}

function exploreGlobal(env: Env, index: number): void {
  const { globals, flow, log } = env;
  env.slot = flow.functions[index];
  log?.write(`Validating ${globals.name(index)}() func#${index}...\n`);
  env.state = new State([entryFrame(env, index)]);
  env.observer?.begins();
  new Explorer(env).explore(env.state, flow.functions[index]);
  log?.write(`Func#${index} ('${globals.name(index)}') is safe for any args that match its prototype\n`);
}
