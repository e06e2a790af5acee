import type { Feed, FeedQuestion, FieldChange, TaskChange } from '../../src/store/feed.ts';
import type { Cell } from '../../src/store/queryable.ts';

interface Row {
  values: Record<string, Cell>;
  lines: FieldChange[];
}

/** A feed whose changes a test makes. It counts how often it was read. */
export class MemoryFeed implements Feed {
  reads = 0;
  #seq = 0;
  readonly #rows = new Map<string, Row>();
  #waiting: (() => void)[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds a task, or changes the fields of one that is there. Returns the number of the change. */
  put(id: string, fields: Record<string, Cell>): number {
    this.#seq += 1;
    const [seq, observedAt] = [this.#seq, new Date(this.#now()).toISOString()];
    const row = this.#rows.get(id);
    if (row === undefined) {
      const values = { id, source: 'team', removed_at: null, error: null, error_group: null, ...fields };
      this.#rows.set(id, {
        values: { ...values, first_seen_at: observedAt, seq, added_seq: seq },
        lines: [],
      });
    } else {
      for (const [field, value] of Object.entries(fields)) {
        if (row.values[field] === value || field === 'error_group') continue;
        const [oldValue, newValue] = [textOf(row.values[field] ?? null), textOf(value)];
        row.lines.push({ seq, field, oldValue, newValue, observedAt });
      }
      Object.assign(row.values, fields, { seq });
    }
    for (const wake of this.#waiting.splice(0)) wake();
    return seq;
  }

  async head(): Promise<number> {
    return this.#seq;
  }

  read: Feed['read'] = async ({ since, after = since, limit, sources = [] }) => {
    this.reads += 1;
    return [...this.#rows.values()]
      .filter(({ values }) => Number(values['seq']) > after)
      .filter(({ values }) => sources.length === 0 || sources.includes(String(values['source'])))
      .toSorted((a, b) => Number(a.values['seq']) - Number(b.values['seq']))
      .slice(0, limit)
      .map((row) => changeOf(row, since));
  };

  async *pages(question: FeedQuestion): AsyncGenerator<TaskChange[], void> {
    const page = await this.read(question);
    if (page.length > 0) yield page;
  }

  changed: Feed['changed'] = async (seq, signal) => {
    if (seq !== this.#seq) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
  };

  async close(): Promise<void> {}
}

function changeOf({ values, lines }: Row, since: number): TaskChange {
  const changes = lines.filter(({ seq }) => seq > since);
  const last = lines.at(-1);
  const removal = changes.findLast(({ field }) => field === 'removed_at');
  return {
    seq: Number(values['seq']),
    source: String(values['source']),
    taskId: String(values['id']),
    event:
      Number(values['added_seq']) > since
        ? 'added'
        : removal === undefined
          ? 'changed'
          : removal.newValue === null
            ? 'returned'
            : 'removed',
    observedAt: last?.observedAt ?? String(values['first_seen_at']),
    changes,
    task: { ...values },
  };
}

function textOf(value: Cell): string | null {
  return value === null ? null : String(value);
}
