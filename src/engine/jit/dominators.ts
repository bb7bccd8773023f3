// What structured control flow is read off from: an order of the nodes, their dominators, which nodes several ways lead
// to, which are entered again from behind. Dominators after Cooper, Harvey and Kennedy, "A Simple, Fast Dominance
// Algorithm" (2001).

import type { ReducibleGraph } from "./reducible.ts";

export interface FlowTree {
  /** By node: its place in a reverse postorder. An edge that does not lead to a later place is a back edge. */
  readonly order: Int32Array;
  /** By node: the nodes that it dominates immediately, last in the order first. */
  readonly children: readonly (readonly number[])[];
  /** By node: how many nodes it dominates, itself included. */
  readonly size: Int32Array;
  /** By node: 1 where it needs a label, since more than one way forward, or a table, leads there. */
  readonly isMerge: Uint8Array;
  /** By node: 1 where a back edge leads there. */
  readonly isLoop: Uint8Array;
}

/** The nodes in reverse postorder. */
function reversePostorder(successors: readonly (readonly number[])[]): Int32Array {
  const count = successors.length;
  const nodes = new Int32Array(count);
  const isSeen = new Uint8Array(count);
  const nextOf = new Int32Array(count);
  const path = [0];
  isSeen[0] = 1;
  let left = count;
  while (path.length > 0) {
    const node = path[path.length - 1];
    // The last successor first: what falls through comes behind what is jumped to, in the order nearest to the text.
    const targets = successors[node];
    const index = nextOf[node]++;
    if (index === targets.length) {
      nodes[--left] = node;
      path.pop();
      continue;
    }
    const target = targets[index];
    if (isSeen[target] === 1) continue;
    isSeen[target] = 1;
    path.push(target);
  }
  return nodes;
}

/** Immediate dominators, by place in the order. */
function dominators(
  nodes: Int32Array,
  order: Int32Array,
  successors: readonly (readonly number[])[],
): Int32Array {
  const count = nodes.length;
  const predecessors: number[][] = Array.from({ length: count }, () => []);
  for (let place = 0; place < count; place++) {
    for (const target of successors[nodes[place]]) predecessors[order[target]].push(place);
  }
  const idom = new Int32Array(count).fill(-1);
  idom[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let place = 1; place < count; place++) {
      let common = -1;
      for (const from of predecessors[place]) {
        if (idom[from] === -1) continue;
        let other = from;
        if (common === -1) common = from;
        while (other !== common) {
          while (other > common) other = idom[other];
          while (common > other) common = idom[common];
        }
      }
      if (idom[place] === common) continue;
      idom[place] = common;
      changed = true;
    }
  }
  return idom;
}

/** Looks at a graph; a RangeError where a node cannot be reached. */
export function analyseFlow({ successors, dispatchers }: ReducibleGraph): FlowTree {
  const count = successors.length;
  const nodes = reversePostorder(successors);
  const order = new Int32Array(count).fill(-1);
  for (let place = 0; place < count; place++) order[nodes[place]] = place;
  if (order.includes(-1)) throw new RangeError("flow graph: expected all nodes to be reached from the first");
  const idom = dominators(nodes, order, successors);
  const forward = new Int32Array(count);
  const isLoop = new Uint8Array(count);
  for (let node = 0; node < count; node++) {
    for (const target of successors[node]) {
      if (order[target] <= order[node]) isLoop[target] = 1;
      else forward[target] += dispatchers.has(node) ? 2 : 1;
    }
  }
  const children: number[][] = Array.from({ length: count }, () => []);
  const size = new Int32Array(count).fill(1);
  for (let place = count - 1; place > 0; place--) {
    const parent = nodes[idom[place]];
    children[parent].push(nodes[place]);
    size[parent] += size[nodes[place]];
  }
  const isMerge = Uint8Array.from(forward, (ways) => (ways > 1 ? 1 : 0));
  return { order, children, size, isMerge, isLoop };
}
