import type { Ask, PiecesQuestion, Value } from '../../reportable.ts';
import type { Span } from '../../../model/zone.ts';
import { utcText } from '../../../model/task.ts';

/** The index that finds the tasks of a piece (reader-indexes.ts). */
const INDEX = 'reader_by_created_at';

export async function measurePieces(ask: Ask, question: PiecesQuestion): Promise<(readonly Value[])[]> {
  const found = await ask(`select 1 from pragma_index_list('tasks') where name = :name`, { name: INDEX });
  return found.length > 0 ? measureEach(ask, question) : measureTogether(ask, question);
}

/** Measures each piece by one index search. It avoids sorting, which costs most of the time. */
async function measureEach(
  ask: Ask,
  { filter: { where, parameters }, measures, pieces }: PiecesQuestion,
): Promise<Value[][]> {
  // Materialized: json_each would read the whole list again for each piece.
  const rows = await ask(
    `with piece as materialized (
      select key, value ->> 0 as since, value ->> 1 as until from json_each(:pieces)
    )
    select (
      select json_array(${measures}) from tasks
      where ${where} and created_at >= piece.since and created_at < piece.until
    ) from piece order by key`,
    { ...parameters, pieces: JSON.stringify(pieces.map(({ from, until }) => [from, until])) },
  );
  return pieces.map((_, index) => JSON.parse(String(rows[index]?.[0])) as Value[]);
}

/** Measures all pieces in one pass over all tasks: without the index, each piece would need a pass. */
async function measureTogether(
  ask: Ask,
  { filter: { where, parameters }, measures, pieces, spans, unit }: PiecesQuestion,
): Promise<(readonly Value[])[]> {
  const format = unit === 'day' ? '%Y-%m-%d' : '%Y-%m-%dT%H';
  const label = `strftime('${format}', created_at, ${offsetAt(spans)})`;
  const rows = await ask(
    `select ${label} as label, ${measures} from tasks
    where ${where} and created_at >= :since and created_at < :until group by label`,
    { ...parameters, since: pieces[0]?.from ?? '', until: pieces.at(-1)?.until ?? '' },
  );
  const measured = new Map(rows.map(([name, ...values]) => [name, values]));
  const nothing = (await ask(`select ${measures} from tasks where false`, {}))[0] ?? [];
  return pieces.map(({ label: name }) => measured.get(name) ?? nothing);
}

/** Returns the modifier that makes created_at local time. */
function offsetAt(spans: readonly Span[]): string {
  const cases = spans
    .toReversed()
    .map(({ from, offset }) => `when created_at >= '${utcText(from)}' then '${offset / 1_000} seconds'`);
  return `case ${cases.join(' ')} end`;
}
