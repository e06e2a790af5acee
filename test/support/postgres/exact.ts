import type { ApiTask } from '../../../src/source/simulated/list.ts';
import type { SimulatedList } from '../../../src/source/simulated/list.ts';
import { connect } from '../../../src/store/postgres/connection.ts';
import { claimsAll } from '../../simulator/coverage.ts';
import { inspectorOf } from '../../simulator/postgres/inspector.ts';
import type { Row } from '../../simulator/place.ts';
import { targetOf } from './target.ts';

/** What is wrong with a mirror, in words; nothing, if all is as it has to be. */
export interface Sight {
  /** Ids of tasks that the ledger says are mirrored, and that are not there as the list shows them. */
  lost: string[];
  /** Ids of tasks of the list that are not there as the list shows them, whatever the ledger says. */
  missing: string[];
  /** Ids of live rows that the list does not have. */
  extra: string[];
  damage: string[];
}

export const EXACT: Sight = { lost: [], missing: [], extra: [], damage: [] };

/** Compares the mirror with the list of a source, which has come to rest. */
export async function look(
  { url, schema }: { url: string; schema: string },
  list: SimulatedList,
  source = 'default',
): Promise<Sight> {
  const db = connect(targetOf(url, { schema }), { max: 1 });
  try {
    const inspector = inspectorOf(db, schema);
    // First the ledger: the server may still be at the last statement of a process that is dead.
    const ledger = (await inspector.source(source))?.ledger ?? { watermark: null, gaps: [] };
    const rows = new Map((await inspector.rows()).map((row) => [row.task.id, row]));
    const tasks = list.all();
    const missing = tasks.filter((task) => !isMirrored(rows.get(task.id), task));
    const shown = new Set(tasks.map(({ id }) => id));
    return {
      lost: idsOf(missing.filter(({ lastActivityAt }) => claimsAll(ledger, Date.parse(lastActivityAt)))),
      missing: idsOf(missing),
      extra: [...rows.values()].flatMap(({ task, isLive }) =>
        isLive && !shown.has(task.id) ? [task.id] : [],
      ),
      damage: await inspector.damage(),
    };
  } finally {
    await db.end();
  }
}

function isMirrored(row: Row | undefined, task: ApiTask): boolean {
  return (
    row !== undefined &&
    row.isLive &&
    row.task.lastActivityAt === task.lastActivityAt &&
    row.task.status === task.status &&
    row.task.message === task.message &&
    row.task.messageCount === task.messageCount
  );
}

function idsOf(tasks: readonly ApiTask[]): string[] {
  return tasks.map(({ id }) => id);
}
