import type { Settings } from '../../../config/settings.ts';
import { DatabaseError } from '../../../model/errors.ts';
import type { Leftover, MirrorReader, SourceStatus } from '../../../store/store.ts';
import type { CommandContext } from '../../context.ts';
import type { Check, Finding } from './doctor.ts';
import { counted, grouped } from '../../../render/text.ts';

interface MirrorCheckContext extends Pick<CommandContext, 'openReader'> {
  settings: Pick<Settings, 'sources' | 'omitFields'>;
}

/**
 * Checks whether the settings still have the sources whose tasks the mirror holds (no run updates those of
 * any other), which tasks a source shares with others, and whether fields that must not be kept are gone.
 */
export function mirrorChecks(context: MirrorCheckContext): Check[] {
  return [
    { name: 'sources', run: () => checkSources(context) },
    { name: 'omitted fields', run: () => checkOmitted(context) },
  ];
}

async function checkSources(context: MirrorCheckContext): Promise<Finding[]> {
  const { sources } = context.settings;
  const names = new Set(sources.map(({ name }) => name));
  const found = (await readMirror(context, (reader) => reader.status())) ?? [];
  const left = found.filter(({ source, liveRows }) => liveRows > 0 && !names.has(source));
  const shared = found.filter(({ source, heldBy }) => heldBy.length > 0 && names.has(source));
  const known = new Set(found.map(({ source }) => source));
  return [...left.map((status) => abandoned(status, { sources, known })), ...shared.map(sharing)];
}

function abandoned(
  { source, baseUrl, liveRows }: SourceStatus,
  { sources, known }: { sources: Settings['sources']; known: ReadonlySet<string> },
): Finding {
  const sameApi = sources.find((other) => other.baseUrl === baseUrl)?.name;
  return {
    check: `source ${source}`,
    status: 'warn',
    detail: `not in the settings, so no run updates its ${counted(liveRows, 'live task')} in the mirror`,
    hint: hintFor(source, sameApi, sameApi !== undefined && known.has(sameApi)),
  };
}

function sharing({ source, apiTotal, heldBy }: SourceStatus): Finding {
  const held = heldBy.map((holder) => `${grouped(holder.rows)} of them are held by source ${holder.source}`);
  const counts =
    apiTotal === null ? 'it shows tasks of other sources' : `the API counts ${counted(apiTotal, 'task')}`;
  return { check: `source ${source}`, status: 'ok', detail: `${counts}; ${held.join(', ')}` };
}

async function checkOmitted(context: MirrorCheckContext): Promise<Finding[]> {
  const { omitFields } = context.settings;
  if (omitFields.length === 0) return [];
  const left = await readMirror(context, (reader) => reader.leftovers(omitFields));
  if (left === null) return [];
  const check = 'omitted fields';
  if (left.length === 0)
    return [{ check, status: 'ok', detail: `no values are stored of ${omitFields.join(', ')}` }];
  return [
    {
      check,
      status: 'fail',
      detail: `fields that must not be kept are still in the mirror: ${left.map(leftoverText).join('; ')}`,
      hint: left.some(({ inFreeSpace }) => inFreeSpace)
        ? 'Run "taskmirror sync": each run continues to clear them. The last step needs disk space for two more copies of the mirror, and no program may read it meanwhile.'
        : 'They were stored after the clearing. Run "taskmirror sync --full": it looks for such values and clears them.',
    },
  ];
}

function leftoverText({ field, tasks, changes, rejected, inFreeSpace }: Leftover): string {
  const places = [
    ...(tasks > 0 ? [counted(tasks, 'task')] : []),
    ...(changes > 0 ? [counted(changes, 'change')] : []),
    ...(rejected > 0 ? [counted(rejected, 'rejected row')] : []),
    ...(inFreeSpace ? ['the free space of the file'] : []),
  ];
  return `${field} in ${places.join(', ')}`;
}

/** Reads the mirror; null if the file is missing or unreadable, which another check reports. */
async function readMirror<T>(
  context: MirrorCheckContext,
  read: (reader: MirrorReader) => Promise<T>,
): Promise<T | null> {
  try {
    const reader = await context.openReader();
    try {
      return await read(reader);
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof DatabaseError) return null;
    throw error;
  }
}

/** Returns advice. `isMirrored`: the mirror already knows the settings' source that shows the same API. */
function hintFor(source: string, sameApi: string | undefined, isMirrored: boolean): string {
  const forget = `taskmirror source forget ${source} --yes`;
  if (sameApi === undefined) {
    return `Put the source back into the settings, keep its tasks as an archive, or mark them as removed: ${forget}`;
  }
  return isMirrored
    ? `If it is now called "${sameApi}": run "taskmirror sync", then "${forget}". That hands over the tasks that ` +
        `"${sameApi}" shows too, and marks the rest as removed.`
    : `If it is now called "${sameApi}": taskmirror source rename ${source} ${sameApi}`;
}
