// What callers hand in may be a subclass of Uint8Array with other habits: Node's Buffer shares memory on `slice`.

/** The same bytes, not copied, as a plain Uint8Array. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
