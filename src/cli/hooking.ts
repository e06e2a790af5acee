import type { Command } from 'commander';
import type { SettingsFlags } from '../config/settings.ts';
import { EXAMPLES } from './examples.ts';
import type { Wiring } from './wiring.ts';

/** Adds the commands about hooks. */
export function addHooks({ program, app, finish }: Wiring): void {
  const hooks = program
    .command('hooks')
    .description('list hooks, test them, or tell them again what happened')
    .addHelpText('after', EXAMPLES.hooks);
  hooks
    .command('list', { isDefault: true })
    .description('list the hooks, and how far each has been told')
    .option('--json', 'print one JSON object')
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { hooksList } = await import('./commands/hooks/list.ts');
      finish(await hooksList(await app(flags), { json: json === true }));
    });
  hooks
    .command('test')
    .description('send a hook an event that says that nothing has happened')
    .argument('<name>', 'its name in the settings')
    .option('--json', 'print one JSON object')
    .action(async (name: string, _options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { hooksTest } = await import('./commands/hooks/test.ts');
      finish(await hooksTest(await app(flags), name, { json: json === true }));
    });
  hooks
    .command('replay')
    .description('tell a hook again what happened after a change')
    .argument('<name>', 'its name in the settings')
    .requiredOption('--since <seq>', 'the last change not to tell again: its number, or start')
    .option('--json', 'print one JSON object')
    .action(async (name: string, _options, command: Command) => {
      const { json, since, ...flags } = command.optsWithGlobals<
        SettingsFlags & { json?: true; since: string }
      >();
      const { hooksReplay } = await import('./commands/hooks/replay.ts');
      finish(await hooksReplay(await app(flags), name, { since, json: json === true }));
    });
}
