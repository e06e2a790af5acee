import type { Queried } from '../store/queryable.ts';
import type { Reportable } from '../store/reportable.ts';
import { allRows } from './ask.ts';

/** Fewest characters of an id that may stand for the whole of it. */
export const SHORTEST_PREFIX = 4;

/** Sorts after everything that an id can contain: in UTF-8 it follows every other character. */
const LAST_CHARACTER = '\u{10ffff}';

/** Reads the whole row of a task by its id. */
export function taskRow(mirror: Reportable, id: string): Promise<Queried> {
  return mirror.run('select * from tasks where id = :id', { id });
}

/** Returns the first six ids that begin with a prefix. */
export async function idsFrom(mirror: Reportable, prefix: string): Promise<string[]> {
  const found = await mirror.run(
    'select id from tasks where id >= :prefix and id < :after order by id limit 6',
    { prefix, after: prefix + LAST_CHARACTER },
  );
  return (await allRows(found)).flatMap(([id]) => (typeof id === 'string' ? [id] : []));
}

/**
 * Returns everything that the mirror saw happen to a task, in order: `event` is first seen, changed, removed,
 * returned, or older changes pruned (of the changes up to then, at most the last one of the status is kept);
 * `field`, `old_value` and `new_value` are null if the event says it all.
 */
export function historyOf(mirror: Reportable, id: string): Promise<Queried> {
  return mirror.run(
    `select first_seen_at as observed_at, 'first seen' as event, null as field, null as old_value, null as new_value
    from tasks where id = :id
    union all
    select * from (
      select observed_at, event, field, old_value, new_value from (
        select changes_through as observed_at, 'older changes pruned' as event,
          null as field, null as old_value, null as new_value, 0 as position
        from retention_state cross join tasks where id = :id and first_seen_at <= changes_through
        union all
        select observed_at,
          case when field <> 'removed_at' then 'changed' when new_value is null then 'returned' else 'removed' end,
          nullif(field, 'removed_at'),
          case when field <> 'removed_at' then old_value end,
          case when field <> 'removed_at' then new_value end,
          ${mirror.dialect.changeOrder}
        from task_changes where task_id = :id
      ) as changes order by observed_at, position
    ) as ordered`,
    { id },
  );
}
