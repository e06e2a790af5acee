import type Database from 'better-sqlite3';
import { UsageError } from '../../model/errors.ts';
import type { SourceIdentity } from '../../model/run.ts';
import { assertSameList } from '../sql/same-list.ts';
import { prepare } from './statement.ts';

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
}

export function sourcesOf(db: Database.Database): Sources {
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
  };
}
