import type { Piece } from '../../../model/zone.ts';
import type { Ask, PiecesQuestion, Value } from '../../reportable.ts';
import { TASKS } from './tasks.ts';

/** The index that finds the tasks of a piece (reader-indexes.ts). */
const INDEX = 'reader_by_created_at';

/** The edges are computed here, and not by the time zones of the server: both engines cut days alike. */
export async function measurePieces(ask: Ask, question: PiecesQuestion): Promise<(readonly Value[])[]> {
  const found = await ask(
    'select 1 from pg_catalog.pg_index where indexrelid = to_regclass(:name) and indisvalid',
    { name: INDEX },
  );
  return found.length > 0 ? measureEach(ask, question) : measureTogether(ask, question);
}

/** Measures each piece by one index search. It avoids sorting, which costs most of the time. */
async function measureEach(
  ask: Ask,
  { filter: { where, parameters }, measures, pieces }: PiecesQuestion,
): Promise<(readonly Value[])[]> {
  const rows = await ask(
    `select measured.*
    from unnest(:begins::timestamptz[], :ends::timestamptz[]) with ordinality as piece (begins, ends, nth)
    cross join lateral (
      select ${measures} from ${TASKS}
      where ${where} and created_at >= piece.begins and created_at < piece.ends
    ) as measured
    order by piece.nth`,
    { ...parameters, begins: arrayOf(pieces, 'from'), ends: arrayOf(pieces, 'until') },
  );
  return [...rows];
}

/** Measures all pieces in one pass over all tasks: without the index, each piece would need a pass. */
async function measureTogether(
  ask: Ask,
  { filter: { where, parameters }, measures, pieces }: PiecesQuestion,
): Promise<(readonly Value[])[]> {
  const [since, until] = [pieces[0]?.from ?? '', pieces.at(-1)?.until ?? ''];
  const rows = await ask(
    `select width_bucket(created_at, :begins::timestamptz[]) as piece, ${measures} from ${TASKS}
    where ${where} and created_at >= :since and created_at < :until group by piece`,
    { ...parameters, begins: arrayOf(pieces, 'from'), since, until },
  );
  const measured = new Map(rows.map(([piece, ...values]) => [piece, values]));
  const nothing = (await ask(`select ${measures} from ${TASKS} where false`, {}))[0] ?? [];
  return pieces.map((_, index) => measured.get(index + 1) ?? nothing);
}

/** Returns one edge of all pieces as an array of PostgreSQL. */
function arrayOf(pieces: readonly Piece[], edge: 'from' | 'until'): string {
  return `{${pieces.map((piece) => piece[edge]).join(',')}}`;
}
