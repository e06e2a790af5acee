import { changesOf, type Since } from '../../feed/changes.ts';
import { type ChangesText, changesText } from '../../render/formats/changes.ts';
import type { ChangesFormat } from '../../render/rows.ts';
import { usesColor } from '../../render/text.ts';
import { type Pieces, writeAll, writeData } from '../../render/write.ts';
import type { Feed } from '../../store/feed.ts';
import { wholeNumber } from '../arguments/whole-number.ts';
import { CommandLineError } from '../command-line-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit.ts';

export interface ChangesFlags {
  /** A number, `start` or `now`, as typed. */
  since?: string | undefined;
  follow?: true | undefined;
  /** As typed. */
  limit?: string | undefined;
  status?: string | undefined;
  source?: readonly string[] | undefined;
  format: ChangesFormat;
}

type ChangesContext = Pick<CommandContext, 'io' | 'signal' | 'openFeed'>;

/**
 * `taskmirror changes`: prints tasks that changed, as they are now, by the number of their last change. Ends
 * with exit code 130 when the signal aborts. Throws UsageError, DatabaseError.
 */
export async function changes(context: ChangesContext, flags: ChangesFlags): Promise<ExitCode> {
  const wanted = {
    since: sinceOf(flags),
    follow: flags.follow === true,
    limit: flags.limit === undefined ? undefined : limitOf(flags.limit),
    status: flags.status,
    sources: flags.source,
    signal: context.signal,
  };
  const feed = await context.openFeed();
  try {
    await print(context, feed, { ...wanted, format: flags.format });
    return EXIT.done;
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    await feed.close();
  }
}

/** Prints each page as it comes. Ends early if the reader closes the pipe. */
async function print(
  { io, signal }: ChangesContext,
  feed: Feed,
  { format, ...wanted }: Parameters<typeof changesOf>[1] & { format: ChangesFormat },
): Promise<void> {
  const text: ChangesText = changesText(format, { output: io.stdout, color: usesColor(io) });
  const write = (pieces: Pieces): Promise<boolean> =>
    format === 'table' ? writeAll(io.stdout, pieces, signal) : writeData(io.stdout, pieces, signal);
  if (!(await write([text.begin()]))) return;
  for await (const page of changesOf(feed, wanted)) {
    if (!(await write(text.page(page)))) return;
  }
  await write([text.end()]);
}

function sinceOf({ since, follow }: ChangesFlags): Since {
  if (since === undefined) return follow === true ? 'now' : 'start';
  if (since === 'start' || since === 'now') return since;
  const number = Number(since);
  if (/^\d+$/.test(since) && Number.isSafeInteger(number)) return number;
  throw new CommandLineError(`--since "${since.slice(0, 100)}" is no number of a change`, {
    hint: 'Give the seq of the last change that was read, start or now.',
  });
}

function limitOf(text: string): number {
  const limit = wholeNumber(text, Number.MAX_SAFE_INTEGER);
  if (limit !== null) return limit;
  throw new CommandLineError('--limit takes a whole number from 1');
}
