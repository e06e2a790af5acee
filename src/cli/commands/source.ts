import { MAX_SOURCE_NAME, SOURCE_NAME } from '../../model/sync-settings.ts';
import { checkBaseUrl } from '../../model/base-url.ts';
import { columnsOf, folded } from '../../platform/terminal.ts';
import { counted, grouped, printable } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';
import type { MirrorStore, SourceStatus } from '../../store/store.ts';
import { CommandLineError } from '../command-line-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit.ts';

type SourceContext = Pick<CommandContext, 'io' | 'settings' | 'signal' | 'openMirror' | 'openReader'>;

/** A source as `source list --json` prints it: a contract that only ever gains fields. */
export interface ListedSource extends Pick<
  SourceStatus,
  'source' | 'baseUrl' | 'liveRows' | 'removedRows' | 'rejectedRows' | 'lastRunAt' | 'lastSuccessAt'
> {
  /** True if the settings have a source of this name, so that runs update it. */
  inSettings: boolean;
  /** Live tasks that it shows, but that other sources hold. */
  sharedRows: number;
}

/** `taskmirror source list`: lists the sources that the mirror knows. Throws DatabaseError. */
export async function sourceList(context: SourceContext, { json }: { json: boolean }): Promise<ExitCode> {
  const { io } = context;
  const sources = await readSources(context);
  if (json) {
    await writeAll(io.stdout, [`${JSON.stringify({ sources }, null, 2)}\n`]);
    return EXIT.done;
  }
  const text = sources.map(listedText).join('');
  await writeAll(io.stdout, [text === '' ? 'Nothing is mirrored yet.\n' : text]);
  return EXIT.done;
}

function listedText(listed: ListedSource): string {
  const { source, baseUrl, inSettings, liveRows, sharedRows, removedRows, lastRunAt } = listed;
  const counts = [
    counted(liveRows, 'live task'),
    ...(sharedRows > 0 ? [`${grouped(sharedRows)} shared`] : []),
    ...(removedRows > 0 ? [`${grouped(removedRows)} removed`] : []),
  ];
  const run =
    lastRunAt === null ? 'forgotten: only removed tasks are left under its name' : `last run ${lastRunAt}`;
  return `${printable(source)}  ${printable(baseUrl)}
  ${counts.join(', ')}; ${inSettings ? 'in the settings' : 'not in the settings'}
  ${run}
`;
}

async function readSources({ settings, openReader }: SourceContext): Promise<ListedSource[]> {
  const names = new Set(settings.sources.map(({ name }) => name));
  const reader = await openReader();
  try {
    return (await reader.status()).map((status) => ({
      source: status.source,
      baseUrl: status.baseUrl,
      inSettings: names.has(status.source),
      liveRows: status.liveRows,
      sharedRows: status.heldBy.reduce((sum, { rows }) => sum + rows, 0),
      removedRows: status.removedRows,
      rejectedRows: status.rejectedRows,
      lastRunAt: status.lastRunAt,
      lastSuccessAt: status.lastSuccessAt,
    }));
  } finally {
    await reader.close();
  }
}

/**
 * `taskmirror source rename`. Throws UsageError, LeaseHeldError and DatabaseError, like the commands below.
 */
export async function sourceRename(context: SourceContext, name: string, to: string): Promise<ExitCode> {
  if (!SOURCE_NAME.test(to) || to.length > MAX_SOURCE_NAME) {
    throw new CommandLineError(`no source can have the name "${to.slice(0, 100)}"`, {
      hint: `Give 1 to ${MAX_SOURCE_NAME} letters, digits, dots, hyphens or underscores, a letter or digit first.`,
    });
  }
  if (name === to)
    throw new CommandLineError(`source "${name}" has this name already`, { hint: 'Give a new one.' });
  await administered(context, (store) => store.renameSource(name, to));
  const renames = `The settings still have "${name}": name it "${to}" there before the next run.`;
  return say(context, `source "${name}" of the mirror is now "${to}"`, [
    isSet(context, name) ? renames : null,
  ]);
}

/** `taskmirror source move`. */
export async function sourceMove(context: SourceContext, name: string, url: string): Promise<ExitCode> {
  const baseUrl = checkBaseUrl(url);
  await administered(context, (store) => store.moveSource(name, baseUrl));
  const set = context.settings.sources.find((source) => source.name === name);
  const isOld = set !== undefined && set.baseUrl !== baseUrl;
  return say(context, `source "${name}" of the mirror is now a copy of ${baseUrl}`, [
    isOld ? `The settings still say ${set.baseUrl}: correct them before the next run.` : null,
  ]);
}

/** `taskmirror source forget`. */
export async function sourceForget(
  context: SourceContext,
  name: string,
  { yes }: { yes: boolean },
): Promise<ExitCode> {
  const { wasForgotten, removed, handedOver, kept } = await administered(context, async (store) => {
    const before = (await store.status()).find(({ source }) => source === name);
    const forgotten = await store.forgetSource(name, { removeTasks: yes, signal: context.signal });
    return { ...forgotten, wasForgotten: before?.lastRunAt === null };
  });
  const did = wasForgotten
    ? 'was forgotten before: nothing was left to forget'
    : `is forgotten: ${counted(handedOver, 'task')} handed over, ${counted(removed, 'task')} marked as removed`;
  return say(context, `source "${name}" ${did}`, [
    kept > 0
      ? `${counted(kept, 'removed task')} and their changes stay under its name: see the setting retention.removedDays.`
      : null,
    isSet(context, name) ? `The settings still have "${name}": the next run mirrors it again.` : null,
  ]);
}

function isSet({ settings }: SourceContext, name: string): boolean {
  return settings.sources.some((source) => source.name === name);
}

async function administered<T>(context: SourceContext, work: (store: MirrorStore) => Promise<T>): Promise<T> {
  const store = await context.openMirror({ create: false });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function say({ io }: SourceContext, did: string, more: readonly (string | null)[]): Promise<ExitCode> {
  const lines = more.flatMap((line) => (line === null ? [] : [`  ${line}`]));
  const text = [did, ...lines].map(printable).join('\n');
  await writeAll(io.stdout, [`${folded(text, columnsOf(io.stdout))}\n`]);
  return EXIT.done;
}
