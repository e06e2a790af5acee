import type { Command } from 'commander';
import type { SettingsFlags } from '../config/settings.ts';
import type { CopyFlags } from './commands/copy.ts';
import type { CopyPlace } from './copy-place.ts';
import type { StatusFlags } from './commands/status.ts';
import type { SyncFlags } from './commands/sync.ts';
import type { ListedHook } from '../render/views/hooks.ts';
import type { CommandContext } from './context.ts';
import { EXAMPLES } from './examples.ts';
import { addHooks } from './hooking.ts';
import { doctorChecks, openCopyOrigin, openCopyTarget } from './wire.ts';
import type { Wiring } from './wiring.ts';

/** Adds the commands that keep the mirror and report its state. */
export function addMirroring(wiring: Wiring): void {
  addSync(wiring);
  addDaemon(wiring);
  addStatus(wiring);
  addVerify(wiring);
  addDoctor(wiring);
  addHooks(wiring);
  addSnapshot(wiring);
  addCopy(wiring);
  addSource(wiring);
}

function addSync({ program, app, finish }: Wiring): void {
  program
    .command('sync')
    .description('bring the mirror up to date, once')
    .option('--full', 'walk the whole list: find every edit, remove what is gone')
    .option('--allow-removals', 'with --full: skip the removal safety limit')
    .option('--dry-run', 'read and plan, but write nothing')
    .option('--json', 'print the result as one JSON object')
    .addHelpText('after', EXAMPLES.sync)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & Partial<SyncFlags>>();
      const { full, allowRemovals, dryRun } = flags;
      const { sync } = await import('./commands/sync.ts');
      finish(await sync(await app(flags), { json: flags.json === true, full, allowRemovals, dryRun }));
    });
}

function addDaemon({ program, app, finish }: Wiring): void {
  program
    .command('daemon')
    .description('keep the mirror up to date, on a schedule, until stopped')
    .addHelpText('after', EXAMPLES.daemon)
    .action(async (_options, command: Command) => {
      const { daemon } = await import('./commands/daemon.ts');
      const { followSchedule } = await import('../daemon/schedule.ts');
      const context = await app(command.optsWithGlobals<SettingsFlags>(), 'info');
      finish(await daemon({ ...context, followSchedule }));
    });
}

function addStatus({ program, app, finish }: Wiring): void {
  program
    .command('status')
    .description('show what is mirrored, how fresh it is, and what is unproven')
    .option('--json', 'print one JSON object')
    .option('--max-age <time>', 'exit with code 6 if the last success is older: 15m, 2h, 1d')
    .addHelpText('after', EXAMPLES.status)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & Partial<StatusFlags>>();
      const { status } = await import('./commands/status.ts');
      const context = await app(flags);
      const hooks = await hooksOf(context);
      finish(await status(context, { json: flags.json === true, maxAge: flags.maxAge, hooks }));
    });
}

/** Without hooks in the settings, nothing of what reads them is loaded. */
async function hooksOf(context: CommandContext): Promise<ListedHook[]> {
  if (context.settings.hooks.length === 0) return [];
  const { listedHooks } = await import('./commands/hooks/listed.ts');
  return listedHooks(context);
}

function addVerify({ program, app, finish }: Wiring): void {
  program
    .command('verify')
    .description('compare the mirror with the whole list, field by field, without writing')
    .option('--quick', 'check the database itself only; ask no API')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES.verify)
    .action(async (_options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & { json?: true; quick?: true }>();
      const { verify } = await import('./commands/verify.ts');
      const context = await app(flags);
      finish(await verify(context, { json: flags.json === true, quick: flags.quick === true }));
    });
}

function addDoctor({ program, io, app, finish }: Wiring): void {
  program
    .command('doctor')
    .description('check settings, keys, the API, the clock, the database and the disk')
    .option('--hooks', 'send each hook a test event')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES.doctor)
    .action(async (_options, command: Command) => {
      const { json, hooks, ...flags } = command.optsWithGlobals<
        SettingsFlags & { json?: true; hooks?: true }
      >();
      const { doctor } = await import('./commands/doctor/doctor.ts');
      const context = await app(flags);
      const checks = await doctorChecks(context, { sendTests: hooks === true });
      finish(await doctor(io, checks, { json: json === true }));
    });
}

function addSnapshot({ program, app, finish }: Wiring): void {
  program
    .command('snapshot')
    .description('copy the current mirror into one file that others can read')
    .argument('<file>', 'the new file; it must not exist yet')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES.snapshot)
    .action(async (file: string, _options, command: Command) => {
      const flags = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { snapshot } = await import('./commands/snapshot.ts');
      finish(await snapshot(await app(flags), file, { json: flags.json === true }));
    });
}

function addCopy({ program, app, finish }: Wiring): void {
  program
    .command('copy')
    .description('move a mirror between a file and PostgreSQL, or to another place')
    .option('--from <file or URL>', 'the mirror to copy: a file, or postgres://USER@HOST/DATABASE')
    .option('--to <file or URL>', 'its copy; no mirror may be there yet')
    .option('--from-schema <name>', 'its schema in PostgreSQL (default: the setting schema)')
    .option('--to-schema <name>', 'the schema of the copy (default: the setting schema)')
    .option('--json', 'print one object')
    .addHelpText('after', EXAMPLES.copy)
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & Partial<CopyFlags>>();
      const { copy } = await import('./commands/copy.ts');
      const context = await app(flags);
      const parts = {
        ...context,
        openOrigin: (place: CopyPlace) => openCopyOrigin(place, context),
        openTarget: (place: CopyPlace, origin: string) => openCopyTarget(place, origin, context),
      };
      finish(await copy(parts, { ...flags, json: json === true }));
    });
}

function addSource({ program, app, finish }: Wiring): void {
  const source = program
    .command('source')
    .description('list, rename, move or forget the sources in the mirror')
    .addHelpText('after', EXAMPLES.source);
  source
    .command('list')
    .description('list the sources in the mirror, and whether the settings name them')
    .option('--json', 'print one JSON object')
    .action(async (_options, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<SettingsFlags & { json?: true }>();
      const { sourceList } = await import('./commands/source.ts');
      finish(await sourceList(await app(flags), { json: json === true }));
    });
  source
    .command('rename')
    .description('rename a source; its tasks and its ledger stay')
    .argument('<old>', 'its name in the mirror')
    .argument('<new>', 'a name that is not in use')
    .action(async (name: string, to: string, _options, command: Command) => {
      const { sourceRename } = await import('./commands/source.ts');
      finish(await sourceRename(await app(command.optsWithGlobals<SettingsFlags>()), name, to));
    });
  source
    .command('move')
    .description('record a new base URL for the same list')
    .argument('<name>', 'its name in the mirror')
    .argument('<url>', 'the new base URL')
    .action(async (name: string, url: string, _options, command: Command) => {
      const { sourceMove } = await import('./commands/source.ts');
      finish(await sourceMove(await app(command.optsWithGlobals<SettingsFlags>()), name, url));
    });
  source
    .command('forget')
    .description('forget a source; its live tasks are handed over or marked as removed')
    .argument('<name>', 'its name in the mirror')
    .option('--yes', 'forget it even if it still holds live tasks')
    .action(async (name: string, _options, command: Command) => {
      const { yes, ...flags } = command.optsWithGlobals<SettingsFlags & { yes?: true }>();
      const { sourceForget } = await import('./commands/source.ts');
      finish(await sourceForget(await app(flags), name, { yes: yes === true }));
    });
}
