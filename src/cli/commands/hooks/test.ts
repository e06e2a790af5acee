import { UsageError } from '../../../model/errors.ts';
import type { Hook } from '../../../feed/delivery.ts';
import { testMessage } from '../../../feed/message.ts';
import type { Sent } from '../../../feed/sender.ts';
import { printable } from '../../../render/text.ts';
import { writeAll } from '../../../render/write.ts';
import type { CommandContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit.ts';

/** The output of `hooks test --json`: a contract that only ever gains fields. */
export interface HookTested {
  hook: string;
  ok: boolean;
  /** The id of the event. */
  id: string;
  /** Why it was not delivered; null if it was. */
  reason: string | null;
}

/**
 * `taskmirror hooks test`: sends one hook an event that only tests the way. Exit code 6 if it is not delivered.
 * Throws UsageError if no hook has that name, or its secret is not there.
 */
export async function hooksTest(
  context: Pick<CommandContext, 'io' | 'clock' | 'signal' | 'settings' | 'hooks'>,
  name: string,
  { json }: { json: boolean },
): Promise<ExitCode> {
  const hook = await hookNamed(context, name);
  const tested = await testHook(hook, context);
  const said = tested.ok ? 'the test event was delivered' : `the test event failed: it ${tested.reason}`;
  await writeAll(context.io.stdout, [
    json ? `${JSON.stringify(tested, null, 2)}\n` : `hook "${printable(name)}": ${printable(said)}\n`,
  ]);
  return tested.ok ? EXIT.done : EXIT.differences;
}

/** Sends a hook a test event. Throws UsageError if its secret is not there. */
export async function testHook(
  { rules, send }: Hook,
  { clock, signal }: Pick<CommandContext, 'clock' | 'signal'>,
): Promise<HookTested> {
  const message = testMessage(rules.name, clock.now());
  const sent: Sent = await send(message, signal);
  const reason = sent.outcome === 'delivered' ? null : sent.reason;
  return { hook: rules.name, ok: reason === null, id: message.id, reason };
}

/** Returns the hook of that name. Throws UsageError if the settings have none. */
export async function hookNamed(
  context: Pick<CommandContext, 'settings' | 'hooks'>,
  name: string,
): Promise<Hook> {
  const hooks = await context.hooks();
  const hook = hooks.find(({ rules }) => rules.name === name);
  if (hook !== undefined) return hook;
  const known = hooks.map(({ rules }) => rules.name);
  throw new UsageError(
    'hook_unknown',
    { hook: name, known },
    `the settings have no hook "${name.slice(0, 100)}"`,
  );
}
