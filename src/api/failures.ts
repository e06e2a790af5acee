import { KeyRefusedError } from '../errors.ts';
import { AttemptFailed, BadBodyError } from './attempt.ts';
import type { Answer } from './exchange.ts';
import { oneLine, type Mask } from './text.ts';
import { parseHttpDate } from './time.ts';
import { parseErrorBody } from './wire.ts';

/** What has to be known of a source to say what went wrong with it. */
export interface FailureContext {
  name: string;
  baseUrl: string;
  /** Where the key is kept, for people: "environment variable SIGMIC_API_KEY". */
  keyOrigin: string;
  mask: Mask;
  /** Our own clock in ms: stands in where the server gives no Date. */
  now: () => number;
}

const MAX_SHOWN = 200;

/** Thirty days: a server that asks for more is not taken at its word. */
const MAX_RETRY_AFTER_MS = 30 * 86_400_000;

/** Beyond 5xx: a timeout, a replayed early request, a rate limit. */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

/** Beyond 5xx: a request that the API does not take, or whose answer it finds too large. Another offset or limit it may. */
const OF_PAGE_STATUS: ReadonlySet<number> = new Set([400, 413, 416, 422]);

/** Errors of the network and of broken answers, from Node. A certificate that is not valid is none. */
const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'Z_BUF_ERROR',
  'Z_DATA_ERROR',
]);

/** Returns if the answer is a good one that may be JSON; else throws KeyRefusedError or AttemptFailed. */
export function assertGood(answer: Answer, context: FailureContext): void {
  const { status } = answer;
  if (status >= 200 && status < 300) return assertJsonObject(answer, context.mask);
  const said = describeStatus(answer, context.mask);
  if (status === 401 || status === 403) {
    throw new KeyRefusedError(
      `Source "${context.name}": the API refused the key from ${context.keyOrigin}: ${said}.`,
      { hint: `Put a key that is valid for ${context.baseUrl} into ${context.keyOrigin}.` },
    );
  }
  if (status >= 500 || RETRYABLE_STATUS.has(status)) {
    throw new AttemptFailed(said, {
      retryable: true,
      retryAfterMs: retryAfterMs(answer, context.now),
      isOfPage: status >= 500,
    });
  }
  throw new AttemptFailed(said, {
    retryable: false,
    hint: hintFor(status, context.baseUrl),
    isOfPage: OF_PAGE_STATUS.has(status),
  });
}

/** True where the API itself, and not something in front of it, says that there is no such task. */
export function isTaskMissing(answer: Answer, mask: Mask): boolean {
  return answer.status === 404 && parseErrorBody(answer.text, mask)?.code === 'NOT_FOUND';
}

/** What an exchange threw, without the objects it carries: they may hold headers, and so the key. */
export function fromRequestError(error: unknown, mask: Mask): AttemptFailed {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 5; link = link.cause) chain.push(link);
  const root = chain.at(-1);
  const code = chain.map(codeOf).find((found) => found !== null) ?? null;
  // An answer that is not HTTP has a code of the parser's.
  const retryable = code !== null && (RETRYABLE_CODES.has(code) || code.startsWith('HPE_'));
  const message = oneLine(mask([code, root?.message].filter(Boolean).join(': ')), MAX_SHOWN);
  return retryable
    ? new AttemptFailed(message, { retryable })
    : new AttemptFailed(message, {
        retryable,
        hint: 'Check the base URL, and the certificates of this machine.',
      });
}

function assertJsonObject({ text, headers }: Answer, mask: Mask): void {
  if (/^\s*\{/.test(text)) return;
  // What does not begin as the API's answers do holds no task: a look at it tells who answered instead.
  const type = headers['content-type'] ?? 'no content type';
  throw new BadBodyError(oneLine(mask(`${type}, begins with: ${text}`), MAX_SHOWN));
}

function describeStatus({ status, text, headers }: Answer, mask: Mask): string {
  if (status < 400) return `HTTP ${status}, a redirect to ${hostOf(headers.location, mask)}`;
  const error = parseErrorBody(text, mask);
  const said = error === null ? '' : [error.code, error.message].filter((part) => part !== '').join(': ');
  return said === '' ? `HTTP ${status}` : `HTTP ${status} (${said})`;
}

function hintFor(status: number, baseUrl: string): string {
  if (status < 400) return `Redirects are not followed. Correct the base URL, now ${baseUrl}.`;
  if (status === 404) return `Check the base URL, now ${baseUrl}: the API is not found there.`;
  return 'The API does not accept this request: check that this version of taskmirror is the newest.';
}

/** The host alone: a path or a query may hold what must not be shown. */
function hostOf(location: string | undefined, mask: Mask): string {
  if (location === undefined) return 'nowhere';
  if (mask(location) !== location) return 'an address that repeats the key';
  if (!URL.canParse(location)) return 'another path of the same host';
  return oneLine(new URL(location).host, MAX_SHOWN);
}

/** Retry-After in either form (RFC 9110, 10.2.3); null where there is none that can be read. */
function retryAfterMs({ headers, servedAt }: Answer, now: () => number): number | null {
  const header = headers['retry-after'] ?? '';
  const date = parseHttpDate(header);
  if (date !== null) return Math.min(Math.max(0, date - (servedAt ?? now())), MAX_RETRY_AFTER_MS);
  return /^\d+$/.test(header) ? Math.min(Number(header) * 1000, MAX_RETRY_AFTER_MS) : null;
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
