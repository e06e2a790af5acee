import { hash } from 'node:crypto';
import type { Kind } from '../../model/fields.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import { JOURNALED } from '../sql/columns.ts';
import { TASK_COLUMNS } from './columns.ts';
import { encodeNul } from './nul.ts';

/** Object ids of the types of columns.ts: the same in every database (pg_type.dat of PostgreSQL). */
const TYPE_IDS: Readonly<Record<Kind, number>> = {
  id: 25,
  status: 25,
  text: 25,
  time: 1184,
  boolean: 16,
  count: 20,
  json: 114,
  extra: 114,
};

/** PostgreSQL counts time from here, in us. */
const FIRST_MS = Date.parse('2000-01-01T00:00:00Z');
const HIGH = 2 ** 32;
/** Most bytes of a value that is no text, with its type and length, and of a row's beginning. */
const ROOM = 32;

/**
 * Returns SQL for the SHA-256, in hex, of all that a row holds of a task but its id. It is that of the row's binary
 * form (record_send): the number of values, then the type, the length and the bytes of each. So no two
 * different rows have the same form, and it depends on no setting of the session.
 */
export function digestSql(row: string): string {
  return `encode(sha256(record_send(row(${TASK_COLUMNS.map(({ name }) => `${row}.${name}`).join(', ')}))), 'hex')`;
}

/** Returns what {@link digestSql} is for the rows that would hold these tasks without the fields in `omit`. */
export function digestsOf(tasks: readonly Task[], omit: ReadonlySet<OmittableField>): string[] {
  const row = new BinaryRow();
  return tasks.map((task) => {
    row.begin(JOURNALED.length);
    for (const { name, kind } of JOURNALED)
      row.add(TYPE_IDS[kind], kind, omit.has(name as OmittableField) ? null : task[name]);
    return row.digest();
  });
}

/** Writes rows as record_send does, one after the other into the same memory. */
class BinaryRow {
  #bytes = Buffer.allocUnsafe(16_384);
  #view = viewOf(this.#bytes);
  #length = 0;

  begin(values: number): void {
    this.#view.setInt32(0, values);
    this.#length = 4;
  }

  add(type: number, kind: Kind, value: string | number | boolean | null): void {
    this.#reserve(ROOM);
    this.#view.setInt32(this.#length, type);
    this.#length += 4;
    if (value === null) this.#addLength(-1);
    else if (typeof value === 'boolean') this.#addByte(value ? 1 : 0);
    else if (typeof value === 'number') this.#addLong(value);
    else if (kind === 'time') this.#addLong((Date.parse(value) - FIRST_MS) * 1_000);
    else this.#addText(encodeNul(value));
  }

  digest(): string {
    return hash('sha256', this.#bytes.subarray(0, this.#length));
  }

  #addLength(length: number): void {
    this.#view.setInt32(this.#length, length);
    this.#length += 4;
  }

  #addByte(value: number): void {
    this.#addLength(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  /** Rounds above 2^53: such a row then counts as one that differs. */
  #addLong(value: number): void {
    this.#addLength(8);
    const high = Math.floor(value / HIGH);
    this.#view.setInt32(this.#length, high);
    this.#view.setUint32(this.#length + 4, value - high * HIGH);
    this.#length += 8;
  }

  #addText(text: string): void {
    // A unit of UTF-16 takes three bytes at most.
    this.#reserve(text.length * 3 + ROOM);
    const bytes = this.#bytes.write(text, this.#length + 4);
    this.#addLength(bytes);
    this.#length += bytes;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + bytes));
    this.#bytes.copy(larger);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
