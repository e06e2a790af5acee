import type { Settings } from '../config/settings.ts';
import { DatabaseError } from '../errors.ts';
import type { SourceStatus } from '../ports.ts';
import type { CommandContext } from './context.ts';
import type { Check, Finding } from './doctor.ts';
import { counted } from './output/text.ts';

interface MirrorCheckContext extends Pick<CommandContext, 'openReader'> {
  settings: Pick<Settings, 'sources'>;
}

/** Whether the settings still have the sources whose tasks the mirror holds: no run looks after those of any other. */
export function mirrorChecks(context: MirrorCheckContext): Check[] {
  return [{ name: 'sources', run: () => checkSources(context) }];
}

async function checkSources(context: MirrorCheckContext): Promise<Finding[]> {
  const { sources } = context.settings;
  const names = new Set(sources.map(({ name }) => name));
  const left = (await statusOf(context)).filter(({ source, liveRows }) => liveRows > 0 && !names.has(source));
  return left.map(({ source, baseUrl, liveRows }) => ({
    check: `source ${source}`,
    status: 'warn',
    detail: `not in the settings, so no run looks after its ${counted(liveRows, 'live task')} in the mirror`,
    hint: hintFor(source, sources.find((other) => other.baseUrl === baseUrl)?.name),
  }));
}

/** A file that is not there or cannot be read is the matter of another check. */
async function statusOf(context: MirrorCheckContext): Promise<SourceStatus[]> {
  try {
    const reader = await context.openReader();
    try {
      return await reader.status();
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof DatabaseError) return [];
    throw error;
  }
}

function hintFor(source: string, sameApi: string | undefined): string {
  if (sameApi === undefined) return 'Put the source back into the settings, or take its tasks for a record.';
  return (
    `If it is now called "${sameApi}": run "taskmirror sync", then sqlite3 FILE "update tasks set source = '${sameApi}' ` +
    `where source = '${source}'", then "taskmirror sync --full".`
  );
}
