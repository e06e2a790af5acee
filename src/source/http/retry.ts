import pRetry from 'p-retry';

import type { RequestFacts } from '../../model/error-facts.ts';
import { ApiFailedError, PageFailedError } from '../../model/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Log } from '../../model/log.ts';
import { AttemptFailed } from './attempt.ts';
import type { Limiter } from './limiter.ts';

/** How often, how long and how fast a source is asked. */
export interface RetryPolicy {
  /** Who is asked, and where the key is kept: what an error says of the source. */
  origin: Pick<RequestFacts, 'source' | 'baseUrl' | 'keyOrigin'>;
  clock: Clock;
  log: Log;
  limiter: Limiter;
  /** 0 <= x < 1, for the jitter. */
  random: () => number;
  /** Bound on one attempt. */
  requestTimeoutMs: number;
  /**
   * Bound on all attempts at one request and the waits between them; 0: a single attempt with only its own
   * bound. Waiting for the rate limit is not counted.
   */
  retryMs: number;
}

/** The request to make. */
export interface RetryRequest {
  path: string;
  signal: AbortSignal;
  /** Share of the policy's time that this request may take, above 0 and at most 1; default 1. */
  patience?: number | undefined;
}

const MAX_ATTEMPTS = 12;
/** Least time of a request in ms, however small its share, unless the policy gives it less. */
const LEAST_MS = 1_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/**
 * Makes attempts until one succeeds, fails for good, or the bounds of the policy are reached. `attempt` gets
 * the time that it may take, and throws AttemptFailed if the policy is to judge. Throws ApiFailedError, the
 * signal's reason, or whatever else `attempt` throws.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  request: RetryRequest,
  attempt: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const retryMs = Math.max(policy.retryMs * (request.patience ?? 1), Math.min(policy.retryMs, LEAST_MS));
  let attempts = 0;
  // Summed up, because our clock may jump; the waits count as what we asked it for.
  let spentMs = 0;

  const timed = async (): Promise<T> => {
    await policy.limiter.turn(request.signal);
    attempts += 1;
    const began = uptimeMs();
    let tookMs = 0;
    const leftMs = retryMs === 0 ? Infinity : retryMs - spentMs;
    try {
      return await attempt(Math.max(1, Math.ceil(Math.min(policy.requestTimeoutMs, leftMs))));
    } catch (error) {
      if (error instanceof AttemptFailed) tookMs = error.tookMs;
      throw error;
    } finally {
      spentMs += Math.max(tookMs, uptimeMs() - began);
    }
  };

  /** Waits if another attempt is worth it and fits; else returns false. */
  const shouldRetry = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof AttemptFailed) || !error.retryable) return false;
    const waitMs = Math.ceil(Math.max(backoffMs(attempts, policy.random()), error.retryAfterMs ?? 0));
    if (spentMs + waitMs >= retryMs) return false;
    const fields = {
      source: policy.origin.source,
      path: request.path,
      attempt: attempts,
      waitMs,
      cause: error.message,
    };
    policy.log.warn(fields, 'A request failed and will be repeated');
    await policy.clock.sleep(waitMs, request.signal);
    spentMs += waitMs;
    return true;
  };

  try {
    return await pRetry(timed, {
      retries: MAX_ATTEMPTS - 1,
      minTimeout: 0,
      signal: request.signal,
      shouldRetry: ({ error }) => shouldRetry(error),
    });
  } catch (error) {
    if (!(error instanceof AttemptFailed)) throw error;
    throw failed(policy, request.path, error, attempts, spentMs);
  }
}

/** Returns an exponential backoff with full jitter: a random part of 500 ms, 1 s, 2 s, ... 30 s. */
function backoffMs(attempts: number, random: number): number {
  return random * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempts - 1));
}

/** A clock that no one sets. Unlike `performance`, it is there at the start. */
function uptimeMs(): number {
  return 1_000 * process.uptime();
}

function failed(policy: RetryPolicy, path: string, last: AttemptFailed, attempts: number, spentMs: number) {
  const tries = attempts === 1 ? 'once' : `${attempts} times in ${(spentMs / 1000).toFixed(1)} s`;
  const { origin } = policy;
  const message = `Source "${origin.source}": GET ${path} was tried ${tries} and failed: ${last.message}.`;
  const { code, ...reason } = last.reason;
  const facts = { ...origin, path, attempts, retryAfterMs: last.retryAfterMs, ...reason };
  return last.isOfPage
    ? new PageFailedError(code, facts, message, { isTooLarge: last.isTooLarge })
    : new ApiFailedError(code, facts, message);
}
