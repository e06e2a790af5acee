import type { Dialect } from '../../reportable.ts';
import { measurePieces } from './pieces.ts';
import { TASKS } from './tasks.ts';

/** The dialect of PostgreSQL. */
export const POSTGRES: Dialect = {
  percentile: (column, percent) => {
    const found = `percentile_cont(${percent / 100}) within group (order by ${column})`;
    // Half away from zero, as SQLite rounds. PostgreSQL rounds a double to even, and to 15 digits as numeric.
    return `trunc(${found} + 0.5 * sign(${found}))::bigint`;
  },
  msBetween: (from, to) =>
    `round(extract(epoch from ${to}::timestamptz - ${from}::timestamptz) * 1000)::bigint`,
  tasks: TASKS,
  lastCreatedId: '(array_agg(id order by created_at desc, id desc))[1]',
  openTasks: 'tasks',
  unsearched: '',
  rowKey: 'id',
  changeOrder: 'change_no',
  measurePieces,
};
