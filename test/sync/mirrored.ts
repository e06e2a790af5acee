import { SimulatedList } from '../../src/source/simulated/list.ts';
import type { ListPage, ListRow } from '../../src/source/source.ts';
import { type Bench, syncBench } from '../support/sync.ts';
import { tasksApart } from '../support/tasks.ts';

/** A list of `count` tasks, `spacing` ms apart, and a mirror of it. */
export async function mirrored(
  count: number,
  spacing: number,
): Promise<{ bench: Bench; list: SimulatedList }> {
  const bench = await syncBench();
  const list = new SimulatedList(tasksApart(count, spacing));
  await bench.sync(list);
  return { bench, list };
}

/** A page out of order: it proves nothing. */
export function unsorted(page: ListPage): ListPage {
  return { ...page, rows: page.rows.toReversed() };
}

/** A page that says there are more rows, and has none: it proves nothing. */
export function endless(page: ListPage): ListPage {
  return { ...page, rows: [], hasMore: true };
}

/** Makes the rows with these ids unreadable; with `withId` false, even their ids. */
export function spoil(ids: readonly string[], { withId = true } = {}): (page: ListPage) => ListPage {
  const spoilt = (row: ListRow): ListRow => {
    const { task, activity } = row;
    if (task === undefined || !ids.includes(task.id)) return row;
    const payload = JSON.stringify({ message: task.message });
    return { activity, rejected: { id: withId ? task.id : null, payload, reason: 'spoilt' } };
  };
  return (page) => ({ ...page, rows: page.rows.map(spoilt) });
}
