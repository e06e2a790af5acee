import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { resolveHookSecret } from '../../../config/hook-secret.ts';
import type { HookSettings } from '../../../config/settings.ts';
import { shownHookUrl } from '../../../model/hook-url.ts';
import type { ListedHook } from '../../../render/views/hooks.ts';
import { counted } from '../../../render/text.ts';
import type { CommandContext } from '../../context.ts';
import { listedHooks } from '../hooks/listed.ts';
import { hookNamed, testHook } from '../hooks/test.ts';
import type { Check, Finding } from './doctor.ts';

/** Bytes of a secret that Standard Webhooks asks for at least. */
const LEAST_SECRET_BYTES = 24;

type HookCheckContext = Pick<CommandContext, 'io' | 'clock' | 'signal' | 'settings' | 'engine' | 'hooks'>;

/** Checks each hook's settings and state; `sendTests`: also sends it a test event. */
export function checksOfHooks(context: HookCheckContext, { sendTests }: { sendTests: boolean }): Check[] {
  return context.settings.hooks.map((hook) => ({
    name: `hook ${hook.name}`,
    run: async () => [
      ...(await settingsFindings(hook, context)),
      ...(await stateFindings(hook, context)),
      ...(sendTests ? [await testFinding(hook, context)] : []),
    ],
  }));
}

async function settingsFindings(hook: HookSettings, context: HookCheckContext): Promise<Finding[]> {
  const check = `hook ${hook.name}`;
  const known = new Set(context.settings.sources.map(({ name }) => name));
  const unknown = hook.sources.filter((name) => !known.has(name));
  const ofSources: Finding[] = unknown.map((name) => ({
    check,
    status: 'warn',
    detail: `it waits for events of source "${name}", which the settings do not name`,
    hint: 'Correct "sources" of the hook.',
  }));
  if (hook.url === null) return [await programFinding(hook, context), ...ofSources];
  return [await secretFinding(hook, hook.url, context), ...ofSources];
}

async function secretFinding(
  hook: HookSettings,
  url: string,
  { io, signal }: HookCheckContext,
): Promise<Finding> {
  const check = `hook ${hook.name}`;
  const secret = await resolveHookSecret(hook, { env: io.env, cwd: io.cwd, signal });
  const detail = `${shownHookUrl(url)}, ${hook.format}, ${counted(hook.events.length, 'event name')}`;
  if (secret === null) return { check, status: 'ok', detail };
  const bytes = Buffer.from(secret.value.replace(/^whsec_/, ''), 'base64').length;
  if (bytes < LEAST_SECRET_BYTES) {
    const hint = 'Make another: echo "whsec_$(openssl rand -base64 32)"';
    return { check, status: 'warn', detail: `its secret has only ${counted(bytes, 'byte')}`, hint };
  }
  if (secret.isShared) {
    const hint = 'Run chmod 600 on its file.';
    return { check, status: 'warn', detail: 'other users of this machine can read its secret', hint };
  }
  return { check, status: 'ok', detail };
}

async function programFinding({ name, command }: HookSettings, { io }: HookCheckContext): Promise<Finding> {
  const check = `hook ${name}`;
  const program = command?.[0] ?? '';
  const places = program.includes('/')
    ? [program]
    : (io.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return { check, status: 'ok', detail: `command ${place}` };
  }
  return {
    check,
    status: 'fail',
    detail: `the program ${program} cannot be run`,
    hint: 'Give its path, and make it executable: chmod +x.',
  };
}

async function stateFindings({ name }: HookSettings, context: HookCheckContext): Promise<Finding[]> {
  const hook = (await listedHooks(context)).find((listed) => listed.name === name);
  if (hook === undefined) return [];
  return [...failingFinding(hook), ...asideFinding(hook)];
}

function failingFinding({ name, state, attempts, failingSince, lastError }: ListedHook): Finding[] {
  if (state !== 'failing') return [];
  return [
    {
      check: `hook ${name}`,
      status: 'warn',
      detail: `it has failed ${counted(attempts, 'time')} since ${failingSince}: it ${lastError}`,
      hint: `Correct the receiver; events are tried for 3 days. To try now: taskmirror hooks test ${name}`,
    },
  ];
}

function asideFinding({ name, setAside }: ListedHook): Finding[] {
  if (setAside === 0) return [];
  return [
    {
      check: `hook ${name}`,
      status: 'warn',
      detail: `${counted(setAside, 'event')} given up since it began`,
      hint: `They are in the table hook_failures. To send them again: taskmirror hooks replay ${name} --since SEQ`,
    },
  ];
}

async function testFinding({ name }: HookSettings, context: HookCheckContext): Promise<Finding> {
  const { ok, reason } = await testHook(await hookNamed(context, name), context);
  const check = `hook ${name}`;
  if (ok) return { check, status: 'ok', detail: 'the test event was delivered' };
  return { check, status: 'fail', detail: `the test event failed: it ${reason}`, hint: HINT };
}

const HINT = 'Check the address or the command, and the log of the receiver.';
