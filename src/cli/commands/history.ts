import { HISTORY_SQL, IDS_SQL, SHORTEST_PREFIX, TASK_SQL } from '../../reports/history.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { CommandContext } from '../context.ts';
import type { Queryable } from '../../store/queryable.ts';
import { historyText } from '../../render/views/history.ts';
import { printRows } from '../../render/rows.ts';
import { jsonArray, jsonLines } from '../../render/formats/encode.ts';
import type { Rows } from '../../store/queryable.ts';
import { columnsOf, printable, usesColor } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';

/**
 * `taskmirror history`: the row of a task, and everything that the mirror saw happen to it. `id` may be the beginning of
 * one id. Throws UsageError where no task, or more than one, is meant, and DatabaseError.
 */
export async function history(
  { io, signal, openForQuery }: Pick<CommandContext, 'io' | 'signal' | 'openForQuery'>,
  text: string,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const mirror = await openForQuery();
  try {
    const id = idOf(mirror, text);
    const task = mirror.run(TASK_SQL, { id });
    const events = mirror.run(HISTORY_SQL, { id });
    if (json) {
      await writeAll(io.stdout, oneObject(task, events));
      return EXIT.done;
    }
    await printRows(io.stdout, fieldsOf(task), 'table', { color: usesColor(io), signal });
    await writeAll(io.stdout, ['\n', historyText(events.rows, columnsOf(io.stdout))], signal);
    return EXIT.done;
  } finally {
    mirror.close();
  }
}

function idOf(mirror: Queryable, text: string): string {
  const [row] = mirror.run(TASK_SQL, { id: text }).rows;
  if (row !== undefined) return text;
  const ids =
    text.length < SHORTEST_PREFIX
      ? []
      : [...mirror.run(IDS_SQL, { prefix: text }).rows].flatMap(([id]) =>
          typeof id === 'string' ? [id] : [],
        );
  const [id] = ids;
  const shown = printable(text.slice(0, 100));
  if (id === undefined) {
    throw new CommandLineError(`the mirror knows no task "${shown}"`, {
      hint: `Give its id, or the first ${SHORTEST_PREFIX} characters of it or more; taskmirror search finds tasks by words.`,
    });
  }
  if (ids.length === 1) return id;
  throw new CommandLineError(`more than one task begins with "${shown}"`, {
    hint: `Give more of the id: ${ids.slice(0, 5).map(printable).join(', ')}${ids.length > 5 ? ', ...' : ''}.`,
  });
}

/** A line for each field: a table of one row is too wide for any terminal. */
function fieldsOf({ columns, rows }: Rows): Rows {
  const [row = []] = rows;
  return { columns: ['field', 'value'], rows: columns.map((name, index) => [name, row[index] ?? null]) };
}

function* oneObject(task: Rows, events: Rows): Generator<string> {
  yield '{"task":';
  yield* jsonLines(task);
  yield ',"events":';
  yield* jsonArray(events);
  yield '}\n';
}
