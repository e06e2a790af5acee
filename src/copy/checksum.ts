import { hash } from 'node:crypto';
import type { CopyRow } from '../store/copyable.ts';

/** Numbers of 32 bits that the checksum of a table is made of. */
const LANES = 4;
const MODULUS = 2 ** 32;

/** What two tables have in common if they hold the same rows. */
export interface TableSum {
  rows: number;
  /** 32 hexadecimal digits. */
  checksum: string;
}

/**
 * The checksum of a table: the sum of the hashes of its rows, so that their order does not matter. A row is
 * hashed as the JSON text of its cells, whatever engine holds it.
 */
export class Checksum {
  #rows = 0;
  readonly #lanes = Array.from({ length: LANES }, () => 0);

  add(rows: readonly CopyRow[]): void {
    this.#rows += rows.length;
    for (const row of rows) {
      const digest = hash('sha256', JSON.stringify(row), 'buffer');
      for (let lane = 0; lane < LANES; lane += 1) {
        this.#lanes[lane] = ((this.#lanes[lane] ?? 0) + digest.readUInt32BE(4 * lane)) % MODULUS;
      }
    }
  }

  get rows(): number {
    return this.#rows;
  }

  get sum(): TableSum {
    const checksum = this.#lanes.map((lane) => lane.toString(16).padStart(8, '0')).join('');
    return { rows: this.#rows, checksum };
  }
}
