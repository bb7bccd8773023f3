// How the verifier's parts say no: a Rejection goes up to verify(), which makes the error that users see of it.

export const EPERM = 1;
export const ENOENT = 2;
export const E2BIG = 7;
export const EBADF = 9;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EINVAL = 22;
export const EPROTO = 71;
export const EOPNOTSUPP = 95;
export const ENOTSUPP = 524;

/** The lines that explain a verdict, in the kernel's words. */
export class Rejection extends Error {
  /** The instruction; -1 where it is about the whole program. */
  readonly slot: number;
  readonly errno: number;

  constructor(slot: number, errno: number, message: string) {
    super(message);
    this.slot = slot;
    this.errno = errno;
  }
}

/** Ends the verification. `message` may have several lines. */
export function reject(slot: number, errno: number, message: string): never {
  throw new Rejection(slot, Math.abs(errno), message);
}
