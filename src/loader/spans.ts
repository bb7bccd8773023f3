// Records along a section, each from its offset on: finding the one at a place, and those of a stretch.

interface Placed {
  /** Bytes from the start of a section. */
  readonly offset: number;
}

/** How many of `sorted` (by offset, ascending) stand before `offset`. */
function countBefore(sorted: readonly Placed[], offset: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Placed).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last record of `sorted` (by offset, ascending) that stands at `offset` or before. */
export function recordAt<T extends Placed>(sorted: readonly T[], offset: number): T | undefined {
  return sorted[countBefore(sorted, offset + 1) - 1];
}

/** The records of `sorted` (by offset, ascending) from `start` on, up to and without `end`. */
export function recordsWithin<T extends Placed>(sorted: readonly T[], start: number, end: number): T[] {
  return sorted.slice(countBefore(sorted, start), countBefore(sorted, end));
}

/** The records sorted by offset; of several at one place the last. */
export function sortRecords<T extends Placed>(records: readonly T[]): T[] {
  const byOffset = new Map(records.map((record) => [record.offset, record]));
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
}
