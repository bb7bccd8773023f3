// The subpath `tracebee/builder`: programs written in TypeScript, in the macro style of the kernel's samples.

export * from "./isa/builder.ts";
export { type BuildOptions, buildProgram } from "./loader/build.ts";
