import { type Column, comparable, journalText, TASK_COLUMNS, WRITTEN_COLUMNS } from './columns.ts';
import { incomingCte } from './incoming.ts';
import { leaseCte } from './lease.ts';
import { utcSql } from './names.ts';
import { counterCte, toldSql } from './numbered.ts';
import { movesCtes } from './source-state.ts';

const written = (row: string, { name, type }: Column): string =>
  type === 'json' ? `${row}.${name}::json` : `${row}.${name}`;
const NAMES = WRITTEN_COLUMNS.map(({ name }) => name).join(', ');

/** SQL for whether a stored row is live and equal to the incoming task `i`. */
const sameAs = (row: string): string =>
  `${row}.removed_at is null and (${TASK_COLUMNS.map((column) => comparable(row, column)).join(', ')})
  is not distinct from (${TASK_COLUMNS.map(({ name }) => `i.${name}`).join(', ')})`;

const seen = (s: string): string => `seen as materialized (
    select i.n, i.id, t.row_no, t.source, t.removed_at, (${sameAs('t')}) as same
    from incoming i join ${s}tasks t on t.id = i.id
  )`;

/** Whether another source holds the task, and this one, $1, is not yet known to show it. */
const isUnnoted = (s: string): string => `seen.source <> $1 and seen.removed_at is null
      and not exists (select from ${s}also_shown a where a.task_id = seen.id and a.source = $1)`;

/** SQL for how many tasks of the batch are new: they get their numbers before the changed ones. */
const FRESH = '(select count(*) from incoming) - (select count(*) from seen)';

const JOURNAL = TASK_COLUMNS.map(
  (column, at) => `(${at}, '${column.name}', ${journalText('o', column)}, ${journalText('i', column)})`,
);

/**
 * Returns the statement that commits a batch: one transaction, one round trip.
 *
 * After the lease's $1 to $4: $5 now, $6 rejected rows, each key once, $7 what else moves, $8 columns that are not
 * journaled, $9 whether it is a sweep, $10 the fields that are omitted, and from $11 the tasks, each id
 * once. Tasks are told by their places among these.
 *
 * It is safe under READ COMMITTED. The lease's row is locked first, so a takeover waits for this statement, or
 * comes first and this one finds another token. What another source may write too is locked, all of it in the
 * order of the ids, so that two commits never wait for each other, and compared again as it is then: rows that
 * differ, and rows of others of which it is to be noted that this source shows them. The counter of changes comes
 * after all of these locks, and before anything that needs a number: see {@link counterCte}. If another source
 * inserted or deleted a task of the batch after the statement's snapshot, `whole` is false and neither the ledger
 * nor anything else of $7 moves: repeat the statement.
 */
export function commitSql(s: string): string {
  return `with ${leaseCte(s)},
  ${incomingCte(11, 'where exists (select from lease)')},
  ${seen(s)},
  wanted as materialized (select seen.n, seen.id from seen where not seen.same or (${isUnnoted(s)})),
  locked as materialized (
    select w.n, t.id, t.source, t.removed_at, ${TASK_COLUMNS.map(({ name }) => `t.${name}`).join(', ')}
    from wanted w join ${s}tasks t on t.id = w.id order by w.id for no key update of t
  ),
  old as materialized (
    select l.* from locked l join incoming i on i.n = l.n where not (${sameAs('l')})
  ),
  lines as materialized (
    select o.n, i.id, f.at, f.field, f.old_value, f.new_value
    from old o join incoming i on i.n = o.n cross join lateral (values
      ${JOURNAL.join(',\n      ')},
      (${JOURNAL.length}, 'removed_at', ${utcSql('o.removed_at')}, null),
      (${JOURNAL.length + 1}, 'source', o.source, case when o.removed_at is null then o.source else $1 end)
    ) as f (at, field, old_value, new_value)
    where f.old_value is distinct from f.new_value and f.field <> all ($8::text[])
  ),
  changed as materialized (
    select n, row_number() over (order by n) as nth from (select distinct n from lines) as journaled
  ),
  shown as (
    insert into ${s}also_shown (task_id, source)
    select id, $1 from locked where source <> $1 and removed_at is null on conflict do nothing
    returning task_id
  ),
  refused as materialized (
    select r.* from json_to_recordset($6::json)
      as r(row_key text, task_id text, payload text, reason text, last_activity_at timestamptz)
    where exists (select from lease)
  ),
  kept_again as (
    delete from ${s}omitted_fields where field <> all ($10::text[])
      and (exists (select from incoming) or exists (select from refused))
    returning field
  ),
  ${counterCte(s, `${FRESH} + (select count(*) from changed)`, ['shown', 'kept_again'])},
  inserted as (
    insert into ${s}tasks (id, source, first_seen_at, changed_at, seq, added_seq, ${NAMES})
    select i.id, $1, $5::timestamptz, $5::timestamptz, i.seq, i.seq,
      ${WRITTEN_COLUMNS.map((column) => written('i', column)).join(', ')}
    from (
      select i.*, c.base + row_number() over () as seq from incoming i cross join counter c
      where not exists (select from seen where seen.n = i.n)
    ) as i order by i.id
    on conflict (id) do nothing
    returning id, row_no
  ),
  updated as (
    update ${s}tasks t set ${WRITTEN_COLUMNS.map((column) => `${column.name} = ${written('i', column)}`).join(', ')},
      source = case when t.removed_at is null then t.source else $1 end, changed_at = $5::timestamptz,
      removed_at = null, seq = coalesce(c.base + ${FRESH} + u.nth, t.seq)
    from old o join incoming i on i.n = o.n left join changed u on u.n = o.n left join counter c on true
    where t.id = i.id
    returning o.n
  ),
  journaled as (
    insert into ${s}task_changes (task_id, field, old_value, new_value, observed_at, seq)
    select l.id, l.field, l.old_value, l.new_value, $5::timestamptz, c.base + ${FRESH} + u.nth
    from lines l join changed u on u.n = l.n cross join counter c
    order by l.n, l.at
  ),
  healed as (
    delete from ${s}rejected_rows r using incoming i
    where r.source = $1 and r.task_id = i.id and r.row_key not in (select row_key from refused)
    returning i.n
  ),
  rejected as (
    insert into ${s}rejected_rows as r
      (source, row_key, task_id, payload, reason, first_rejected_at, last_rejected_at, last_activity_at)
    select $1, row_key, task_id, payload, reason, $5::timestamptz, $5::timestamptz, last_activity_at
    from refused order by row_key
    on conflict (source, row_key) do update set payload = excluded.payload, reason = excluded.reason,
      last_rejected_at = excluded.last_rejected_at,
      last_activity_at = coalesce(excluded.last_activity_at, r.last_activity_at)
  ),
  done as materialized (
    select exists (select from lease) as held,
      (select count(*) from incoming) = (select count(*) from seen) + (select count(*) from inserted)
      and (select count(*) from wanted) = (select count(*) from locked) as whole
  ),
  ${movesCtes(s, '$7')}
  select done.held, done.whole,
    (select string_agg(i.n::text, ',') from inserted join incoming i on i.id = inserted.id) as inserted,
    (select string_agg(n::text, ',') from updated) as updated,
    (select string_agg(n::text, ',') from healed) as healed,
    case when $9::boolean then (
      select string_agg(row_no::text, ',') from (select row_no from seen union all select row_no from inserted) as met
    ) end as met,
    ${toldSql(s)}
  from done`;
}

/** Returns the statement that says what a commit of tasks, from $2 on, which the source $1 shows, would do. */
export function previewSql(s: string): string {
  return `with ${incomingCte(2)}, ${seen(s)}
  select (select string_agg(n::text, ',') from seen where same) as same,
    (select string_agg(n::text, ',') from seen where not same) as updated,
    (select json_agg(id)::text from seen where ${isUnnoted(s)}) as unnoted`;
}
