import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import { utcText } from '../model/task.ts';
import { TaskmirrorError } from '../model/errors.ts';
import type { HookClaim, HookFailure, HookPlace } from '../store/hooks.ts';
import type { HookMessage } from './message.ts';
import { isGivenUp, pauseAfter } from './pause.ts';
import type { Send, Sent } from './sender.ts';

/** A message, and what its delivery changes. */
export interface Item {
  message: HookMessage;
  /** Where the hook is once this is done. */
  place: HookPlace;
  /** When it became due, in ms. */
  dueAt: number;
  failure: Pick<HookFailure, 'seq' | 'source' | 'taskId'>;
}

export interface AttemptDeps {
  clock: Pick<Clock, 'now'>;
  log: Log;
  /** 0 <= x < 1, for the jitter. */
  random: () => number;
}

/**
 * `done`: delivered, or set aside; `paused`: it failed, and is tried again at `until`, ms; `lost`: another
 * process has the hook now.
 */
export type Attempted =
  { end: 'done'; isDelivered: boolean } | { end: 'paused'; until: number } | { end: 'lost' };

/** The attempts of one process at the events of one hook, under its lease. */
export class Attempts {
  readonly #claim: HookClaim;
  readonly #send: Send;
  readonly #deps: AttemptDeps;
  #failures: number;
  #failingSince: number | null;

  constructor(claim: HookClaim, send: Send, deps: AttemptDeps) {
    this.#claim = claim;
    this.#send = send;
    this.#deps = deps;
    this.#failures = claim.state.attempts;
    const since = claim.state.failingSince;
    this.#failingSince = since === null ? null : Date.parse(since);
  }

  /**
   * Makes one attempt, and makes its end durable. Throws DatabaseError, and the signal's reason unless that is a
   * time limit.
   */
  async make(item: Item, signal: AbortSignal): Promise<Attempted> {
    const sent = await this.#sent(item.message, signal);
    return sent.outcome === 'delivered' ? this.#delivered(item) : this.#failed(item, sent);
  }

  /**
   * A secret that is not there is a failure like others: somebody may put it there. So is an attempt that the
   * signal's own time limit ends: who hangs must not look as if he was never asked.
   */
  async #sent(message: HookMessage, signal: AbortSignal): Promise<Sent> {
    try {
      return await this.#send(message, signal);
    } catch (error) {
      if (isTimeUp(signal)) return failedBy('gave no answer in the time that was left');
      signal.throwIfAborted();
      if (!(error instanceof TaskmirrorError)) throw error;
      return failedBy(error.message);
    }
  }

  async #delivered({ message, place }: Item): Promise<Attempted> {
    const { hook } = this.#claim.state;
    const now = this.#deps.clock.now();
    if (!(await this.#claim.delivered(place, utcText(now)))) return { end: 'lost' };
    if (this.#failures > 0) this.#deps.log.info({ hook }, 'the hook works again');
    this.#failures = 0;
    this.#failingSince = null;
    this.#deps.log.debug({ hook, event: message.body.type, id: message.id }, 'an event was delivered');
    return { end: 'done', isDelivered: true };
  }

  async #failed(item: Item, sent: Exclude<Sent, { outcome: 'delivered' }>): Promise<Attempted> {
    const { clock, log, random } = this.#deps;
    const { hook } = this.#claim.state;
    const now = clock.now();
    this.#failures += 1;
    this.#failingSince ??= now;
    const retryAfterMs = sent.outcome === 'failed' ? sent.retryAfterMs : null;
    const pauseMs = pauseAfter(this.#failures, random(), retryAfterMs);
    const trouble = {
      attempts: this.#failures,
      failingSince: utcText(this.#failingSince),
      nextAttemptAt: utcText(now + pauseMs),
      lastError: sent.reason,
    };
    const { type } = item.message.body;
    const fields = { hook, event: type, id: item.message.id, cause: sent.reason };
    if (sent.outcome === 'gone' || isGivenUp(item.dueAt, this.#failingSince, now)) {
      const failure: HookFailure = {
        ...item.failure,
        hook,
        eventId: item.message.id,
        type,
        givenUpAt: utcText(now),
        reason: sent.reason,
      };
      // The next event is tried at once.
      const goOn = { ...trouble, nextAttemptAt: utcText(now) };
      if (!(await this.#claim.setAside(item.place, failure, goOn))) return { end: 'lost' };
      log.error(fields, 'an event was given up: it is in hook_failures');
      return { end: 'done', isDelivered: false };
    }
    if (!(await this.#claim.failed(trouble))) return { end: 'lost' };
    log.warn({ ...fields, failures: this.#failures, pauseMs }, 'a hook failed and is tried again');
    return { end: 'paused', until: now + pauseMs };
  }
}

function failedBy(reason: string): Sent {
  return { outcome: 'failed', reason, retryAfterMs: null };
}

/** Returns whether a signal was aborted by a time limit, and not because somebody stops the program. */
function isTimeUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DOMException && reason.name === 'TimeoutError';
}
