import type { Dialect } from '../../reportable.ts';
import { measurePieces } from './pieces.ts';

/** The dialect of SQLite. */
export const SQLITE: Dialect = {
  percentile: (column, percent) => `cast(round(percentile(${column}, ${percent})) as integer)`,
  msBetween: (from, to) => `cast(round((julianday(${to}) - julianday(${from})) * 86400000) as integer)`,
  tasks: 'tasks',
  // The id follows the time, which has 24 characters.
  lastCreatedId: 'substr(max(created_at || id), 25)',
  // Without statistics SQLite would take an index of all tasks.
  openTasks: 'tasks indexed by tasks_open',
  // sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
  unsearched: '+',
  rowKey: 'rowid',
  changeOrder: 'rowid',
  measurePieces,
};
