// What a program says of its functions through BTF must fit its instructions.

import { describe, expect, it } from "vitest";
import { Program } from "../dist/src/index.js";
import { judge } from "../dist/src/verifier/verify.js";
import { typedProgram } from "./support/typed-program.ts";

describe("function information", () => {
  const withFunctions = (change: (functions: Program["functions"]) => Program["functions"]): Program => {
    const { name, type, insns, license, btf, functions } = typedProgram({
      text: "main:\n  r1 = 1\n  call f\n  r0 = 0\n  exit\nf:\n  r0 = r1\n  exit\n",
      functions: { f: { params: [["int"]] } },
    });
    const types = btf === undefined ? {} : { btf };
    return new Program({ name, type, insns, license, functions: change(functions), ...types });
  };

  it("is of as many functions as there are", () => {
    expect(judge(withFunctions(([main]) => [main])).message).toBe(
      "number of funcs in func_info doesn't match number of subprogs",
    );
  });

  it("is of the slots where they begin", () => {
    const moved = withFunctions(([main, f]) => [main, { ...f, slot: f.slot - 1 }]);
    expect(judge(moved).isAccepted).toBe(false);
  });

  it("names functions, no other types", () => {
    expect(judge(withFunctions(([main, f]) => [main, { ...f, typeId: 1 }])).message).toBe(
      "invalid type id 1 in func info",
    );
  });

  it("must be there for addresses of functions", () => {
    const { insns, license, type } = typedProgram({
      text: "main:\n  r1 = 4\n  r2 = subprog[f]\n  r3 = 0\n  r4 = 0\n  call bpf_loop\n  r0 = 0\n  exit\nf:\n  r0 = 0\n  exit\n",
    });
    expect(judge(new Program({ name: "bare", type, license, insns })).message).toBe("missing btf func_info");
  });
});
