import { EXIT } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import type { CommandContext } from './context.ts';
import { printRows } from './output.ts';
import type { Format } from './output.ts';
import { usesColor } from './output/text.ts';

/** `taskmirror query`: runs one statement and prints its rows as they come. */
export async function query(
  { io, signal, openForQuery }: Pick<CommandContext, 'io' | 'signal' | 'openForQuery'>,
  sql: string,
  { format }: { format: Format },
): Promise<ExitCode> {
  const mirror = await openForQuery();
  try {
    await printRows(io.stdout, mirror.run(sql), format, { color: usesColor(io), signal });
  } finally {
    mirror.close();
  }
  return EXIT.done;
}
