// The Wasm side of `Mem`, the handle through which the portable sources (portable/) reach linear memory;
// src/memory.ts is the JavaScript side. Here the handle is no object at all: every method is inlined to the
// instruction it names, and the optimiser drops the parameter.

@global @unmanaged
class Mem {
  @inline load8(at: i32): i32 { return <i32>load<u8>(at); }
  @inline load16(at: i32): i32 { return <i32>load<u16>(at); }
  @inline load32(at: i32): i32 { return load<i32>(at); }
  @inline store8(at: i32, value: i32): void { store<u8>(at, <u8>value); }
  @inline store16(at: i32, value: i32): void { store<u16>(at, <u16>value); }
  @inline store32(at: i32, value: i32): void { store<i32>(at, value); }
  /** One store: what reads the whole word next would wait for two halves. */
  @inline store64(at: i32, low: i32, high: i32): void {
    store<u64>(at, (<u64>low & 0xffffffff) | (<u64>high << 32));
  }

  /** Unsigned product, comparison and remainder of 32 bits. */
  @inline mul(a: i32, b: i32): i32 { return a * b; }
  @inline below(a: i32, b: i32): bool { return <u32>a < <u32>b; }
  @inline rem(a: i32, b: i32): i32 { return <i32>(<u32>a % <u32>b); }

  copy(to: i32, from: i32, size: i32): void { copyBytes(to, from, size); }
  fill(at: i32, value: i32, size: i32): void { fillBytes(at, value, size); }
  equal(a: i32, b: i32, size: i32): bool { return equalBytes(a, b, size); }
}

/** The handle's only value. */
@global @inline
function mem(): Mem { return changetype<Mem>(0); }

/** Eight bytes at a time while short: a call of the engine's bulk copy costs more than the copy of a key. */
function copyBytes(to: usize, from: usize, size: i32): void {
  if (size > 128 || (to > from && to < from + <usize>size)) {
    memory.copy(to, from, size);
    return;
  }
  while (size >= 8) {
    store<u64>(to, load<u64>(from));
    to += 8;
    from += 8;
    size -= 8;
  }
  if (size >= 4) {
    store<u32>(to, load<u32>(from));
    to += 4;
    from += 4;
    size -= 4;
  }
  while (size > 0) {
    store<u8>(to++, load<u8>(from++));
    size--;
  }
}

/** As copyBytes: words while short. */
function fillBytes(at: usize, value: i32, size: i32): void {
  if (size > 128 || value != 0) {
    memory.fill(at, <u8>value, size);
    return;
  }
  while (size >= 8) {
    store<u64>(at, 0);
    at += 8;
    size -= 8;
  }
  while (size > 0) {
    store<u8>(at++, 0);
    size--;
  }
}

function equalBytes(a: usize, b: usize, size: i32): bool {
  while (size >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
    size -= 8;
  }
  if (size >= 4) {
    if (load<u32>(a) != load<u32>(b)) return false;
    a += 4;
    b += 4;
    size -= 4;
  }
  while (size > 0) {
    if (load<u8>(a++) != load<u8>(b++)) return false;
    size--;
  }
  return true;
}
