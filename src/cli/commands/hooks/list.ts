import { hooksText } from '../../../render/views/hooks.ts';
import { writeAll } from '../../../render/write.ts';
import type { CommandContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import { listedHooks } from './listed.ts';

/** `taskmirror hooks`: lists the hooks, and where each is in the feed. Throws DatabaseError. */
export async function hooksList(
  context: Pick<CommandContext, 'io' | 'clock' | 'engine' | 'settings'>,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const hooks = await listedHooks(context);
  const text = json ? `${JSON.stringify({ hooks }, null, 2)}\n` : hooksText(hooks, context.clock.now());
  await writeAll(context.io.stdout, [text]);
  return EXIT.done;
}
