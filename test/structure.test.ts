// Structured control flow out of any graph: random ones, reducible or not, do in Wasm what they do when they are walked.

import { describe, expect, it } from "vitest";
import { makeReducible } from "../src/engine/jit/reducible.ts";
import { writeStructured } from "../src/engine/jit/structure.ts";
import { CodeWriter } from "../src/wasm/code.ts";
import { ModuleWriter } from "../src/wasm/module.ts";
import { ValueType, Wasm } from "../src/wasm/opcodes.ts";
import { Random } from "./support/random.ts";

type Graph = readonly (readonly number[])[];

const STEPS = 60;
const CHOICES = 4096;
const TRACE = 8192;

/** Nodes in the order in which they are entered; at the n-th branch bit n of `choices` says which way. */
function walk(graph: Graph, choices: readonly number[]): number[] {
  const trace: number[] = [];
  for (let node = 0, branch = 0; trace.length < STEPS; ) {
    trace.push(node);
    const ways = graph[node];
    if (ways.length === 0) break;
    node = ways.length === 1 ? ways[0] : ways[choices[branch++] === 1 ? 0 : 1];
  }
  return trace;
}

/** The same in Wasm: each node notes itself and ends the run after STEPS of them. */
function compile(graph: Graph, memory: WebAssembly.Memory): () => number {
  const module = new ModuleWriter();
  module.importMemory("env", "memory");
  const index = module.declare({ parameters: [], results: [ValueType.I32] });
  const code = new CodeWriter(0);
  const [steps, branch] = [code.local(ValueType.I32), code.local(ValueType.I32)];
  const increment = (local: number) => {
    code.localGet(local);
    code.i32Const(1);
    code.op(Wasm.I32_ADD);
    code.localSet(local);
  };
  const leave = () => {
    code.localGet(steps);
    code.op(Wasm.RETURN);
  };
  writeStructured(
    code,
    { successors: graph },
    {
      body(node) {
        code.localGet(steps);
        code.i32Const(2);
        code.op(Wasm.I32_SHL);
        code.i32Const(node);
        code.memory(Wasm.I32_STORE, TRACE);
        increment(steps);
        code.localGet(steps);
        code.i32Const(STEPS);
        code.op(Wasm.I32_EQ);
        code.if();
        leave();
        code.end();
        if (graph[node].length === 0) leave();
      },
      condition(_, negated) {
        increment(branch);
        code.localGet(branch);
        code.i32Const(2);
        code.op(Wasm.I32_SHL);
        code.memory(Wasm.I32_LOAD, CHOICES - 4);
        if (negated) code.op(Wasm.I32_EQZ);
      },
    },
  );
  expect(code.depth).toBe(0);
  module.define(index, code);
  module.exportFunction("f", index);
  const imports = { env: { memory } };
  return new WebAssembly.Instance(new WebAssembly.Module(module.finish()), imports).exports.f as () => number;
}

/** Compares some walks of a graph. */
function compare(graph: Graph, random: Random, walks = 8): void {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const run = compile(graph, memory);
  for (let count = 0; count < walks; count++) {
    const choices = Array.from({ length: STEPS + 1 }, () => random.between(0, 1));
    new Int32Array(memory.buffer, CHOICES).set(choices);
    const steps = run();
    expect([...new Int32Array(memory.buffer, TRACE, steps)]).toEqual(walk(graph, choices));
  }
}

/** A graph whose nodes can all be reached; with `local`, ways lead to near nodes, as a program's do. */
function randomGraph(random: Random, nodes: number, local: boolean): Graph {
  const target = (from: number): number =>
    local ? Math.min(nodes - 1, Math.max(0, from + random.between(-3, 4))) : random.between(0, nodes - 1);
  const raw = Array.from({ length: nodes }, (_, node) => {
    const ways = Array.from({ length: random.pick([0, 1, 2, 2, 2, 2, 2, 2, 2, 2]) }, () => target(node));
    return ways.length === 2 && ways[0] === ways[1] ? [ways[0]] : ways;
  });
  const numbers = new Map([[0, 0]]);
  for (const [node] of numbers)
    for (const to of raw[node]) if (!numbers.has(to)) numbers.set(to, numbers.size);
  return [...numbers.keys()].map((node) => raw[node].map((to) => numbers.get(to) as number));
}

describe("structured control flow", () => {
  const random = new Random(7);

  it.each<[string, Graph]>([
    ["a single node", [[]]],
    ["a diamond", [[1, 2], [3], [3], []]],
    ["a loop on itself", [[0, 1], []]],
    ["a loop with two ways back and two out", [[1], [2, 4], [1, 3], [1, 4], []]],
    ["loops inside each other", [[1], [2, 5], [3, 1], [2, 4], [3, 1], []]],
    ["a cycle that is entered in the middle", [[1, 2], [2, 3], [1, 3], []]],
    ["such a cycle inside a loop", [[1], [2, 3], [3, 4], [2, 4], [1, 5], []]],
    [
      "cycles of three entries, one inside the other",
      [[1, 2], [3, 2], [3, 1], [4, 1], [2, 3], []].slice(0, 5),
    ],
    ["no way out at all", [[1], [0, 1]]],
  ])("takes the right way through %s", (_, graph) => compare(graph, random, 40));

  it("takes the right way through random graphs, many of them irreducible", () => {
    let irreducible = 0;
    for (let count = 0; count < 600; count++) {
      const graph = randomGraph(random, random.between(1, count % 10 === 0 ? 60 : 20), count % 2 === 0);
      if (makeReducible({ successors: graph }).dispatchers.size > 0) irreducible++;
      compare(graph, random);
    }
    expect(irreducible).toBeGreaterThan(100);
    expect(irreducible).toBeLessThan(500);
  });

  it("adds no dispatcher to loops that have one entry", () => {
    const loops = [[1], [2, 4], [1, 3], [1, 4], []];
    expect(makeReducible({ successors: loops })).toMatchObject({ successors: loops, dispatchers: new Set() });
  });

  it("stays shallow and does not recurse over long programs", () => {
    const length = 30_000;
    // A chain of branches, every other one over the next node, and a loop back to the start.
    const graph = Array.from({ length }, (_, node) => {
      if (node >= length - 2) return [];
      return node === length - 3 ? [0, length - 1] : node % 2 === 0 ? [node + 2, node + 1] : [node + 1];
    });
    const reached = graph.map((ways, node) => (node === length - 2 ? [] : ways));
    reached[length - 3] = [0, length - 2];
    compare(reached.slice(0, length - 1), random, 2);
  });
});
