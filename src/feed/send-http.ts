import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { isLoopback } from '../model/base-url.ts';
import type { Clock } from '../model/clock.ts';
import type { Sent } from './sender.ts';

/** An `import` would also load Node's fetch: see source/http/exchange.ts. */
const require = createRequire(import.meta.url);

/** Time for one attempt, from connecting to the answer's last byte that is read, in ms. */
const TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read, so that its connection can be used again. The status alone counts. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** The longest pause that a receiver can ask for, in ms. */
const LONGEST_RETRY_AFTER_MS = 86_400_000;

export interface Post {
  /** https, or http to a loopback host. */
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/**
 * Sends one POST and reads the status of the answer: 2xx is delivered, 410 is gone, everything else, and no
 * answer in time, is a failure. Follows no redirect. Throws the signal's reason if that aborts.
 */
export async function post(
  request: Post,
  { clock, signal }: { clock: Pick<Clock, 'now' | 'timeout'>; signal: AbortSignal },
): Promise<Sent> {
  signal.throwIfAborted();
  const timeout = clock.timeout(TIMEOUT_MS);
  const within = AbortSignal.any([signal, timeout]);
  try {
    const answer = await exchange(request, within);
    await drain(answer, within);
    return judged(answer, clock.now());
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return failed(`gave no answer within ${TIMEOUT_MS / 1_000} s`);
    return failed(`could not be reached (${codeOf(error)})`);
  }
}

function exchange({ url, headers, body }: Post, signal: AbortSignal): Promise<IncomingMessage> {
  const { protocol, hostname } = new URL(url);
  const http = require(protocol === 'https:' ? 'node:https' : 'node:http') as typeof import('node:http');
  const length = String(Buffer.byteLength(body));
  const options = {
    method: 'POST',
    headers: { ...headers, 'content-length': length },
    signal,
    // Node's own agent may go through a proxy, which has another loopback host.
    ...(isLoopback(hostname) ? { agent: directAgent(http) } : {}),
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = http.request(url, options, resolve);
    // The listener stays for errors after the answer: the reader of the body gets those.
    request.on('error', reject);
    // Node has neither an answer nor an error for a server that switches to another protocol (status 101).
    request.once('close', () => reject(Object.assign(new Error('no answer came'), { code: 'ECONNRESET' })));
    request.end(body);
  });
}

function directAgent(http: typeof import('node:http')): Agent {
  return new http.Agent({ keepAlive: false });
}

/** Reads a bounded part of the body, and drops the connection if there is more or it breaks off. */
async function drain(answer: IncomingMessage, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  const stop = (): void => void answer.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER_BYTES) return;
    }
  } catch {
    // The status is known.
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

function judged({ statusCode = 0, headers }: IncomingMessage, now: number): Sent {
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'delivered' };
  if (statusCode === 410) return { outcome: 'gone', reason: 'answered 410 (gone)' };
  if (statusCode >= 300 && statusCode < 400) {
    return failed(`answered ${statusCode}: it redirects, and redirects are not followed`);
  }
  return failed(`answered ${statusCode}`, retryAfterMs(headers['retry-after'], now));
}

function failed(reason: string, retryAfter: number | null = null): Sent {
  return { outcome: 'failed', reason, retryAfterMs: retryAfter };
}

/** Returns the wait that a Retry-After asks for: whole seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS) : null;
}

/** Returns the code alone: messages may repeat the address. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown reason';
}
