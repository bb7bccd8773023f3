// The verifier's table of helpers: complete, well formed, and allowed to exactly the program types that Linux allows.

import { describe, expect, it } from "vitest";
import { HELPER_NAMES } from "../dist/src/isa/helper-names.js";
import { PROGRAM_TYPES } from "../dist/src/program-types.js";
import { ALLOWED_HELPERS, hookAllows } from "../dist/src/verifier/prototypes/allowed-helpers.js";
import { knownHelper, PROTOTYPE_ROWS, prototypeFor } from "../dist/src/verifier/prototypes/prototypes.js";
import { readOracle } from "./support/oracles.ts";

const IDS = HELPER_NAMES.map((_, id) => id).slice(1);
const SIZES = new Set(["const_size", "const_size_or_zero"]);
const ALLOCATES = "const_alloc_size_or_zero";

/** The attach types with which the matrix was recorded, where a type insists on one. */
const ATTACH_TYPES: Readonly<Record<string, number>> = {
  cgroup_sock: 2,
  cgroup_sock_addr: 8,
  sk_lookup: 36,
  cgroup_sockopt: 21,
  netfilter: 45,
};
const kind = (type: string, attachType = ATTACH_TYPES[type] ?? 0, attachTo?: string) => ({
  type,
  attachType,
  isSleepable: type === "syscall",
  ...(attachTo !== undefined && { attachTo }),
});
const callable = (program: ReturnType<typeof kind>, caps: "all" | "bpf" = "all"): string[] =>
  IDS.filter((id) => prototypeFor(id, program, caps) !== undefined).map((id) => HELPER_NAMES[id]);
const prototypeOf = (name: string, program: ReturnType<typeof kind>) =>
  prototypeFor(HELPER_NAMES.indexOf(name), program, "all");

describe("prototype rows", () => {
  it("cover every helper and name it as the instruction set does", () => {
    expect(new Set(PROTOTYPE_ROWS.map(({ prototype }) => prototype.id))).toEqual(new Set(IDS));
    for (const { prototype } of PROTOTYPE_ROWS) expect(HELPER_NAMES[prototype.id]).toBe(prototype.name);
  });

  it("stand once for each variant of a helper", () => {
    const keys = PROTOTYPE_ROWS.map(({ variant, prototype }) => `${prototype.id}@${variant}`);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  it("differ in something from the helper's other variants", () => {
    const contents = PROTOTYPE_ROWS.map(({ prototype }) => JSON.stringify(prototype));
    expect(contents.filter((content, index) => contents.indexOf(content) !== index)).toEqual([]);
  });

  it("say the same of all variants but of their arguments", () => {
    const effects = new Map<number, string>();
    for (const { prototype } of PROTOTYPE_ROWS) {
      const { id, name, changesMap, changesPacket, mapTypes, mightSleep, returns } = prototype;
      const own = JSON.stringify([changesMap, changesPacket, mapTypes, mightSleep, returns]);
      expect(own, name).toBe(effects.get(id) ?? own);
      effects.set(id, own);
    }
  });

  it("have at most five arguments", () => {
    for (const { prototype } of PROTOTYPE_ROWS)
      expect(prototype.args.length, prototype.name).toBeLessThanOrEqual(5);
  });

  it("put a size after each memory argument without a size of its own, and nowhere else", () => {
    for (const { prototype } of PROTOTYPE_ROWS) {
      prototype.args.forEach((arg, index) => {
        const needsSize = arg.kind === "mem" && arg.size === undefined;
        const next = prototype.args[index + 1];
        expect(next !== undefined && SIZES.has(next.kind), `${prototype.name} ${index + 1}`).toBe(needsSize);
      });
    }
  });

  it("allocate by size only where the result is memory of that size", () => {
    for (const { prototype } of PROTOTYPE_ROWS) {
      const allocates = prototype.args.some((arg) => arg.kind === ALLOCATES);
      const isMemory = ["ringbuf_mem", "dynptr_mem"].includes(prototype.returns.kind);
      expect(allocates, prototype.name).toBe(isMemory);
    }
  });

  it("release at most one argument", () => {
    for (const { prototype } of PROTOTYPE_ROWS)
      expect(prototype.args.filter((arg) => arg.release).length, prototype.name).toBeLessThanOrEqual(1);
  });

  it("never call memory both read-only and written, nor uninitialised but not written", () => {
    for (const arg of PROTOTYPE_ROWS.flatMap(({ prototype }) => prototype.args)) {
      expect(arg.readOnly && arg.write).toBeFalsy();
      if (arg.uninit) expect(arg.write).toBe(true);
    }
  });
});

describe("allowed helpers", () => {
  const matrix = readOracle<{
    readonly types: Readonly<Record<string, { readonly loadable: boolean; readonly helpers?: string[] }>>;
  }>("helper-matrix.json.gz");

  it.skipIf(matrix === undefined)("are those that Linux 6.18 allows to each type", () => {
    let types = 0;
    for (const [type, { loadable, helpers }] of Object.entries(matrix?.types ?? {})) {
      if (!loadable) continue;
      types++;
      expect(callable(kind(type)), type).toEqual(helpers);
    }
    expect(types).toBe(27);
  });

  it("are groups of every type that loads by itself", () => {
    const types = Object.keys(PROGRAM_TYPES).filter((type) => !["raw", "unspec", "ext"].includes(type));
    expect(new Set(Object.keys(ALLOWED_HELPERS))).toEqual(new Set(types));
    expect(prototypeFor(1, kind("ext"), "all")).toBeUndefined();
  });

  it("name every variant from some type, save the two that no type has", () => {
    const named = new Set(
      Object.values(ALLOWED_HELPERS).flatMap((groups) => groups.flatMap(({ helpers }) => helpers)),
    );
    const unnamed = PROTOTYPE_ROWS.map(({ variant, prototype }) =>
      variant === "" ? prototype.name : `${prototype.name}@${variant}`,
    ).filter((name) => !named.has(name));
    expect(unnamed.toSorted()).toEqual(["override_return", "probe_write_user"]);
  });

  it("lose what inspects the kernel when the loader has no CAP_PERFMON", () => {
    const lost = (type: string): string[] => {
      const left = new Set(callable(kind(type), "bpf"));
      return callable(kind(type)).filter((name) => !left.has(name));
    };
    expect(lost("sk_reuseport")).toEqual(
      `trace_printk get_current_comm perf_event_read get_current_task perf_event_read_value send_signal
       probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str send_signal_thread
       get_task_stack copy_from_user snprintf_btf get_current_task_btf snprintf task_pt_regs
       get_branch_snapshot trace_vprintk find_vma copy_from_user_task`.split(/\s+/),
    );
    expect(lost("socket_filter")).toHaveLength(28);
    expect(lost("socket_filter")).toContain("skc_to_mptcp_sock");
    expect(lost("syscall")).toHaveLength(22);
    expect(lost("syscall")).toContain("sys_bpf");
  });

  it("depend on the attach type where the hook matters", () => {
    expect(callable(kind("cgroup_sock_addr", 10))).toContain("bind");
    expect(callable(kind("cgroup_sock_addr", 8))).not.toContain("bind");
    expect(callable(kind("cgroup_sock_addr", 19))).not.toContain("get_retval");
    expect(callable(kind("cgroup_sockopt", 22))).toContain("setsockopt");
    expect(callable(kind("cgroup_device", 6))).toContain("set_retval");
    expect(callable(kind("tracing", 28))).toContain("seq_printf");
    expect(callable(kind("tracing", 23))).not.toContain("seq_printf");
    expect(callable(kind("tracing", 28, "bpf_iter_tcp"))).toContain("setsockopt");
    expect(callable(kind("tracing", 24))).not.toContain("get_func_ret");
    expect(callable(kind("tracing", 25))).toContain("get_func_ret");
  });
});

describe("prototypes", () => {
  it("differ by program type where the kernel's do", () => {
    expect(prototypeOf("get_socket_cookie", kind("sched_cls"))?.args[0].kind).toBe("ctx");
    expect(prototypeOf("get_socket_cookie", kind("sk_reuseport"))?.args[0].kind).toBe("btf_id_sock_common");
    expect(prototypeOf("get_cgroup_classid", kind("sched_cls"))?.args).toHaveLength(1);
    expect(prototypeOf("get_cgroup_classid", kind("xdp"))?.args).toHaveLength(0);
    expect(prototypeOf("sk_storage_get", kind("cgroup_sock"))?.args[1].kind).toBe("ctx");
    expect(prototypeOf("sk_lookup_tcp", kind("xdp"))?.packetAccess).toBe(true);
    expect(prototypeOf("sk_lookup_tcp", kind("cgroup_sock_addr"))?.packetAccess).toBe(false);
    expect(prototypeOf("get_stackid", kind("kprobe"))?.gplOnly).toBe(true);
    expect(prototypeOf("get_stackid", kind("perf_event"))?.gplOnly).toBe(false);
    expect(prototypeOf("get_func_ip", kind("kprobe", 42))?.gplOnly).toBe(false);
  });
});

describe("hooks", () => {
  it("decide over helpers that walk what the hook may hold locked", () => {
    expect(prototypeOf("d_path", kind("tracing", 24))?.hooks).toBe("d_path");
    expect(hookAllows("d_path", kind("tracing", 28, "bpf_iter_task_file"))).toBe(true);
    expect(hookAllows("d_path", kind("tracing", 24, "filp_close"))).toBe(true);
    expect(hookAllows("d_path", kind("tracing", 24, "tcp_connect"))).toBe(false);
    expect(hookAllows("d_path", kind("syscall"))).toBe(false);
    expect(hookAllows("outside_sk_storage", kind("tracing", 23))).toBe(true);
    expect(hookAllows("outside_sk_storage", kind("tracing", 24, "bpf_sk_storage_free"))).toBe(false);
    expect(hookAllows("outside_sk_storage", kind("tracing", 25, "tcp_connect"))).toBe(true);
    expect(hookAllows("outside_sk_storage", kind("syscall"))).toBe(false);
    expect(hookAllows("sleepable_lsm", { ...kind("lsm", 27), isSleepable: true })).toBe(true);
    expect(hookAllows("sleepable_lsm", kind("lsm", 27))).toBe(false);
  });
});

describe("knownHelper", () => {
  it("names the helpers that exist, whoever may call them, and no others", () => {
    expect(knownHelper(1)).toBe("map_lookup_elem");
    expect(knownHelper(58)).toBe("override_return");
    expect(knownHelper(211)).toBe("cgrp_storage_delete");
    for (const id of [-1, 0, 212]) expect(knownHelper(id)).toBeUndefined();
  });
});
