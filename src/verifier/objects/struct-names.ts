// Names of the kernel's structs that stand for each other, and such that never do, whatever is in them
// (btf_is_projection_of and btf_type_ids_nocast_alias in kernel/bpf).

/** Structs that programs know by a name of their own, and what they are. */
const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: "sk_buff", xdp_md: "xdp_buff" };

/** The first is how programs see the second. */
export const isProjection = (seen: string, real: string): boolean =>
  Object.hasOwn(PROJECTIONS, seen) && PROJECTIONS[seen] === real;

const INIT = "___init";

/** One struct before and after it was set up. */
export const areStages = (one: string, other: string): boolean =>
  one.endsWith(INIT) !== other.endsWith(INIT) && one.replace(INIT, "") === other.replace(INIT, "");
