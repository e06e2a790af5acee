import type { OmittableField, Task } from '../../model/task.ts';
import type { Change } from '../store.ts';
import { digestsOf, digestSql, nthDigestSql } from './digest.ts';
import type { HeldLease } from './held-lease.ts';
import { numbersIn } from './incoming.ts';
import { leaseCte } from './lease.ts';
import { encodeNul } from './nul.ts';
import { movesCtes, movesOf } from './source-state.ts';

/** A task of a batch, and its place there. */
export interface Version {
  n: number;
  task: Task;
}

/** The tasks of a change that need no writing. */
export interface Known {
  versions: ReadonlySet<Version>;
  rowNumbers: number[];
  /** Whether nothing else was to be written, so that the change is committed. */
  isAll: boolean;
}

export const NONE_KNOWN: Known = { versions: new Set(), rowNumbers: [], isAll: false };

/**
 * Asks the server which of these tasks, all versions of a change, it has as they are, by a digest of each: in a
 * full run that is nearly all of them. If there is nothing else to write, the same statement moves the ledger. A
 * task with several versions is never known, since the last one has to win.
 */
export async function findKnown(
  { lease, s, omit }: { lease: HeldLease; s: string; omit: ReadonlySet<OmittableField> },
  versions: readonly Version[],
  change: Change,
): Promise<Known> {
  const counts = new Map<string, number>();
  for (const { task } of versions) counts.set(task.id, (counts.get(task.id) ?? 0) + 1);
  const single = versions.filter(({ task }) => counts.get(task.id) === 1);
  if (single.length === 0) return NONE_KNOWN;
  const mayBeAll = single.length === versions.length && change.rejected.length === 0;
  const tasks = single.map(({ task }) => task);
  const [row] = await lease.write<{ known: string | null; met: string | null; whole: boolean }>(knownSql(s), [
    JSON.stringify(tasks.map(({ id }) => encodeNul(id))),
    digestsOf(tasks, omit),
    JSON.stringify(mayBeAll ? movesOf(change) : {}),
    [...omit],
  ]);
  const rowNumbers = numbersIn(row?.met ?? null);
  if (row?.whole === true) return { versions: new Set(single), rowNumbers, isAll: mayBeAll };
  const known = numbersIn(row?.known ?? null).flatMap((place) => single[place - 1] ?? []);
  return { versions: new Set(known), rowNumbers, isAll: false };
}

/**
 * Returns the statement that finds out which tasks need no writing: their rows are live and equal to what this
 * source shows, it is noted that it shows them, no version of them was rejected before, and no field is kept again
 * that a commit has to note. If all are, it moves the source's state. It is a write of the lease even if not: so
 * what it saw was not lost in a failover if the next write succeeds.
 *
 * After the lease's $1 to $4: $5 the ids, $6 their {@link digestsOf}, $7 what else moves, $8 the fields that are
 * omitted. `known` are places among these, from 1, unless all are known (`whole`), and `met` the row numbers.
 *
 * Whatever the planner knows of the tables, it is one index search and one digest for each id, and one reading of
 * the rejected rows: `offset 0` keeps it from joining by the digests of all tasks, and `not in` from reading the
 * rejected rows for each task.
 */
export function knownSql(s: string): string {
  return `with ${leaseCte(s)},
  offered as materialized (
    select o.* from json_array_elements_text($5::json) with ordinality as o(id, n) where exists (select from lease)
  ),
  known as materialized (
    select o.n, t.row_no from offered o
    cross join lateral (select * from ${s}tasks where id = o.id offset 0) as t
    where t.removed_at is null and ${digestSql('t')} = ${nthDigestSql('$6', 'o.n')}
      and (t.source = $1 or exists (select from ${s}also_shown a where a.task_id = t.id and a.source = $1))
      and t.id not in (select task_id from ${s}rejected_rows where source = $1 and task_id is not null)
      and not exists (select from ${s}omitted_fields where field <> all ($8::text[]))
  ),
  done as materialized (
    select exists (select from lease) as held,
      (select count(*) from known) = (select count(*) from offered) as whole
  ),
  ${movesCtes(s, '$7')}
  select held, whole, case when not whole then (select string_agg(n::text, ',') from known) end as known,
    (select string_agg(row_no::text, ',') from known) as met
  from done`;
}
