import type { Column } from './columns.ts';
import { encodeNul } from './nul.ts';

/** Object ids of the types, the same in every database (pg_type.dat of PostgreSQL). */
const TYPE_IDS: Readonly<Record<Column['type'], number>> = {
  boolean: 16,
  bigint: 20,
  text: 25,
  json: 114,
  'timestamptz(3)': 1184,
};

/** A value as a task has it: times are UTC text, JSON is text. */
export type Value = string | number | boolean | null;

/** PostgreSQL counts time from here, in us. */
const FIRST_MS = Date.parse('2000-01-01T00:00:00Z');
const HIGH = 2 ** 32;
/** Most bytes that are written at once, texts aside. */
const ROOM = 32;
/** From this length on it is worth while to look how many bytes a text takes. */
const LONG_TEXT = 1_000;

/** Bytes in PostgreSQL's binary format, in memory that grows. */
class Bytes {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, until more is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Adds four bytes, and makes room for a value after them, unless it is text. */
  addInt(value: number): void {
    this.#reserve(ROOM);
    this.#view.setInt32(this.#length, value);
    this.#length += 4;
  }

  setInt(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  /**
   * Adds a value with its length before it. Throws RangeError for a time that cannot be read, and for a number that
   * is not whole.
   */
  addValue(type: Column['type'], value: Value): void {
    if (value === null) this.addInt(-1);
    else if (typeof value === 'boolean') this.#addByte(value ? 1 : 0);
    else if (typeof value === 'number') this.#addLong(value, 1);
    else if (type === 'timestamptz(3)') this.#addLong(Date.parse(value) - FIRST_MS, 1_000);
    else this.#addText(encodeNul(value));
  }

  #addByte(value: number): void {
    this.addInt(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  #addLong(value: number, factor: number): void {
    this.addInt(8);
    const product = value * factor;
    if (Number.isSafeInteger(product)) {
      const high = Math.floor(product / HIGH);
      this.#view.setInt32(this.#length, high);
      this.#view.setUint32(this.#length + 4, product - high * HIGH);
    } else this.#view.setBigInt64(this.#length, BigInt(value) * BigInt(factor));
    this.#length += 8;
  }

  #addText(text: string): void {
    // A unit of UTF-16 takes three bytes at most.
    this.#reserve((text.length < LONG_TEXT ? text.length * 3 : Buffer.byteLength(text)) + ROOM);
    const bytes = this.#bytes.write(text, this.#length + 4);
    this.addInt(bytes);
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

/** Writes one row after the other as record_send does: the number of values, then type, length and bytes of each. */
export class BinaryRow {
  readonly #bytes = new Bytes(16_384);

  begin(values: number): void {
    this.#bytes.clear();
    this.#bytes.addInt(values);
  }

  add(type: Column['type'], value: Value): void {
    this.#bytes.addInt(TYPE_IDS[type]);
    this.#bytes.addValue(type, value);
  }

  /** The row, until the next one begins. */
  get written(): Buffer {
    return this.#bytes.written;
  }
}

/** Where an array's header, five integers, has the number of its elements. */
const COUNT_AT = 12;

/** An array of one column's values as array_recv takes it. JSON goes as text. */
export class BinaryArray {
  readonly #type: Column['type'];
  readonly #bytes = new Bytes(1_024);
  #count = 0;

  constructor(type: Column['type']) {
    this.#type = type;
    // One dimension, perhaps with nulls, of this type, whose first element is number 1.
    for (const part of [1, 1, TYPE_IDS[type === 'json' ? 'text' : type], 0, 1]) this.#bytes.addInt(part);
  }

  get length(): number {
    return this.#bytes.length;
  }

  add(value: Value): void {
    this.#bytes.addValue(this.#type, value);
    this.#count += 1;
  }

  /** The array so far, until more is added. */
  get written(): Buffer {
    this.#bytes.setInt(COUNT_AT, this.#count);
    return this.#bytes.written;
  }
}
