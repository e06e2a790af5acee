import type Database from 'better-sqlite3';
import { prepare } from './statement.ts';

/** The mirror's counter of changes, within one transaction. */
export interface Counter {
  /** The number of the last change; a change takes the next one. */
  seq: number;
}

/**
 * Returns a way to run work that takes numbers. The counter is read before it and written once after it, if
 * it moved. Call inside a transaction: SQLite has one writer, so numbers become visible in their order.
 */
export function prepareNumbered(db: Database.Database): <T>(work: (counter: Counter) => T) => T {
  const read = prepare<object, Counter>(db, (q) => q.selectFrom('feed_state').select('seq'));
  const write = prepare<Counter, never>(db, (q, p) => q.updateTable('feed_state').set({ seq: p('seq') }));
  return (work) => {
    const counter = read.get({});
    if (counter === undefined) throw new Error('The mirror has lost its counter of changes.');
    const { seq } = counter;
    const done = work(counter);
    if (counter.seq > seq) write.run(counter);
    return done;
  };
}
