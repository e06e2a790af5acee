import { allRows } from '../../reports/ask.ts';
import { historyOf, idsFrom, SHORTEST_PREFIX, taskRow } from '../../reports/history.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { CommandContext } from '../context.ts';
import type { Rows } from '../../store/queryable.ts';
import type { Reportable } from '../../store/reportable.ts';
import { historyText } from '../../render/views/history.ts';
import { printRows } from '../../render/rows.ts';
import { jsonArray, jsonLines } from '../../render/formats/encode.ts';
import { formatted } from '../../render/formats/format.ts';
import { columnsOf, printable, usesColor } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';

/**
 * `taskmirror history`: prints a task's row, and everything that the mirror saw happen to it. `text` may be
 * the beginning of an id. Throws UsageError if it matches no task, or more than one, and DatabaseError.
 */
export async function history(
  { io, signal, openForReports }: Pick<CommandContext, 'io' | 'signal' | 'openForReports'>,
  text: string,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const mirror = await openForReports();
  try {
    const id = await idOf(mirror, text);
    const task = await taskRow(mirror, id);
    const events = await historyOf(mirror, id);
    if (json) {
      await writeAll(io.stdout, oneObject(task, events));
      return EXIT.done;
    }
    await printRows(io.stdout, await fieldsOf(task), 'table', { color: usesColor(io), signal });
    const told = historyText(await allRows(events), columnsOf(io.stdout));
    await writeAll(io.stdout, ['\n', told], signal);
    return EXIT.done;
  } finally {
    await mirror.close();
  }
}

async function idOf(mirror: Reportable, text: string): Promise<string> {
  if ((await allRows(await taskRow(mirror, text))).length > 0) return text;
  const ids = text.length < SHORTEST_PREFIX ? [] : await idsFrom(mirror, text);
  const [id] = ids;
  const shown = printable(text.slice(0, 100));
  if (id === undefined) {
    throw new CommandLineError(`the mirror has no task "${shown}"`, {
      hint: `Give its id, or its first ${SHORTEST_PREFIX} characters or more; taskmirror search finds tasks by words.`,
    });
  }
  if (ids.length === 1) return id;
  throw new CommandLineError(`more than one task begins with "${shown}"`, {
    hint: `Give more of the id: ${ids.slice(0, 5).map(printable).join(', ')}${ids.length > 5 ? ', ...' : ''}.`,
  });
}

/** Returns a row for each field: a table of one row is too wide for any terminal. */
async function fieldsOf(task: Rows): Promise<Rows> {
  const [row = []] = await allRows(task);
  return {
    columns: ['field', 'value'],
    batches: [task.columns.map((name, index) => [name, row[index] ?? null])],
  };
}

async function* oneObject(task: Rows, events: Rows): AsyncGenerator<string> {
  yield '{"task":';
  yield* formatted(jsonLines(task.columns), task);
  yield ',"events":';
  yield* formatted(jsonArray(events.columns), events);
  yield '}\n';
}
