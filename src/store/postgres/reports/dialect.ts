import type { Ask, Dialect, PiecesQuestion, Value } from '../../reportable.ts';

/** All that indexes hold. A subquery of one table costs nothing: the planner reads it as that table. */
const TASKS = `(
  select id, username_key as username, session_key as session_id, status, error_group, created_at, queue_ms, run_ms,
    removed_at
  from tasks
) as tasks`;

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
  measurePieces: (ask, question) => measurePieces(ask, question),
};

/**
 * Measures all pieces in one pass. Their edges are computed here, and not by the time zones of the server: both
 * engines cut days alike.
 */
async function measurePieces(
  ask: Ask,
  { filter: { where, parameters }, measures, pieces }: PiecesQuestion,
): Promise<(readonly Value[])[]> {
  const edges = [...pieces.map(({ from }) => from), pieces.at(-1)?.until ?? ''];
  const rows = await ask(
    `select width_bucket(created_at, :edges::timestamptz[]) as piece, ${measures} from ${TASKS}
    where ${where} and created_at >= :since and created_at < :until group by piece`,
    { ...parameters, edges: `{${edges.join(',')}}`, since: edges[0] ?? '', until: edges.at(-1) ?? '' },
  );
  const measured = new Map(rows.map(([piece, ...values]) => [piece, values]));
  const nothing = (await ask(`select ${measures} from ${TASKS} where false`, {}))[0] ?? [];
  return pieces.map((_, index) => measured.get(index + 1) ?? nothing);
}
