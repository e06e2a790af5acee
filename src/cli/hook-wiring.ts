import { resolveHookSecret } from '../config/hook-secret.ts';
import type { HookSettings } from '../config/settings.ts';
import type { Hook } from '../feed/delivery.ts';
import { createSender } from '../feed/sender.ts';
import type { Clock } from '../model/clock.ts';
import type { HookTarget } from '../model/hook.ts';
import { secretsOfHookUrl } from '../model/hook-url.ts';
import type { Log } from '../model/log.ts';
import { VERSION } from '../model/version.ts';
import type { Redactor } from '../platform/redact.ts';
import type { Io } from '../platform/terminal.ts';

export interface HookWiring {
  io: Pick<Io, 'env' | 'cwd'>;
  signal: AbortSignal;
  /** Receives every secret before it is used. */
  redactor: Pick<Redactor, 'add'>;
  clock: Clock;
  log: Log;
  /** Takes warnings for a person, each once. They hold no part of a secret. */
  warn: (text: string) => void;
}

/** Wires hooks as the settings say. The secret of each is looked for whenever something is sent. */
export function wireHooks(settings: readonly HookSettings[], wiring: HookWiring): Hook[] {
  return settings.map((hook) => wireHook(hook, wiring));
}

function wireHook(hook: HookSettings, { io, signal, redactor, clock, log, warn }: HookWiring): Hook {
  const { name, events, sources, afterSeconds, maxPerRun } = hook;
  for (const secret of hook.url === null ? [] : secretsOfHookUrl(hook.url)) redactor.add(secret);
  const send = createSender(name, targetOf(hook), {
    clock,
    env: io.env,
    cwd: io.cwd,
    userAgent: `taskmirror/${VERSION}`,
    onOutput: (line) => log.warn({ hook: name, stderr: line }, 'the command of a hook wrote to stderr'),
    async secret() {
      const secret = await resolveHookSecret(hook, { env: io.env, cwd: io.cwd, signal });
      if (secret === null) return null;
      redactor.add(secret.value);
      redactor.add(secret.value.replace(/^whsec_/, ''));
      if (secret.isShared) {
        warn(`Other users of this machine can read the secret of hook "${name}": chmod 600 its file.`);
      }
      return secret.value;
    },
  });
  return { rules: { name, events, sources, afterMs: afterSeconds * 1_000, maxPerRun }, send };
}

function targetOf({ url, command, format }: HookSettings): HookTarget {
  if (url !== null) return { kind: 'url', url, format };
  const [program = '', ...words] = command ?? [];
  return { kind: 'command', command: [program, ...words] };
}
