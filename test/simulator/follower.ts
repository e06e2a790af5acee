import { createRandom, type Random } from '../../src/source/simulated/random.ts';
import type { Finding } from './invariants.ts';
import { taskKey } from './keys.ts';
import type { Inspector, Row } from './place.ts';

/** Most tasks of a page: pages end between any two changes. */
const MOST_A_PAGE = 4;
/** Of three commits, one is followed by a look. */
const LOOKS = 1 / 3;

/**
 * A program that copies the mirror by its feed, page by page at random moments, with nothing in mind but the
 * last number that it has read: so it may as well be another one after each page.
 */
export class Follower {
  readonly #inspector: Inspector;
  readonly #random: Random;
  readonly #copies = new Map<string, string>();
  #cursor = 0;

  constructor(inspector: Inspector, seed: number) {
    this.#inspector = inspector;
    this.#random = createRandom(seed);
  }

  /** Reads a few pages now and then. Returns what is wrong with the copy then, among what was read. */
  async look(): Promise<Finding[]> {
    if (!this.#random.chance(LOOKS)) return [];
    return this.#check(await this.#read(this.#random.int(1, 3)));
  }

  /** Reads to the end. Returns what is wrong with the copy then. */
  async catchUp(): Promise<Finding[]> {
    const found = await this.#read(Infinity);
    const rows = await this.#inspector.rows();
    const left = rows.filter(({ seq }) => seq > this.#cursor);
    return [
      ...(await this.#check(found, rows)),
      ...left.map(({ task, seq }) =>
        finding(`${task.id} has the number ${seq}, and the feed does not tell it`),
      ),
    ];
  }

  /** Reads pages until there are no more. */
  async #read(pages: number): Promise<Finding[]> {
    for (let page = 1; page <= pages; page += 1) {
      const changes = await this.#inspector.changes(this.#cursor, this.#random.int(1, MOST_A_PAGE));
      if (changes.length === 0) break;
      for (const row of changes) {
        if (row.seq <= this.#cursor) return [finding(`the feed tells ${row.seq} after ${this.#cursor}`)];
        this.#cursor = row.seq;
        this.#copies.set(row.task.id, copyOf(row));
      }
    }
    return [];
  }

  async #check(found: readonly Finding[], rows?: readonly Row[]): Promise<Finding[]> {
    const told = (rows ?? (await this.#inspector.rows())).filter(({ seq }) => seq <= this.#cursor);
    const wrong = told.filter((row) => this.#copies.get(row.task.id) !== copyOf(row));
    return [
      ...found,
      ...wrong.map(({ task, seq }) =>
        finding(
          `${task.id} (number ${seq}) is not as who has read up to ${this.#cursor} has it: ` +
            (this.#copies.has(task.id) ? 'an old version' : 'missing'),
        ),
      ),
    ];
  }
}

const copyOf = ({ task, source, isLive }: Row): string => [source, isLive, taskKey(task)].join(' ');

const finding = (what: string): Finding => ({ what, excuse: null });
