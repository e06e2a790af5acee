import type { HeldLease } from './held-lease.ts';
import { leaseCte } from './lease.ts';
import { utcSql } from './names.ts';
import { counterCte, toldSql } from './numbered.ts';

/** Returns SQL for the sources that would take over a task of $1: those with a run since the given moment. */
const lookedAfter = (s: string, since: string): string => `looked_after as materialized (
    select name from ${s}sources where name <> $1 and (
      select r.started_at from ${s}sync_runs r where r.source = sources.name order by r.id desc limit 1
    ) > ${since}::timestamptz
  )`;

/** Returns SQL for the heirs of the tasks `target`: for each the first source that shows it and is looked after. */
const heirs = (s: string): string => `heirs as materialized (
    select a.task_id, min(a.source) as heir from target join ${s}also_shown a on a.task_id = target.id
    where target.held and a.source in (select name from looked_after) group by a.task_id
  )`;

/** Returns the SELECT of the tasks $2 that a removal by the source $1 would mark; $3: looked after since. */
export function removableSql(s: string): string {
  return `with ${lookedAfter(s, '$3')},
  target as materialized (
    select t.id, true as held, wanted.n from unnest($2::text[]) with ordinality as wanted (id, n)
    join ${s}tasks t on t.id = wanted.id where t.source = $1 and t.removed_at is null
  ),
  ${heirs(s)}
  select id from target where id not in (select task_id from heirs) order by n`;
}

/**
 * Returns the first statement of a removal: it locks the tasks $5, so that nobody notes any more that another
 * source shows them. What was noted until then is seen by a statement after it, and not by this one.
 */
function lockSql(s: string): string {
  return `with ${leaseCte(s)}, locked as materialized (
    select from ${s}tasks where id = any ($5::text[]) and exists (select from lease) order by id for no key update
  ) select exists (select from lease) as held, (select count(*) from locked) as locked`;
}

/**
 * Returns the statement that marks the tasks $3, which {@link lockSql} has locked, as removed, hands over those
 * that another source also shows, and forgets that $1 shows those that another source holds. $2 now, $4: looked
 * after since. `removed` counts the marked ones.
 */
function removeSql(s: string): string {
  return `with ${lookedAfter(s, '$4')},
  target as materialized (
    select t.id, t.source = $1 and t.removed_at is null as held from ${s}tasks t where t.id = any ($3::text[])
  ),
  ${heirs(s)},
  numbered as materialized (
    select id, row_number() over (order by id) as nth from target where held
  ),
  ${counterCte(s, '(select count(*) from numbered)')},
  handed as (
    update ${s}tasks t set source = h.heir, changed_at = $2::timestamptz, seq = c.base + u.nth
    from heirs h join numbered u on u.id = h.task_id cross join counter c
    where t.id = h.task_id returning t.id, h.heir, t.seq
  ),
  removed as (
    update ${s}tasks t set removed_at = $2::timestamptz, changed_at = $2::timestamptz, seq = c.base + u.nth
    from numbered u cross join counter c where t.id = u.id and t.id not in (select task_id from heirs)
    returning t.id, t.seq
  ),
  forgotten as (
    delete from ${s}also_shown a using target where a.task_id = target.id and (
      (not target.held and a.source = $1)
      or (target.held and target.id not in (select task_id from heirs))
      or (a.task_id, a.source) in (select task_id, heir from heirs)
    )
  ),
  journaled as (
    insert into ${s}task_changes (task_id, field, old_value, new_value, observed_at, seq)
    select id, 'source', $1, heir, $2::timestamptz, seq from handed
    union all
    select id, 'removed_at', null, ${utcSql('$2::timestamptz')}, $2::timestamptz, seq from removed order by 1
  )
  select (select count(*) from removed) as removed, ${toldSql(s)}`;
}

/** Removes tasks of the source that holds the lease; returns how many were marked. The ids are encoded. */
export async function giveUpTasks(
  lease: HeldLease,
  s: string,
  { source, ids, now, since }: { source: string; ids: readonly string[]; now: string; since: string },
): Promise<number> {
  return lease.transaction(async (write, query) => {
    await write(lockSql(s), [ids]);
    const [row] = await query<{ removed: number }>(removeSql(s), [source, now, ids, since]);
    return row?.removed ?? 0;
  });
}

/** Returns the CTE that notes that $1 shows the tasks `ids`, of those that another source holds now. */
export function noteShownCte(s: string, ids: string): string {
  return `noted as (
    insert into ${s}also_shown (task_id, source)
    select t.id, $1 from (
      select t.id from ${s}tasks t
      where t.id = any (${ids}::text[]) and t.source <> $1 and t.removed_at is null and exists (select from lease)
      order by t.id for share
    ) as t on conflict do nothing
  )`;
}
