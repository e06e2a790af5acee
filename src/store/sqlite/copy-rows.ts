import type Database from 'better-sqlite3';
import type { CopiedTable, CopyReadable, CopyRow } from '../copyable.ts';
import {
  BATCH_CHARACTERS,
  BATCH_ROWS,
  charactersOf,
  CLEARED_OR_NOT,
  COPIED_COLUMNS,
  COPIED_KEYS,
  placesIn,
} from '../sql/copied-columns.ts';
import { withFile } from './failure.ts';

/** Columns that SQLite has under another name; those of the other engine number the lines of the journal. */
const NAMES: Readonly<Record<string, string>> = {
  'task_changes.change_no': 'rowid',
  'retention_state.changes_no': 'changes_rowid',
};

/** Tables without a rowid, with their primary keys; the others are read by rowid. */
const WITHOUT_ROWID: { readonly [Table in CopiedTable]?: readonly string[] } = {
  gaps: ['source', 'upper'],
  also_shown: ['task_id', 'source'],
};

/** Returns the name of a column of {@link COPIED_COLUMNS} in SQLite. */
export function columnName(table: CopiedTable, name: string): string {
  return NAMES[`${table}.${name}`] ?? name;
}

/** Returns the condition that a row has a key, with a placeholder for each of its columns. */
export function hasKey(table: CopiedTable): string {
  return COPIED_KEYS[table].map((name) => `${columnName(table, name)} = ?`).join(' and ');
}

/** Returns the cells of a row that are its key. */
export function keyIn(table: CopiedTable): (row: CopyRow) => CopyRow {
  const places = placesIn(table, COPIED_KEYS[table]);
  return (row) => places.map((place) => row[place] ?? null);
}

/** Reads the rows of a mirror through one connection. */
export function readable(
  db: Database.Database,
  { batchRows = BATCH_ROWS }: { batchRows?: number } = {},
): Omit<CopyReadable, 'close'> {
  const file = db.name;
  return {
    name: file,
    count: async (table) => withFile(file, () => countOf(db, table)),
    async *batches(table) {
      const read = reader(db, table, batchRows);
      for (let after: CopyRow | null = null; ;) {
        const { rows, last } = withFile(file, () => read(after));
        if (last === null) return;
        yield rows;
        after = last;
      }
    },
    async find(table, rows) {
      const select = db
        .prepare<unknown[], CopyRow>(`select ${selected(table)} from ${table} where ${hasKey(table)}`)
        .raw(true);
      const key = keyIn(table);
      return withFile(file, () => rows.map((row) => select.get(...key(row))));
    },
  };
}

function countOf(db: Database.Database, table: CopiedTable): number {
  return db.prepare<[], number>(`select count(*) from ${table}`).pluck().get() ?? 0;
}

/** Reads the rows after a place, in its order, until they are enough for a batch; `last` is where it ended. */
function reader(
  db: Database.Database,
  table: CopiedTable,
  batchRows: number,
): (after: CopyRow | null) => { rows: CopyRow[]; last: CopyRow | null } {
  const order = WITHOUT_ROWID[table] ?? ['rowid'];
  const select = (where: string): Database.Statement<unknown[], CopyRow> =>
    db
      .prepare<unknown[], CopyRow>(
        `select ${order.join(', ')}, ${selected(table)} from ${table} ${where}
        order by ${order.join(', ')} limit ${batchRows}`,
      )
      .raw(true);
  const first = select('');
  const next = select(`where (${order.join(', ')}) > (${order.map(() => '?').join(', ')})`);
  return (after) => {
    const rows: CopyRow[] = [];
    let characters = 0;
    let last: CopyRow | null = null;
    for (const found of after === null ? first.iterate() : next.iterate(...after)) {
      const row = found.slice(order.length);
      last = found.slice(0, order.length);
      rows.push(row);
      characters += charactersOf(row);
      if (characters >= BATCH_CHARACTERS) break;
    }
    return { rows, last };
  };
}

function selected(table: CopiedTable): string {
  return COPIED_COLUMNS[table]
    .map(({ name }) =>
      table === 'omitted_fields' && name === 'stage' ? CLEARED_OR_NOT : columnName(table, name),
    )
    .join(', ');
}
