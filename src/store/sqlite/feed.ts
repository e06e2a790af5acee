import type Database from 'better-sqlite3';
import type { Clock } from '../../model/clock.ts';
import type { Feed, FeedQuestion, TaskChange } from '../feed.ts';
import type { Cell } from '../queryable.ts';
import { CHARACTERS_A_PAGE, type ChangeLine, TASKS_A_PAGE, taskChangeOf } from '../sql/task-change.ts';
import { explain } from './failure.ts';
import { assertInPlace, identityOf } from './file.ts';
import { openReadOnly } from './readonly.ts';

/** Time in ms between two looks at the file: each asks SQLite for a counter in shared memory. */
const LOOK_MS = 400;

type Row = Readonly<Record<string, Cell>>;

/** Opens the changes of a mirror, on a connection that only reads. Throws as a reader does. */
export async function openFeed(file: string, clock: Clock): Promise<Feed> {
  return new SqliteFeed(openReadOnly(file), clock);
}

class SqliteFeed implements Feed {
  readonly #db: Database.Database;
  readonly #clock: Clock;
  readonly #file: string | null;
  readonly #statements: ReturnType<typeof prepareAll>;
  /** The file's version at the last look (sqlite.org/pragma.html#pragma_data_version). */
  #version = -1;
  /** The number of the last change at that look. */
  #latest = 0;

  constructor(db: Database.Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#file = identityOf(db.name);
    this.#statements = prepareAll(db);
  }

  async head(): Promise<number> {
    return this.#reading(() => this.#head());
  }

  async read(question: FeedQuestion): Promise<TaskChange[]> {
    const read = this.#db.transaction(() => this.#page(question));
    return this.#reading(() => read.deferred());
  }

  async *pages(question: FeedQuestion): AsyncGenerator<TaskChange[], void> {
    const db = this.#db;
    let { after = question.since, limit } = question;
    this.#reading(() => db.exec('begin'));
    try {
      while (limit > 0) {
        const asked = { ...question, after, limit: Math.min(limit, TASKS_A_PAGE) };
        const page = this.#reading(() => this.#page(asked));
        const last = page.at(-1);
        if (last === undefined) return;
        ({ seq: after } = last);
        limit -= page.length;
        yield page;
      }
    } finally {
      // The feed may have been closed meanwhile.
      if (db.open && db.inTransaction) db.exec('rollback');
    }
  }

  async changed(seq: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#reading(() => this.#latestNow()) === seq) {
      await this.#clock.sleep(LOOK_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #head(): number {
    return this.#statements.head.get() ?? 0;
  }

  /** Returns the number of the last change, and reads it only if something was written. */
  #latestNow(): number {
    assertInPlace(this.#db.name, this.#file, 'while it was followed');
    const version = Number(this.#db.pragma('data_version', { simple: true }));
    if (version !== this.#version) [this.#version, this.#latest] = [version, this.#head()];
    return this.#latest;
  }

  #page({ since, after = since, limit, status, sources = [] }: FeedQuestion): TaskChange[] {
    const rows: Row[] = [];
    const wanted = {
      after,
      limit,
      status: status ?? null,
      sources: sources.length === 0 ? null : JSON.stringify(sources),
    };
    let characters = 0;
    for (const row of this.#statements.tasks.iterate(wanted)) {
      rows.push(row);
      characters += lengthOf(row);
      if (characters >= CHARACTERS_A_PAGE) break;
    }
    const ids = JSON.stringify(rows.map((row) => row['id']));
    const lines = Map.groupBy(this.#statements.lines.all({ ids, since }), ({ task_id }) => task_id);
    return rows.map((row) => taskChangeOf(row, lines.get(String(row['id'])) ?? [], since));
  }

  #reading<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.#db.name);
    }
  }
}

function prepareAll(db: Database.Database) {
  return {
    head: db.prepare<[], number>('select seq from feed_state').pluck(),
    // One statement for every filter: with a status as a term, SQLite might prefer another index and sort.
    tasks: db
      .prepare<[{ after: number; limit: number; status: string | null; sources: string | null }], Row>(
        `select * from tasks indexed by tasks_by_seq
         where seq > @after and (@status is null or status = @status)
           and (@sources is null or source in (select value from json_each(@sources)))
         order by seq limit @limit`,
      )
      .safeIntegers(true),
    lines: db.prepare<[{ ids: string; since: number }], ChangeLine>(
      `select c.task_id, c.field, c.old_value, c.new_value, c.observed_at, c.seq
       from json_each(@ids) as met cross join task_changes c on c.task_id = met.value
       where c.seq > @since order by c.seq, c.rowid`,
    ),
  };
}

function lengthOf(row: Row): number {
  return Object.values(row).reduce<number>(
    (sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0),
    0,
  );
}
