// The task an event happened in: what bpf_get_current_* give. Its record in linear memory is TaskRecord.

import { TaskRecord } from "../assembly/shared/layout.ts";
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

/** A task as a trace tells of it: its name may be bytes, which the kernel cuts without regard to UTF-8. */
export interface TracedTask extends Omit<Task, "comm"> {
  readonly comm: string | Uint8Array;
}

/** The idle task, when an event says nothing of its own. */
export const IDLE_TASK: Task = { pid: 0, comm: "swapper/0" };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes the record of `task` at `at`. */
export function writeTask(memory: GuestMemory, at: number, task: TracedTask): void {
  const { pid, tgid = pid, uid = 0, gid = 0, comm } = task;
  memory.store32(at + TaskRecord.PID, pid);
  memory.store32(at + TaskRecord.TGID, tgid);
  memory.store32(at + TaskRecord.UID, uid);
  memory.store32(at + TaskRecord.GID, gid);
  memory.fill(at + TaskRecord.COMM, 0, TaskRecord.COMM_SIZE);
  const name = typeof comm === "string" ? encoder.encode(comm) : comm;
  memory.write(at + TaskRecord.COMM, name.subarray(0, TaskRecord.COMM_SIZE - 1));
}

/** The task whose record is at `at`. */
export function readTask(memory: GuestMemory, at: number): Task {
  const comm = memory.read(at + TaskRecord.COMM, TaskRecord.COMM_SIZE);
  return {
    pid: memory.load32(at + TaskRecord.PID),
    tgid: memory.load32(at + TaskRecord.TGID),
    uid: memory.load32(at + TaskRecord.UID),
    gid: memory.load32(at + TaskRecord.GID),
    comm: decoder.decode(comm.subarray(0, comm.indexOf(0))),
  };
}

/** What tells two tasks apart. */
export function taskKey({ pid, tgid = pid, uid = 0, gid = 0, comm }: TracedTask): string {
  return `${pid} ${tgid} ${uid} ${gid} ${typeof comm === "string" ? comm : `\0${comm.join()}`}`;
}
