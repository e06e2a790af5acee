import type { Clock } from '../model/clock.ts';
import type { HookTarget } from '../model/hook.ts';
import type { HookMessage } from './message.ts';
import { slackText } from './slack.ts';
import { signatureHeaders } from './standard.ts';

/** How an attempt ended. Reasons hold no secret and nothing of the answer. */
export type Sent =
  | { outcome: 'delivered' }
  /** `retryAfterMs`: how long the receiver asked to wait; null if it did not ask. */
  | { outcome: 'failed'; reason: string; retryAfterMs: number | null }
  /** The receiver wants no event any more. */
  | { outcome: 'gone'; reason: string };

/**
 * Makes one attempt to deliver a message. Throws the signal's reason if that aborts; then it is open whether the
 * message has arrived.
 */
export type Send = (message: HookMessage, signal: AbortSignal) => Promise<Sent>;

export interface SenderDeps {
  clock: Clock;
  /** Gets the secret that signs; null if there is none. Throws UsageError. */
  secret: () => Promise<string | null>;
  /** The environment for a command, of which it gets a part. */
  env: Readonly<Record<string, string | undefined>>;
  /** The folder in which a command runs; null: this process's. */
  cwd: string | null;
  userAgent: string;
  /** Takes the last line that a command which failed wrote to stderr. */
  onOutput: (line: string) => void;
}

/** Creates the way to a hook. Its parts are loaded for the first message. */
export function createSender(hook: string, target: HookTarget, deps: SenderDeps): Send {
  if (target.kind === 'command') {
    return async (message, signal) => {
      const { runCommand } = await import('./run-command.ts');
      return runCommand(target.command, { hook, message }, { ...deps, signal });
    };
  }
  return async (message, signal) => {
    const { post } = await import('./send-http.ts');
    const headers = { 'content-type': 'application/json', 'user-agent': deps.userAgent };
    if (target.format === 'slack') {
      return post({ url: target.url, headers, body: slackText(message.body) }, { ...deps, signal });
    }
    const secret = await deps.secret();
    const signed = secret === null ? {} : signatureHeaders(secret, message, deps.clock.now());
    return post(
      { url: target.url, headers: { ...headers, ...signed }, body: message.text },
      { ...deps, signal },
    );
  };
}
