// Names of the kernel's structs that stand for each other, and such that never do, whatever is in them
// (btf_is_projection_of and btf_type_ids_nocast_alias in kernel/bpf).

/** Structs that programs know by a name of their own, and what they are. */
const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: "sk_buff", xdp_md: "xdp_buff" };

/** What the kernel calls the struct that programs know by that name; undefined where that is its name. */
export const projectionOf = (seen: string): string | undefined =>
  Object.hasOwn(PROJECTIONS, seen) ? PROJECTIONS[seen] : undefined;

/** The first is how programs see the second. */
export const isProjection = (seen: string, real: string): boolean => projectionOf(seen) === real;

const INIT = "___init";

/** One struct before and after it was set up. */
export const areStages = (one: string, other: string): boolean =>
  one.endsWith(INIT) !== other.endsWith(INIT) && one.replace(INIT, "") === other.replace(INIT, "");
