import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { withFile } from './failure.ts';
import { READER_INDEXES } from './reader-indexes.ts';
import { createSearchIndex, dropSearchIndex, growSearchIndex, searchIndexState } from './search-index.ts';

/** What only readers need, and how to write it. */
export interface ForReaders {
  db: Database.Database;
  /** Whether there is to be a full text index. */
  searchIndex: boolean;
  /** Runs a step in a transaction of its own, under the lease. */
  write: (step: () => void) => void;
}

/**
 * Makes what only readers need, step by step, so that a signal, a timer or another process gets its turn in between.
 * Where a step leaves off is in the file itself: whoever comes next goes on there.
 */
export async function makeForReaders(parts: ForReaders, signal: AbortSignal): Promise<void> {
  const isDone = (): boolean => withFile(parts.db.name, () => isMadeForReaders(parts));
  while (!signal.aborted && !isDone()) {
    // Chosen anew under the lock: another source's run may have taken this step meanwhile.
    parts.write(() => nextStep(parts)?.());
    await setImmediate();
  }
}

/** Whether `makeForReaders` has nothing left to do. */
export function isMadeForReaders(parts: ForReaders): boolean {
  return nextStep(parts) === null;
}

/** Drops all of that again: the next run that comes to its end makes it anew. To be used inside a transaction. */
export function dropForReaders(db: Database.Database): void {
  for (const { name } of READER_INDEXES) db.exec(`drop index if exists ${name}`);
  dropSearchIndex(db);
}

/** Null where nothing is left to do. */
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
