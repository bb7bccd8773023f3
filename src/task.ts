// The task an event happened in: what bpf_get_current_* give. Its record in linear memory is TASK_*.

import { TaskRecord } from "../assembly/shared/layout.ts";
import type { Heap } from "./heap.ts";
import type { GuestMemory } from "./memory.ts";

export interface Task {
  /** The thread's id, which user space calls tid. */
  readonly pid: number;
  /** The process's id; default: `pid`. */
  readonly tgid?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** At most 15 bytes count. */
  readonly comm: string;
}

/** The idle task, when an event says nothing of its own. */
export const IDLE_TASK: Task = { pid: 0, tgid: 0, uid: 0, gid: 0, comm: "swapper/0" };

/** Records of a runtime's tasks: one per distinct task, kept as long as the runtime. */
export class TaskTable {
  readonly #memory: GuestMemory;
  readonly #heap: Heap;
  readonly #addresses = new Map<string, number>();

  constructor(memory: GuestMemory, heap: Heap) {
    this.#memory = memory;
    this.#heap = heap;
  }

  /** Address of the record of `task`. */
  addressOf(task: Task): number {
    const { pid, tgid = pid, uid = 0, gid = 0, comm } = task;
    const key = `${pid} ${tgid} ${uid} ${gid} ${comm}`;
    const known = this.#addresses.get(key);
    if (known !== undefined) return known;
    const address = this.#heap.allocate(TaskRecord.SIZE);
    this.#memory.store32(address + TaskRecord.PID, pid);
    this.#memory.store32(address + TaskRecord.TGID, tgid);
    this.#memory.store32(address + TaskRecord.UID, uid);
    this.#memory.store32(address + TaskRecord.GID, gid);
    this.#memory.write(
      address + TaskRecord.COMM,
      new TextEncoder().encode(comm).subarray(0, TaskRecord.COMM_SIZE - 1),
    );
    this.#addresses.set(key, address);
    return address;
  }

  /** The task whose record is at `address`. */
  at(address: number): Task {
    const memory = this.#memory;
    const comm = memory.read(address + TaskRecord.COMM, TaskRecord.COMM_SIZE);
    return {
      pid: memory.load32(address + TaskRecord.PID),
      tgid: memory.load32(address + TaskRecord.TGID),
      uid: memory.load32(address + TaskRecord.UID),
      gid: memory.load32(address + TaskRecord.GID),
      comm: new TextDecoder().decode(comm.subarray(0, comm.indexOf(0))),
    };
  }
}
