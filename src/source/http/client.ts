import { checkBaseUrl } from '../../model/base-url.ts';
import { UsageError } from '../../model/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Log } from '../../model/log.ts';
import type { RequestContext, TaskSource } from '../source.ts';
import { createRedactor } from '../../platform/redact.ts';
import type { OmittableField } from '../../model/task.ts';
import { AttemptFailed, BadBodyError } from './attempt.ts';
import { createExchange, type Answer } from './exchange.ts';
import {
  type Asked,
  assertGood,
  type FailureContext,
  failureNamedIn,
  fromRequestError,
  isTaskMissing,
} from './failures.ts';
import { createLimiter } from './limiter.ts';
import { withRetries, type RetryPolicy } from './retry.ts';
import { createBodyParser } from './wire.ts';

/** The settings of an HTTP source. */
export interface HttpSourceOptions {
  /** The source's name, for people. */
  name: string;
  /** With or without a path prefix; {@link checkBaseUrl} defines what is accepted. */
  baseUrl: string;
  /** `origin` says, for people, where the key is kept: "environment variable SIGMIC_API_KEY". */
  key: { value: string; origin: string };
  clock: Clock;
  log: Log;
  /** 0 <= x < 1, for the jitter; Math.random unless given. */
  random?: () => number;
  /** Bound on one attempt, from sending to the last byte. */
  requestTimeoutMs: number;
  /** Bound on all attempts at one request and the waits between them; 0: a single attempt. */
  retryMs: number;
  /** Null: no limit of our own. */
  maxRequestsPerSecond: number | null;
  /** Fields that must not be kept: null in tasks, absent from rejected rows. */
  omit: ReadonlySet<OmittableField>;
  userAgent: string;
}

/**
 * Creates a source that reads the Tasks API over HTTP. It only ever sends GET, and follows no redirect.
 * Throws UsageError at once if the base URL or the key is unusable.
 */
export function createHttpSource(options: HttpSourceOptions): TaskSource {
  const { name, clock, log, random = Math.random, requestTimeoutMs, retryMs, omit } = options;
  const baseUrl = checkBaseUrl(options.baseUrl);
  checkKey(options);
  const redactor = createRedactor();
  redactor.add(options.key.value);
  const mask = (text: string) => redactor.redact(text);
  const bodies = createBodyParser(omit);
  const limiter = createLimiter(options.maxRequestsPerSecond, clock);
  const origin = { source: name, baseUrl, keyOrigin: options.key.origin };
  const policy: RetryPolicy = { origin, clock, log, limiter, random, requestTimeoutMs, retryMs };
  const failure: FailureContext = { origin, mask, now: () => clock.now() };
  const exchange = createExchange(baseUrl);
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${options.key.value}`,
    'user-agent': options.userAgent,
  };

  /** Does one exchange, within `timeoutMs`. */
  async function send(path: string, context: RequestContext, timeoutMs: number): Promise<Answer> {
    const timeout = clock.timeout(timeoutMs);
    context.onRequest?.();
    try {
      const answer = await exchange(path, headers, AbortSignal.any([context.signal, timeout]));
      if (answer.status === 429 || answer.headers['retry-after'] !== undefined) context.onPushback?.();
      return answer;
    } catch (error) {
      context.signal.throwIfAborted();
      if (timeout.aborted) {
        throw new AttemptFailed(`no complete answer within ${timeoutMs} ms`, {
          reason: { code: 'api_unreachable', why: 'timeout' },
          retryable: true,
          tookMs: timeoutMs,
          isOfPage: true,
        });
      }
      throw error instanceof AttemptFailed ? error : fromRequestError(error, mask);
    }
  }

  function ask<T>(path: string, context: RequestContext, read: (answer: Answer) => T): Promise<T> {
    const { signal, patience } = context;
    return withRetries(policy, { path, signal, patience }, async (timeoutMs) =>
      read(await send(path, context, timeoutMs)),
    );
  }

  /** Reads the body of a good answer. */
  function readBody<T>(answer: Answer, asked: Asked, read: (text: string) => T): T {
    assertGood(answer, asked, failure);
    try {
      return read(answer.text);
    } catch (error) {
      throw (error instanceof BadBodyError ? failureNamedIn(answer, asked, failure) : null) ?? error;
    }
  }

  return {
    list: ({ limit, offset }, context) =>
      ask(`/api/v1/tasks?limit=${limit}&offset=${offset}`, context, (answer) => ({
        ...readBody(answer, 'list', (text) => bodies.list(text)),
        servedAt: answer.servedAt,
      })),

    get: (id, context) =>
      ask(`/api/v1/tasks/${encodeURIComponent(id)}`, context, (answer) => {
        if (isTaskMissing(answer, mask)) return null;
        const detail = readBody(answer, 'task', (text) => bodies.detail(text));
        if ('rejected' in detail) return { rejected: { ...detail.rejected, id } };
        if (detail.id !== id) throw new BadBodyError('a different task than the one requested');
        return detail;
      }),
  };
}

/** Throws UsageError unless the key is printable ASCII without a space. */
function checkKey({ name, key }: HttpSourceOptions): void {
  if (/^[\x21-\x7e]+$/.test(key.value)) return;
  throw new UsageError(
    'key_malformed',
    { source: name, origin: key.origin },
    `Source "${name}": the key from ${key.origin} is empty or holds a space, a line break or a character beyond ASCII.`,
  );
}
