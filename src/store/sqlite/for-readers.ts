import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { withFile } from './failure.ts';
import { READER_INDEXES } from './reader-indexes.ts';
import { createSearchIndex, dropSearchIndex, growSearchIndex, searchIndexState } from './search-index.ts';

/** The mirror, the readers' needs, and a way to write them. */
export interface ForReaders {
  db: Database.Database;
  /** Whether the mirror is to have a full text index. */
  searchIndex: boolean;
  /** Runs a step in a transaction of its own, under the lease. */
  write: (step: () => void) => void;
}

/**
 * Makes what only readers need, step by step, so that a signal, a timer or another process gets its turn in
 * between. The file itself records where a step ends: the next run continues there.
 */
export async function makeForReaders(parts: ForReaders, signal: AbortSignal): Promise<void> {
  const isDone = (): boolean => withFile(parts.db.name, () => isMadeForReaders(parts));
  while (!signal.aborted && !isDone()) {
    // Chosen again under the lock: another source's run may have taken this step meanwhile.
    parts.write(() => nextStep(parts)?.());
    await setImmediate();
  }
}

/** Returns whether `makeForReaders` has nothing left to do. */
export function isMadeForReaders(parts: ForReaders): boolean {
  return nextStep(parts) === null;
}

/** Drops all of it; the next run that completes makes it again. Call inside a transaction. */
export function dropForReaders(db: Database.Database): void {
  for (const { name } of READER_INDEXES) db.exec(`drop index if exists ${name}`);
  dropSearchIndex(db);
}

/** Returns null if nothing is left to do. */
function nextStep({ db, searchIndex }: ForReaders): (() => void) | null {
  const names = new Set(
    db.prepare<[], string>("select name from sqlite_schema where type = 'index'").pluck().all(),
  );
  const missing = READER_INDEXES.find(({ name }) => !names.has(name));
  if (missing !== undefined) return () => db.exec(missing.create);
  if (!searchIndex) return null;
  const state = searchIndexState(db);
  if (state === 'none') return () => createSearchIndex(db);
  return state === 'building' ? () => growSearchIndex(db) : null;
}
