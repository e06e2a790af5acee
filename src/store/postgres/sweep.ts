/**
 * The rows that a full walk has seen: a bit for each row number, so that a million rows take 125 KB, and
 * nothing is written.
 */
export class Sweep {
  #bits = new Uint8Array(1_024);
  readonly rejectedKeys = new Set<string>();

  markRows(rowNumbers: Iterable<number>): void {
    for (const number of rowNumbers) {
      const at = Math.floor(number / 8);
      if (at >= this.#bits.length) {
        const larger = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
        larger.set(this.#bits);
        this.#bits = larger;
      }
      this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (number % 8));
    }
  }

  /** The bits as `get_bit` of a bytea numbers them: from the right within a byte. */
  get bits(): Buffer {
    return Buffer.from(this.#bits.buffer, 0, this.#bits.length);
  }

  get size(): number {
    return this.#bits.length * 8;
  }
}

/** Returns SQL for whether the row `t` was not seen; placeholders of the size and the bits. */
export function unseenSql(size: string, bits: string): string {
  return `(t.row_no >= ${size}::bigint or get_bit(${bits}::bytea, t.row_no) = 0)`;
}
