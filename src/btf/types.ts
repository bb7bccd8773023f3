// The kinds of types that BTF knows, as plain data. Follows Documentation/bpf/btf.rst of Linux 6.18; names are
// those of its BTF_KIND_* constants, in lower case. Ids and offsets are those of one BTF blob.

/** Kind names; the index of a name is its BTF_KIND_* number. `void` is the type with id 0. */
export const BTF_KINDS = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
] as const;

/** What a type is; `BtfType` is told apart by it. */
export type BtfKind = (typeof BTF_KINDS)[number];

/** What every type has. */
interface Named {
  readonly id: number;
  /** Empty for an anonymous type. */
  readonly name: string;
}

/** The type of nothing: id 0. */
export interface BtfVoid extends Named {
  readonly kind: "void";
}

/** An integer, character or truth value. */
export interface BtfInt extends Named {
  readonly kind: "int";
  /** Bytes. */
  readonly size: number;
  /** Significant bits, at most 128; fewer than 8 × size only in the bitfields of old compilers. */
  readonly bits: number;
  /** First significant bit; not 0 only there, too. */
  readonly bitOffset: number;
  readonly isSigned: boolean;
  readonly isChar: boolean;
  readonly isBool: boolean;
}

/** A pointer, or a qualifier around a type. `type` is the id of what it refers to. */
export interface BtfReference extends Named {
  readonly kind: "ptr" | "typedef" | "volatile" | "const" | "restrict";
  readonly type: number;
}

/** `btf_type_tag` of a pointee, e.g. `user`, `rcu`; `name` is the tag. */
export interface BtfTypeTag extends Named {
  readonly kind: "type_tag";
  readonly type: number;
  /** True when `name` is a whole attribute, as pahole writes it (kind_flag, Linux 6.15). */
  readonly isAttribute: boolean;
}

/** `type[length]`. */
export interface BtfArray extends Named {
  readonly kind: "array";
  readonly type: number;
  readonly indexType: number;
  /** Elements. */
  readonly length: number;
}

/** A member of a struct or union. */
export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: number;
  /** From the start of the struct. */
  readonly bitOffset: number;
  /** Bits of a bitfield; 0 for a member that is none. */
  readonly bitSize: number;
}

/** A struct or union that is defined. */
export interface BtfStruct extends Named {
  readonly kind: "struct" | "union";
  /** Bytes. */
  readonly size: number;
  readonly members: readonly BtfMember[];
}

/** A named value of an enum. */
export interface BtfEnumerator {
  readonly name: string;
  /** 32 bits, signed where the enum is. */
  readonly value: number;
}

/** An enum whose values have 32 bits. */
export interface BtfEnum extends Named {
  readonly kind: "enum";
  /** Bytes: 1, 2, 4 or 8. */
  readonly size: number;
  readonly isSigned: boolean;
  readonly values: readonly BtfEnumerator[];
}

/** A named value of an enum of 64 bits. */
export interface BtfEnumerator64 {
  readonly name: string;
  /** 64 bits, signed where the enum is. */
  readonly value: bigint;
}

/** An enum whose values have 64 bits. */
export interface BtfEnum64 extends Named {
  readonly kind: "enum64";
  /** Bytes: 1, 2, 4 or 8. */
  readonly size: number;
  readonly isSigned: boolean;
  readonly values: readonly BtfEnumerator64[];
}

/** A struct or union that is declared and not defined. */
export interface BtfFwd extends Named {
  readonly kind: "fwd";
  readonly isUnion: boolean;
}

/** `enum btf_func_linkage`, and the same numbers for variables. */
export type BtfLinkage = "static" | "global" | "extern";

/** A function that is defined or declared. */
export interface BtfFunc extends Named {
  readonly kind: "func";
  /** Its `func_proto`. */
  readonly type: number;
  readonly linkage: BtfLinkage;
}

/** A parameter of a function. */
export interface BtfParam {
  readonly name: string;
  /** 0 in the last place, without a name, stands for `...`. */
  readonly type: number;
}

/** A function's result and parameters. */
export interface BtfFuncProto extends Named {
  readonly kind: "func_proto";
  /** Type of the result; 0 for none. */
  readonly type: number;
  readonly params: readonly BtfParam[];
}

/** A global variable. */
export interface BtfVar extends Named {
  readonly kind: "var";
  readonly type: number;
  readonly linkage: BtfLinkage;
}

/** A place in a section of variables. */
export interface BtfSectionVar {
  /** A `var`, or a `func` in sections of externs. */
  readonly type: number;
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** An ELF section of variables; `name` is the section's. */
export interface BtfDatasec extends Named {
  readonly kind: "datasec";
  /** Bytes; compilers leave 0, loaders fill it in. */
  readonly size: number;
  readonly vars: readonly BtfSectionVar[];
}

/** A floating-point number. */
export interface BtfFloat extends Named {
  readonly kind: "float";
  /** Bytes: 2, 4, 8, 12 or 16. */
  readonly size: number;
}

/** `btf_decl_tag` of a declaration; `name` is the tag. */
export interface BtfDeclTag extends Named {
  readonly kind: "decl_tag";
  readonly type: number;
  /** Index of the tagged member or parameter; -1 for the declaration as a whole. */
  readonly component: number;
  readonly isAttribute: boolean;
}

/** Any type. */
export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfReference
  | BtfTypeTag
  | BtfArray
  | BtfStruct
  | BtfEnum
  | BtfEnum64
  | BtfFwd
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;
