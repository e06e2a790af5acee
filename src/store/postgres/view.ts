import type { SourceIdentity } from '../../model/run.ts';
import type { OmittableField, Task } from '../../model/task.ts';
import type { Clock } from '../../model/clock.ts';
import type { Committed, ObservedSource, OpenTask, SourceState } from '../store.ts';
import { outOfRange } from './bounds.ts';
import { previewSql } from './commit-sql.ts';
import type { Database } from './connection.ts';
import { TASK_COLUMNS } from './columns.ts';
import { isOfValues } from './failure.ts';
import { IncomingTasks, numbersIn } from './incoming.ts';
import { readState } from './lease.ts';
import { decodeNul, encodeNul } from './nul.ts';
import { removableSql } from './shared-rows.ts';
import { LOOKED_AFTER_MS } from '../sql/looked-after.ts';
import { edgeOf, openTaskOf, type OpenTaskRow, openTasksSql, sharedRows } from './source-state.ts';
import { type StoredTask, toTask } from './stored-task.ts';
import { Sweep, unseenSql } from './sweep.ts';

export interface PostgresViewDeps {
  db: Database;
  /** The quoted name of the schema with a dot. */
  s: string;
  source: SourceIdentity['name'];
  omit: ReadonlySet<OmittableField>;
  clock: Clock;
}

interface PreviewRow {
  same: string | null;
  updated: string | null;
  /** JSON text. */
  unnoted: string | null;
}

/** A read-only view of one source's part of the mirror. A sweep's notes are in memory. */
export class PostgresView implements ObservedSource {
  protected readonly db: Database;
  protected readonly s: string;
  protected readonly source: string;
  protected readonly omit: ReadonlySet<OmittableField>;
  protected readonly clock: Clock;
  protected sweep: Sweep | null = null;
  /** Tasks of other sources that previews have shown: a run notes them at its end. */
  protected readonly shown = new Set<string>();

  constructor({ db, s, source, omit, clock }: PostgresViewDeps) {
    this.db = db;
    this.s = s;
    this.source = source;
    this.omit = omit;
    this.clock = clock;
  }

  async state(): Promise<SourceState> {
    return readState(this.db, this.s, this.source);
  }

  async preview(tasks: readonly Task[]): Promise<Committed> {
    const incoming = new IncomingTasks(this.omit);
    for (const [n, task] of tasks.entries()) if (outOfRange(task) === null) incoming.add(task, n);
    const row = await this.#previewRow(incoming);
    for (const id of JSON.parse(row?.unnoted ?? '[]') as string[]) this.shown.add(id);
    const same = new Set(incoming.placesOf(row?.same ?? null));
    const updated = new Set(incoming.placesOf(row?.updated ?? null));
    const idsOf = (wanted: (n: number) => boolean): string[] =>
      tasks.flatMap(({ id }, n) => (wanted(n) ? [id] : []));
    return {
      inserted: tasks.length - same.size - updated.size,
      updated: updated.size,
      unchanged: same.size,
      insertedIds: idsOf((n) => !same.has(n) && !updated.has(n)),
      updatedIds: idsOf((n) => updated.has(n)),
      healedIds: [],
      setAside: [],
    };
  }

  async countAbove(activity: number, atMost = Infinity): Promise<number> {
    const [row] = await this.db.query<{ count: number }>(
      `select count(*) as count from (
        select from ${this.s}tasks
        where source = $1 and removed_at is null and last_activity_at > $2::timestamptz
        union all
        select from ${sharedRows(this.s)} and t.last_activity_at > $2::timestamptz
        limit $3
      ) as above`,
      [
        this.source,
        activity === -Infinity ? '-infinity' : edgeOf(activity),
        Number.isFinite(atMost) ? atMost : null,
      ],
    );
    return row?.count ?? 0;
  }

  async openTasks(): Promise<OpenTask[]> {
    const rows = await this.db.query<OpenTaskRow>(openTasksSql(this.s), [this.source]);
    return rows.map(openTaskOf);
  }

  async tasks(ids: readonly string[]): Promise<Task[]> {
    if (ids.length === 0) return [];
    const rows = await this.db.query<StoredTask>(
      `select t.id, ${TASK_COLUMNS.map(({ name }) => `t.${name}`).join(', ')}
      from unnest($1::text[]) with ordinality as wanted (id, n) join ${this.s}tasks t on t.id = wanted.id
      order by n`,
      [ids.map(encodeNul)],
    );
    return rows.map(toTask);
  }

  async removable(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const rows = await this.db.query<{ id: string }>(removableSql(this.s), [
      this.source,
      ids.map(encodeNul),
      this.lookedAfterSince(),
    ]);
    return rows.map(({ id }) => decodeNul(id));
  }

  async beginSweep(): Promise<void> {
    this.sweep = new Sweep();
  }

  async markSeen(ids: readonly string[]): Promise<void> {
    const sweep = this.swept();
    if (ids.length === 0) return;
    const [row] = await this.db.query<{ met: string | null }>(
      `select string_agg(row_no::text, ',') as met from ${this.s}tasks where id = any ($1::text[])`,
      [ids.map(encodeNul)],
    );
    sweep.markRows(numbersIn(row?.met ?? null));
  }

  async countUnseen(): Promise<number> {
    const { bits, size } = this.swept();
    const [row] = await this.db.query<{ count: number }>(
      `select count(*) as count from (${this.#unseen()}) as unseen`,
      [this.source, size, bits],
    );
    return row?.count ?? 0;
  }

  async unseen(afterId: string, limit: number): Promise<string[]> {
    const { bits, size } = this.swept();
    const rows = await this.db.query<{ id: string }>(
      `select id from (${this.#unseen()}) as unseen where id > $4 order by id limit $5`,
      [this.source, size, bits, encodeNul(afterId), limit],
    );
    return rows.map(({ id }) => decodeNul(id));
  }

  async release(): Promise<void> {}

  /** Undefined if the engine cannot hold some of the tasks: a commit will say which. */
  async #previewRow(incoming: IncomingTasks): Promise<PreviewRow | undefined> {
    try {
      const [row] = await this.db.query<PreviewRow>(previewSql(this.s), [this.source, ...incoming.values()]);
      return row;
    } catch (error) {
      if (isOfValues(error)) return undefined;
      throw error;
    }
  }

  #unseen(): string {
    const isUnseen = unseenSql('$2', '$3');
    return `select t.id from ${this.s}tasks t where t.source = $1 and t.removed_at is null and ${isUnseen}
      union all
      select t.id from ${sharedRows(this.s)} and ${isUnseen}`;
  }

  /** UTC text: a source without a run since then takes over no task. */
  protected lookedAfterSince(): string {
    return new Date(this.clock.now() - LOOKED_AFTER_MS).toISOString();
  }

  /** Returns the sweep. Throws Error before one has begun. */
  protected swept(): Sweep {
    if (this.sweep === null) throw new Error('No sweep has begun.');
    return this.sweep;
  }
}
