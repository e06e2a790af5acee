/** The channel on which commits tell that they changed tasks; the payload is the name of the schema. */
export const CHANNEL = 'taskmirror_changes';

/**
 * Returns the CTE that takes `count` numbers of changes, an SQL expression: it has a row with `base`, the number
 * before the first of them, or none if there are none to take.
 *
 * The row of `feed_state` stays locked until the commit, so numbers become visible in their order. The row is
 * the last that a statement waits for, or two would wait for each other: `count` and the CTEs `after` lock
 * what others may write too. Whoever inserts a task has the counter, so no insert waits for another one.
 */
export function counterCte(s: string, count: string, after: readonly string[] = []): string {
  // Reading the counts makes the CTEs run before the row is locked.
  const isAfter = after.map((cte) => ` and (select count(*) from ${cte}) >= 0`).join('');
  // Of a small table without statistics PostgreSQL expects thousands of rows, and compiles (JIT) what takes long by that.
  return `counting as (
    update ${s}feed_state f set seq = f.seq + taken.n from (select ${count} as n) as taken
    where taken.n > 0${isAfter}
    returning f.seq - taken.n as base
  ),
  counter as materialized (select base from counting limit 1)`;
}

/** Returns the last column of a statement: with it, a commit that took numbers tells so. */
export function toldSql(s: string): string {
  const schema = s.slice(1, -2).replaceAll('""', '"').replaceAll("'", "''");
  return `(select pg_notify('${CHANNEL}', '${schema}')::text from counter) as told`;
}
