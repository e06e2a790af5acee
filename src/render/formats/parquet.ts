import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { UsageError } from '../../model/errors.ts';
import type { Cell, Queried } from '../../store/queryable.ts';
import { uniqueNames } from './encode.ts';
import { columnType, type ParquetType } from './parquet-types.ts';

/** A row group ends at this many rows or characters of text; it is held in memory. */
const GROUP_ROWS = 20_000;
const GROUP_CHARACTERS = 2 * 1024 * 1024;

/**
 * Writes a result as a Parquet file, piece by piece: row groups compressed by Snappy, with statistics, then
 * the footer. The first row group decides the types (parquet-types.ts). Throws UsageError if a later value
 * has another type.
 */
export async function* parquetPieces({ columns, origins, batches }: Queried): AsyncGenerator<Uint8Array> {
  const names = uniqueNames(columns);
  const groups = rowGroups(batches, names.length);
  try {
    let group = await groups.next();
    const sample = group.done === true ? [] : group.value;
    const types = names.map((name, index) =>
      columnType(origins[index]?.column ?? name, origins[index]?.type ?? null, sample[index] ?? []),
    );
    const writer = new ByteWriter();
    const parquet = new ParquetWriter({
      writer,
      schema: [
        { name: 'root', num_children: names.length },
        ...types.map(({ element }, index) => ({ ...element, name: names[index] ?? '' })),
      ],
    });
    for (; group.done !== true; group = await groups.next()) {
      const columnData = group.value.map((cells, index) => column(names[index], types[index], cells));
      // A ByteWriter writes synchronously: there is no promise to wait for.
      void parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
      yield taken(writer);
    }
    void parquet.finish();
    yield taken(writer);
  } finally {
    await groups.return();
  }
}

/** Collects the rows by column, one row group at a time. */
async function* rowGroups(batches: Queried['batches'], width: number): AsyncGenerator<Cell[][], void> {
  const empty = (): Cell[][] => Array.from({ length: width }, () => []);
  let group = empty();
  let characters = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      for (const [index, cell] of row.entries()) {
        group[index]?.push(cell);
        if (typeof cell === 'string' || cell instanceof Uint8Array) characters += cell.length;
      }
      if (characters >= GROUP_CHARACTERS || group[0]?.length === GROUP_ROWS) {
        yield group;
        group = empty();
        characters = 0;
      }
    }
  }
  if (group[0]?.length !== 0) yield group;
}

function column(name = '', type: ParquetType | undefined, cells: readonly Cell[]): ColumnSource {
  const data = cells.map((cell) => {
    if (cell === null) return null;
    const value = type?.encode(cell);
    if (value !== undefined) return value;
    throw new UsageError(
      'column_of_two_types',
      { column: name },
      `column ${name} began as ${type?.name}, and then holds a value that is none`,
    );
  });
  return { name, data };
}

/** Takes the bytes written since the last call. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = new Uint8Array(writer.getBuffer());
  // The footer refers to `offset`, which is not reset.
  writer.index = 0;
  return bytes;
}
