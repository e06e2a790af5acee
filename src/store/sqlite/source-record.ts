import type Database from 'better-sqlite3';
import type { Change, SourceState } from '../store.ts';
import type { Ledger } from '../../model/ledger.ts';
import { utcText } from '../../model/task.ts';
import { edgeText, parseEdge } from '../sql/edge.ts';
import { prepare } from './statement.ts';

/** The mirror's data about one source beside its tasks: its rows in `sources` and `gaps`. */
export interface SourceRecord {
  read(): SourceState;
  /** Writes the fields that the change names, if they differ. Call inside a transaction. */
  move(change: Pick<Change, 'ledger' | 'total' | 'surplus' | 'learnedOverlapMs'>): void;
}

export function sourceRecord(db: Database.Database, source: string): SourceRecord {
  const queries = prepareQueries(db);
  const readGaps = (): Ledger['gaps'] =>
    queries.gaps
      .all({ source })
      .map(({ lower, upper }) => ({ lower: parseEdge(lower), upper: Date.parse(upper) }));

  const moveLedger = ({ watermark, gaps }: Ledger): void => {
    queries.setWatermark.run({ source, watermark: watermark === null ? null : utcText(watermark) });
    queries.dropGaps.run({ source });
    for (const { lower, upper } of gaps) {
      queries.addGap.run({
        source,
        lower: lower === null ? null : edgeText(lower),
        upper: edgeText(upper),
      });
    }
  };

  return {
    read() {
      const row = queries.source.get({ source });
      return {
        ledger: { watermark: parseEdge(row?.watermark ?? null), gaps: readGaps() },
        total: row?.api_total ?? null,
        learnedOverlapMs: row?.learned_overlap_ms ?? 0,
        surplus: row?.total_surplus ?? null,
      };
    },
    move({ ledger, total, surplus, learnedOverlapMs }) {
      if (ledger !== undefined) moveLedger(ledger);
      if (total !== undefined) queries.setTotal.run({ source, total });
      if (surplus !== undefined) queries.setSurplus.run({ source, surplus });
      if (learnedOverlapMs !== undefined) queries.setOverlap.run({ source, ms: learnedOverlapMs });
    },
  };
}

function prepareQueries(db: Database.Database) {
  return {
    source: prepare<{ source: string }, SourceRow>(db, (q, p) =>
      q
        .selectFrom('sources')
        .select(['watermark', 'api_total', 'learned_overlap_ms', 'total_surplus'])
        .where('name', '=', p('source')),
    ),
    gaps: prepare<{ source: string }, { lower: string | null; upper: string }>(db, (q, p) =>
      q
        .selectFrom('gaps')
        .select(['lower', 'upper'])
        .where('source', '=', p('source'))
        .orderBy('upper', 'desc'),
    ),
    setWatermark: prepare<{ source: string; watermark: string | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ watermark: p('watermark') })
        .where('name', '=', p('source'))
        .where('watermark', 'is not', p('watermark')),
    ),
    setTotal: prepare<{ source: string; total: number | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ api_total: p('total') })
        .where('name', '=', p('source'))
        .where('api_total', 'is not', p('total')),
    ),
    setOverlap: prepare<{ source: string; ms: number }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ learned_overlap_ms: p('ms') })
        .where('name', '=', p('source'))
        .where('learned_overlap_ms', 'is not', p('ms')),
    ),
    setSurplus: prepare<{ source: string; surplus: number | null }, never>(db, (q, p) =>
      q
        .updateTable('sources')
        .set({ total_surplus: p('surplus') })
        .where('name', '=', p('source'))
        .where('total_surplus', 'is not', p('surplus')),
    ),
    dropGaps: prepare<{ source: string }, never>(db, (q, p) =>
      q.deleteFrom('gaps').where('source', '=', p('source')),
    ),
    addGap: prepare<{ source: string; lower: string | null; upper: string }, never>(db, (q, p) =>
      q.insertInto('gaps').values({ source: p('source'), lower: p('lower'), upper: p('upper') }),
    ),
  };
}

interface SourceRow {
  watermark: string | null;
  api_total: number | null;
  learned_overlap_ms: number;
  total_surplus: number | null;
}
