import type { List, Row, Version, World } from './world.ts';

/**
 * The view that one key has of a shared world: everything except what is hidden from it. A hidden row is gone
 * from its list, and GET does not know it; shown again, it has returned.
 */
export class Sight implements List {
  lastTotal: number | null = null;
  oldest = Infinity;
  readonly #world: World;
  readonly #hidden = new Set<string>();
  /** When a row was shown again, by its id. */
  readonly #shownSince = new Map<string, number>();
  #seen: { moment: number; order: readonly Version[]; rows: ReadonlyMap<string, Row> } | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  get moment(): number {
    return this.#world.moment;
  }

  get rows(): ReadonlyMap<string, Row> {
    return this.#look().rows;
  }

  inOrder(): readonly Version[] {
    return this.#look().order;
  }

  /** Returns the present: a shared world has no lagging replica, since it would depend on who saw what. */
  past(): { moment: number; order: readonly Version[] } {
    return { moment: this.moment, order: this.inOrder() };
  }

  hide(id: string): void {
    this.#hidden.add(id);
    this.#world.pass();
  }

  /** Shows `count` hidden rows again, the first hidden first. */
  show(count: number): void {
    for (const id of [...this.#hidden].slice(0, count)) {
      this.#hidden.delete(id);
      this.#world.pass();
      this.#shownSince.set(id, this.moment);
    }
  }

  #look() {
    if (this.#seen?.moment === this.moment) return this.#seen;
    const order = this.#world.inOrder().filter(({ id }) => !this.#hidden.has(id));
    const rows = new Map([...this.#world.rows.values()].map((row) => [row.id, this.#asSeen(row)]));
    return (this.#seen = { moment: this.moment, order, rows });
  }

  #asSeen(row: Row): Row {
    if (this.#hidden.has(row.id)) return { ...row, current: null };
    const since = this.#shownSince.get(row.id) ?? 0;
    if (since <= row.placedSince) return row;
    return {
      ...row,
      presentSince: Math.max(row.presentSince, since),
      placedSince: since,
      arrival: 'returned',
    };
  }
}
