import type { Queried } from '../store/queryable.ts';
import type { Reportable } from '../store/reportable.ts';
import { allRows } from './ask.ts';

/** Characters of an id that may stand for the whole of it, at least. */
export const SHORTEST_PREFIX = 4;

/** What no id goes on with: its UTF-8 comes after that of every other character. */
const LAST_CHARACTER = '\u{10ffff}';

/** The whole row of a task, by its id. */
export function taskRow(mirror: Reportable, id: string): Promise<Queried> {
  return mirror.run('select * from tasks where id = :id', { id });
}

/** Ids that begin with a text, the first six. */
export async function idsFrom(mirror: Reportable, prefix: string): Promise<string[]> {
  const found = await mirror.run(
    'select id from tasks where id >= :prefix and id < :after order by id limit 6',
    { prefix, after: prefix + LAST_CHARACTER },
  );
  return (await allRows(found)).flatMap(([id]) => (typeof id === 'string' ? [id] : []));
}

/**
 * Everything that the mirror saw happen to a task, in order: `event` is first seen, changed, removed, returned, or older
 * changes pruned (of those up to then, no more than the last one of the status is kept); `field`, `old_value` and `new_value`
 * are null where the event says it all.
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
