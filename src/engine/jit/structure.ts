// From a flow graph to Wasm's nested blocks: each node is written once, inside what dominates it. A node that several ways
// lead to stands behind a block that those ways leave; a node that is entered again from behind opens a loop. After
// Ramsey, "Beyond Relooper" (ICFP 2022), without recursion, since programs have up to a million instructions.

import type { CodeWriter } from "../../wasm/code.ts";
import { ValueType, Wasm } from "../../wasm/opcodes.ts";
import { analyseFlow } from "./dominators.ts";
import { type FlowGraph, makeReducible } from "./reducible.ts";

/** What nodes do. A node with two successors goes to the first when its condition holds. */
export interface FlowBodies {
  /** Writes what the node does; where it has no successor, also how it leaves. */
  body(node: number): void;
  /** Writes its condition as an i32 that is not 0 when it holds, or when it does not. */
  condition(node: number, negated: boolean): void;
}

/** The end of the innermost block, among the nodes that are still to be written. */
const END = -1;

/** Writes a graph whose nodes have at most two successors; behind it no way leads on. */
export function writeStructured(code: CodeWriter, graph: FlowGraph, bodies: FlowBodies): void {
  const reducible = makeReducible(graph);
  const { successors, dispatchers, selectors } = reducible;
  const { order, children, size, isMerge, isLoop } = analyseFlow(reducible);
  const variable = dispatchers.size > 0 ? code.local(ValueType.I32) : -1;
  /** By node: how many blocks were open when the one was opened that its label stands for. */
  const labels = new Int32Array(successors.length);
  /** What is still to be written, last first. */
  const work = [0];

  const label = (node: number): number => code.depth - labels[node];
  const open = (node: number): void => {
    labels[node] = code.depth + 1;
  };
  const hasLabel = (from: number, to: number): boolean => isMerge[to] === 1 || order[to] <= order[from];
  const goTo = (from: number, to: number): void => {
    if (!hasLabel(from, to)) {
      work.push(to);
      return;
    }
    // Where the block that is left ends right here, control arrives there anyway.
    const arrives = order[to] > order[from] && label(to) === 0 && work[work.length - 1] === END;
    if (!arrives) code.br(label(to));
  };
  const branch = (node: number, taken: number, other: number): void => {
    if (hasLabel(node, taken)) {
      bodies.condition(node, false);
      code.brIf(label(taken));
      goTo(node, other);
    } else if (hasLabel(node, other)) {
      bodies.condition(node, true);
      code.brIf(label(other));
      goTo(node, taken);
    } else {
      // The smaller side is the one inside: nesting grows with the logarithm of the size at most.
      const isTakenInside = size[taken] <= size[other];
      bodies.condition(node, !isTakenInside);
      code.if();
      work.push(isTakenInside ? other : taken, END, isTakenInside ? taken : other);
    }
  };

  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (node === END) {
      code.end();
      continue;
    }
    if (isLoop[node] === 1) {
      open(node);
      code.loop();
      work.push(END);
    }
    for (const child of children[node]) {
      if (isMerge[child] === 0) continue;
      open(child);
      code.block();
      work.push(child, END);
    }
    const [first, second] = successors[node];
    const value = selectors.get(node);
    if (dispatchers.has(node)) {
      code.localGet(variable);
      code.brTable(successors[node].map(label));
    } else if (value !== undefined) {
      code.i32Const(value);
      code.localSet(variable);
      goTo(node, first);
    } else {
      bodies.body(node);
      if (second !== undefined) branch(node, first, second);
      else if (first !== undefined) goTo(node, first);
    }
  }
  code.op(Wasm.UNREACHABLE);
}
