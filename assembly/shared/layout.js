// Read by asc and by tsc: integers only, as const enums, which both compilers fold into the code (a `const` of another
// module costs JavaScript a load, and a test, at every use). Where things lie in a runtime's linear memory, which both
// sides of the Wasm boundary read and write. A test reads the offsets back from the built Wasm.
//
//   0         65536                                            at most 2 GiB
//   +---------+-------------------------------------------------+
//   | page 0: | heap: stacks, contexts, packets, map headers and |
//   | core    | values, kernel objects, prepared programs        |
//   +---------+-------------------------------------------------+
//   never a guest address; the core keeps its state there
export {};
