/** The whole row of a task, by its id. */
export const TASK_SQL = 'select * from tasks where id = :id';

/** Characters of an id that may stand for the whole of it, at least. */
export const SHORTEST_PREFIX = 4;

/** Ids that begin with a text, the first six. */
export const IDS_SQL =
  'select id from tasks where id >= :prefix and id < :prefix || char(1114111) order by id limit 6';

/**
 * Everything that the mirror saw happen to a task, in order: `event` is first seen, changed, removed, returned, or older
 * changes pruned (of those up to then, no more than the last one of the status is kept); `field`, `old_value` and `new_value`
 * are null where the event says it all.
 */
export const HISTORY_SQL = `
  select first_seen_at as observed_at, 'first seen' as event, null as field, null as old_value, null as new_value
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
        iif(field = 'removed_at', null, old_value),
        iif(field = 'removed_at', null, new_value),
        rowid
      from task_changes where task_id = :id
    ) order by observed_at, position
  )`;
