// `union bpf_attr`: the argument of each bpf(2) command as bytes, its fields by the kernel's names. Offsets are those
// of uapi/linux/bpf.h, Linux 6.18; all fields are little-endian, as are the machines that koffi runs on.

import { addressOf, bpf, KernelError, pinnedBytes } from "./syscall.ts";

type Width = 4 | 8 | "name";
type Fields = Readonly<Record<string, readonly [offset: number, width: Width]>>;

interface CommandRow {
  readonly number: number;
  /** Bytes of the fields; the kernel takes the rest for zeros. */
  readonly size: number;
  readonly fields: Fields;
}

/** Bytes of a name, its final zero included (BPF_OBJ_NAME_LEN). */
const NAME_LENGTH = 16;

const ELEMENT: Fields = { map_fd: [0, 4], key: [8, 8], value: [16, 8], flags: [24, 8] };

/** A row per command: number, size and fields. */
const COMMANDS = {
  BPF_MAP_CREATE: {
    number: 0,
    size: 72,
    fields: {
      map_type: [0, 4],
      key_size: [4, 4],
      value_size: [8, 4],
      max_entries: [12, 4],
      map_flags: [16, 4],
      inner_map_fd: [20, 4],
      numa_node: [24, 4],
      map_name: [28, "name"],
      btf_fd: [48, 4],
      btf_key_type_id: [52, 4],
      btf_value_type_id: [56, 4],
      map_extra: [64, 8],
    },
  },
  BPF_MAP_LOOKUP_ELEM: { number: 1, size: 32, fields: ELEMENT },
  BPF_MAP_UPDATE_ELEM: { number: 2, size: 32, fields: ELEMENT },
  BPF_MAP_DELETE_ELEM: { number: 3, size: 32, fields: ELEMENT },
  BPF_MAP_GET_NEXT_KEY: { number: 4, size: 32, fields: ELEMENT },
  BPF_PROG_LOAD: {
    number: 5,
    size: 144,
    fields: {
      prog_type: [0, 4],
      insn_cnt: [4, 4],
      insns: [8, 8],
      license: [16, 8],
      log_level: [24, 4],
      log_size: [28, 4],
      log_buf: [32, 8],
      prog_flags: [44, 4],
      prog_name: [48, "name"],
      expected_attach_type: [68, 4],
      prog_btf_fd: [72, 4],
      func_info_rec_size: [76, 4],
      func_info: [80, 8],
      func_info_cnt: [88, 4],
      line_info_rec_size: [92, 4],
      line_info: [96, 8],
      line_info_cnt: [104, 4],
      attach_btf_id: [108, 4],
      log_true_size: [140, 4],
    },
  },
  BPF_PROG_TEST_RUN: {
    number: 10,
    size: 80,
    fields: {
      prog_fd: [0, 4],
      retval: [4, 4],
      data_size_in: [8, 4],
      data_size_out: [12, 4],
      data_in: [16, 8],
      data_out: [24, 8],
      repeat: [32, 4],
      duration: [36, 4],
      ctx_size_in: [40, 4],
      ctx_size_out: [44, 4],
      ctx_in: [48, 8],
      ctx_out: [56, 8],
    },
  },
  BPF_BTF_LOAD: {
    number: 18,
    size: 32,
    fields: {
      btf: [0, 8],
      btf_log_buf: [8, 8],
      btf_size: [16, 4],
      btf_log_size: [20, 4],
      btf_log_level: [24, 4],
    },
  },
  BPF_MAP_FREEZE: { number: 22, size: 4, fields: { map_fd: [0, 4] } },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type BpfCommand = keyof typeof COMMANDS;
type FieldOf<C extends BpfCommand> = keyof (typeof COMMANDS)[C]["fields"] & string;
/** Numbers; bytes, whose address is meant; text, for a name in place. What is undefined stays zero. */
export type AttrValues<C extends BpfCommand> = {
  readonly [F in FieldOf<C>]?: number | bigint | Uint8Array | string | undefined;
};

/** A name that the kernel takes: letters, digits, `_` and `.`, 15 of them at most. */
function nameBytes(name: string): Uint8Array {
  return new TextEncoder().encode(name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, NAME_LENGTH - 1));
}

/** One call of bpf(2): its fields are given when it is made, and read back after it. */
export class BpfCall<C extends BpfCommand> {
  readonly command: C;
  readonly #row: CommandRow;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  /** Bytes given for an address must be pinned, and live until the call is over. */
  constructor(command: C, values: AttrValues<C>) {
    this.command = command;
    this.#row = COMMANDS[command];
    this.#bytes = pinnedBytes(this.#row.size);
    this.#view = new DataView(this.#bytes.buffer);
    for (const [field, value] of Object.entries(values)) {
      if (value !== undefined) this.#write(field, value as number | bigint | Uint8Array | string);
    }
  }

  #write(field: string, value: number | bigint | Uint8Array | string): void {
    const [offset, width] = this.#row.fields[field] as Fields[string];
    if (typeof value === "string") this.#bytes.set(nameBytes(value), offset);
    else if (value instanceof Uint8Array) this.#view.setBigUint64(offset, addressOf(value), true);
    else if (width === 8) this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else this.#view.setUint32(offset, Number(value), true);
  }

  /** A field of 32 bits as the kernel left it. */
  read(field: FieldOf<C>): number {
    const [offset] = this.#row.fields[field] as Fields[string];
    return this.#view.getUint32(offset, true);
  }

  /** Makes the call; its result, or a negative errno. */
  try(): number {
    return bpf(this.#row.number, this.#bytes);
  }

  /** Makes the call; throws a KernelError where the kernel refuses. */
  run(): number {
    const result = this.try();
    if (result < 0) throw new KernelError(this.command, -result);
    return result;
  }
}
