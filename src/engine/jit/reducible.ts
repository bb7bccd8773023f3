// Makes a flow graph reducible: wherever control can enter a cycle at several nodes, all the ways into those nodes are
// led through one new node, a dispatcher, which goes on by the number that a selector in front of it has set. Compilers
// give few programs such cycles; hand-written ones may have them.

/** Nodes are numbers from 0, which is the entry; every node can be reached from it. */
export interface FlowGraph {
  readonly successors: readonly (readonly number[])[];
}

/** A graph in which every cycle has one entry, with the nodes that this took behind the original ones. */
export interface ReducibleGraph extends FlowGraph {
  /** Nodes that go on with the successor that the label variable counts. */
  readonly dispatchers: ReadonlySet<number>;
  /** Nodes that set the label variable, by the value. */
  readonly selectors: ReadonlyMap<number, number>;
}

class Reducer {
  readonly successors: number[][];
  readonly predecessors: number[][];
  readonly dispatchers = new Set<number>();
  readonly selectors = new Map<number, number>();
  /** By node: the region being looked at that it lies in. */
  readonly #region: number[];
  #regions = 1;

  constructor({ successors }: FlowGraph) {
    this.successors = successors.map((each) => [...each]);
    this.predecessors = successors.map(() => []);
    for (const [node, targets] of successors.entries()) {
      for (const target of new Set(targets)) this.predecessors[target].push(node);
    }
    this.#region = successors.map(() => 0);
  }

  run(): void {
    const regions = [this.successors.map((_, node) => node)];
    for (let nodes = regions.pop(); nodes !== undefined; nodes = regions.pop()) {
      for (const cycle of this.#cycles(nodes)) regions.push(this.#withoutHeader(cycle));
    }
  }

  /** The cycle's nodes apart from the one through which it is entered, as a region of their own. */
  #withoutHeader(cycle: readonly number[]): number[] {
    const own = new Set(cycle);
    const entries = cycle.filter((node) => node === 0 || this.predecessors[node].some((p) => !own.has(p)));
    const rest = entries.length === 1 ? cycle.filter((node) => node !== entries[0]) : [...cycle];
    if (entries.length > 1) this.#dispatch(entries, own);
    const region = this.#regions++;
    for (const node of cycle) this.#region[node] = -1;
    for (const node of rest) this.#region[node] = region;
    return rest;
  }

  #add(): number {
    this.predecessors.push([]);
    this.#region.push(-1);
    return this.successors.push([]) - 1;
  }

  /**
   * Leads every way into `entries` of the cycle `own` through a dispatcher. Ways from outside have selectors of their own:
   * one that both kinds led to would itself be inside the cycle, and an entry to it.
   */
  #dispatch(entries: readonly number[], own: ReadonlySet<number>): void {
    const dispatcher = this.#add();
    this.dispatchers.add(dispatcher);
    for (const [value, entry] of entries.entries()) {
      const sources = this.predecessors[entry];
      this.predecessors[entry] = [dispatcher];
      this.successors[dispatcher].push(entry);
      for (const isInside of [false, true]) {
        const from = sources.filter((node) => own.has(node) === isInside);
        if (from.length > 0) this.#select(value, from, entry, dispatcher);
      }
    }
  }

  /** Leads the ways from `sources` to `entry` to the dispatcher. */
  #select(value: number, sources: number[], entry: number, dispatcher: number): void {
    const selector = this.#add();
    this.selectors.set(selector, value);
    for (const from of sources) {
      this.successors[from] = this.successors[from].map((to) => (to === entry ? selector : to));
    }
    this.predecessors[selector] = sources;
    this.predecessors[dispatcher].push(selector);
    this.successors[selector].push(dispatcher);
  }

  /** The strongly connected components of more than one node among `nodes` (Tarjan's algorithm, without recursion). */
  #cycles(nodes: readonly number[]): number[][] {
    const region = nodes.length === 0 ? 0 : this.#region[nodes[0]];
    const order = new Map<number, number>();
    const low = new Map<number, number>();
    const pending: number[] = [];
    const isPending = new Set<number>();
    const cycles: number[][] = [];
    const path: { node: number; next: number }[] = [];
    const visit = (node: number): void => {
      order.set(node, order.size);
      low.set(node, order.size - 1);
      pending.push(node);
      isPending.add(node);
      path.push({ node, next: 0 });
    };
    const lower = (node: number, value: number): void => {
      if (value < (low.get(node) as number)) low.set(node, value);
    };
    for (const root of nodes) {
      if (!order.has(root)) visit(root);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const { node } = top;
        const target = this.successors[node][top.next++];
        if (target !== undefined) {
          if (this.#region[target] !== region) continue;
          if (!order.has(target)) visit(target);
          else if (isPending.has(target)) lower(node, order.get(target) as number);
          continue;
        }
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent.node, low.get(node) as number);
        if (low.get(node) !== order.get(node)) continue;
        const component = pending.splice(pending.lastIndexOf(node));
        for (const each of component) isPending.delete(each);
        if (component.length > 1) cycles.push(component);
      }
    }
    return cycles;
  }
}

/** The graph with dispatchers where it needs them; itself, in the same order, where it needs none. */
export function makeReducible(graph: FlowGraph): ReducibleGraph {
  // Without an edge back there is no cycle at all, and blocks are numbered in the order of their instructions.
  const isForward = graph.successors.every((targets, node) => targets.every((target) => target > node));
  if (isForward) return { ...graph, dispatchers: new Set(), selectors: new Map() };
  const reducer = new Reducer(graph);
  reducer.run();
  return reducer;
}
