// Lines of a stream of bytes. Only a newline ends one: JSON text may hold the other characters that Unicode, and with it
// node:readline, takes for line ends.

const NEWLINE = 10;

/** A line that has not ended yet. */
class OpenLine {
  readonly #limit: number;
  readonly #decoder = new TextDecoder();
  #text = "";
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Of a line that is too long nothing is kept. */
  add(piece: Uint8Array): void {
    this.#size += piece.length;
    this.#text = this.#size > this.#limit ? "" : this.#text + this.#decoder.decode(piece, { stream: true });
  }

  /** Ends the line; gives its text, or undefined when it is too long. */
  take(): string | undefined {
    const text = this.#text + this.#decoder.decode();
    const isTooLong = this.#size > this.#limit;
    this.#text = "";
    this.#size = 0;
    return isTooLong ? undefined : text;
  }
}

/**
 * The lines of some UTF-8 text, without their newlines, whatever the chunks that it comes in; undefined for each
 * that is longer than `limit` bytes. The last one needs no newline.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<string | undefined, void, undefined> {
  const line = new OpenLine(limit);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      line.add(chunk.subarray(start, end));
      yield line.take();
      start = end + 1;
    }
    line.add(chunk.subarray(start));
  }
  if (!line.isEmpty) yield line.take();
}
