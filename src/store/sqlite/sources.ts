import type Database from 'better-sqlite3';
import { isLoopback } from '../../model/base-url.ts';
import { UsageError } from '../../model/errors.ts';
import type { SourceIdentity } from '../../model/run.ts';
import type { Forgotten } from '../store.ts';
import { prepareQueries } from './queries.ts';
import { rowsOf } from './rows.ts';
import { prepare } from './statement.ts';
import type { Upserter } from './upsert.ts';

/** Most tasks that are handed over or removed at a time. */
const BATCH = 500;

/** Every table whose rows belong to a source, by its column `source`. */
const OWNED = ['gaps', 'tasks', 'rejected_rows', 'also_shown', 'sync_runs'] as const;

/** The names that the mirror knows, and their base URLs. Call everything that writes inside a transaction. */
export interface Sources {
  /** Returns whether the mirror knows the source. Throws UsageError if the name has another base URL. */
  knows(source: SourceIdentity): boolean;
  /** Registers a new source, and a loopback API's new port. `now` is UTC text. Throws as `knows` does. */
  register(source: SourceIdentity, now: string): void;
  /** Throws UsageError if the mirror has no source of this name. */
  assertKnown(name: string): void;
  /** Throws UsageError if the new name is taken. */
  rename(name: string, to: string): void;
  move(name: string, baseUrl: string): void;
  /** Throws UsageError if it holds live tasks, unless they may be removed. `now` is UTC text. */
  forget(name: string, options: { removeTasks: boolean; now: string }): Forgotten;
}

export function sourcesOf(db: Database.Database, upserter: Upserter): Sources {
  const baseUrlOf = (name: string): string | undefined =>
    prepare<{ name: string }, { base_url: string }>(db, (q, p) =>
      q.selectFrom('sources').select('base_url').where('name', '=', p('name')),
    ).get({ name })?.base_url;
  const namesOf = (): string[] =>
    prepare<object, { name: string }>(db, (q) => q.selectFrom('sources').select('name').orderBy('name'))
      .all({})
      .map(({ name }) => name);
  const knownUrlOf = (source: SourceIdentity): string | undefined => {
    const known = baseUrlOf(source.name);
    if (known !== undefined) assertSameList(source, known);
    return known;
  };
  const move = (name: string, baseUrl: string): void => {
    prepare<{ name: string; to: string }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ base_url: p('to') })
        .where('name', '=', p('name'))
        .where('base_url', '<>', p('to')),
    ).run({ name, to: baseUrl });
  };

  return {
    knows: (source) => knownUrlOf(source) !== undefined,

    register(source, now) {
      const { name, baseUrl } = source;
      const known = knownUrlOf(source);
      if (known === baseUrl) return;
      if (known !== undefined) return move(name, baseUrl);
      prepare<{ name: string; base_url: string; now: string }, never>(db, (q, p) =>
        q.insertInto('sources').values({ name: p('name'), base_url: p('base_url'), registered_at: p('now') }),
      ).run({ name, base_url: baseUrl, now });
    },

    assertKnown(name) {
      if (baseUrlOf(name) !== undefined) return;
      throw new UsageError(
        'source_unknown',
        { source: name, known: namesOf() },
        `the mirror has no source "${name}"`,
      );
    },

    rename(name, to) {
      if (baseUrlOf(to) !== undefined)
        throw new UsageError('source_exists', { source: to }, `the mirror already has a source "${to}"`);
      // The commit checks references, after the name has changed in all tables.
      db.pragma('defer_foreign_keys = on');
      db.prepare('update sources set name = :to where name = :name').run({ name, to });
      for (const table of OWNED) {
        db.prepare(`update ${table} set source = :to where source = :name`).run({ name, to });
      }
    },

    move,

    forget(name, { removeTasks, now }) {
      const live = liveTasksOf(db, name);
      if (live > 0 && !removeTasks) {
        throw new UsageError(
          'source_has_tasks',
          { source: name, live },
          `source "${name}" still holds ${live} live tasks; nothing was changed`,
        );
      }
      const removed = giveUp(db, upserter, { name, now });
      for (const table of ['gaps', 'rejected_rows', 'also_shown', 'sync_runs'] as const) {
        db.prepare(`delete from ${table} where source = ?`).run(name);
      }
      const kept = db
        .prepare<[string], number>('select count(*) from tasks where source = ?')
        .pluck()
        .get(name);
      // Removed tasks refer to it: it stays, as if it had never been read.
      db.prepare(
        kept === 0
          ? 'delete from sources where name = ?'
          : `update sources set watermark = null, api_total = null, learned_overlap_ms = 0, total_surplus = null
             where name = ?`,
      ).run(name);
      return { removed, handedOver: live - removed, kept: kept ?? 0 };
    },
  };
}

/** Hands over the source's live tasks or marks them as removed; returns how many were removed. */
function giveUp(
  db: Database.Database,
  upserter: Upserter,
  { name, now }: { name: string; now: string },
): number {
  const rows = rowsOf(db, name, { held: prepareQueries(db), upserter });
  const some = db
    .prepare<[string], string>(`select id from tasks where source = ? and removed_at is null limit ${BATCH}`)
    .pluck();
  let removed = 0;
  for (let ids = some.all(name); ids.length > 0; ids = some.all(name)) removed += rows.remove(ids, now);
  return removed;
}

function liveTasksOf(db: Database.Database, name: string): number {
  const count = db
    .prepare<[string], number>('select count(*) from tasks where source = ? and removed_at is null')
    .pluck();
  return count.get(name) ?? 0;
}

/**
 * Allows a local simulated API a new port, as each start picks one; other new addresses are rather mistakes.
 */
function assertSameList({ name, baseUrl }: SourceIdentity, known: string): void {
  if (known === baseUrl || (isLocal(known) && isLocal(baseUrl))) return;
  throw new UsageError(
    'source_elsewhere',
    { source: name, known, given: baseUrl },
    `source "${name}" of this mirror is a copy of ${known}, but the settings say ${baseUrl}`,
  );
}

function isLocal(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}
