import type { RequestFacts } from '../../model/error-facts.ts';
import { KeyRefusedError } from '../../model/errors.ts';
import { AttemptFailed, BadBodyError } from './attempt.ts';
import type { Answer } from './exchange.ts';
import { isGood, meaningOf } from './statuses.ts';
import { oneLine, type Mask } from './text.ts';
import { parseHttpDate } from './time.ts';
import { parseErrorBody } from './wire.ts';

/** The facts about a source that its failures mention. */
export interface FailureContext {
  /** `keyOrigin`: where the key is kept, for people: "environment variable SIGMIC_API_KEY". */
  origin: Pick<RequestFacts, 'source' | 'baseUrl' | 'keyOrigin'>;
  mask: Mask;
  /** Our own clock in ms, used if the server gives no Date. */
  now: () => number;
}

const MAX_SHOWN = 200;

/** Longest wait that a server may ask for: thirty days. */
const MAX_RETRY_AFTER_MS = 30 * 86_400_000;

/** Node's codes for errors of the network and for broken answers. An invalid certificate is not one. */
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

/** Besides 5xx: the API refuses the request, or its answer is too large. Another offset or limit may work. */
const OF_PAGE_STATUS: ReadonlySet<number> = new Set([400, 413, 416, 422]);

/** The thing asked for: the list, or one task. */
export type Asked = 'list' | 'task';

/** Returns if the answer is good and may be JSON; else throws KeyRefusedError or AttemptFailed. */
export function assertGood(answer: Answer, asked: Asked, context: FailureContext): void {
  if (!isGood(answer.status)) throw failureOf(answer, asked, context);
  assertJsonObject(answer, context.mask);
}

/** Returns the failure that a body names despite a good status (`success: false`); null if it names none. */
export function failureNamedIn(answer: Answer, asked: Asked, context: FailureContext): Error | null {
  return parseErrorBody(answer.text, context.mask) === null ? null : failureOf(answer, asked, context);
}

/** Returns whether the API itself, and not something in front of it, says that there is no such task. */
export function isTaskMissing(answer: Answer, mask: Mask): boolean {
  return answer.status === 404 && parseErrorBody(answer.text, mask)?.code === 'NOT_FOUND';
}

function failureOf(answer: Answer, asked: Asked, context: FailureContext): Error {
  const error = parseErrorBody(answer.text, context.mask);
  const waitMs = retryAfterMs(answer, context.now);
  const { meaning, status } = meaningOf(answer.status, { code: error?.code, retryAfterMs: waitMs });
  const said = describe(answer, error, context.mask);
  const reason = { code: 'api_status', status, isApi: error !== null } as const;
  if (meaning === 'temporary') {
    return new AttemptFailed(said, {
      reason,
      retryable: true,
      retryAfterMs: waitMs,
      isOfPage: status >= 500,
    });
  }
  if (meaning === 'refused' && (status === 401 || asked === 'list')) {
    const { source, keyOrigin } = context.origin;
    return new KeyRefusedError(
      'key_refused',
      context.origin,
      `Source "${source}": the API refused the key from ${keyOrigin}: ${said}.`,
    );
  }
  const isOfPage = OF_PAGE_STATUS.has(status);
  return new AttemptFailed(said, { reason, retryable: false, isOfPage, isTooLarge: status === 413 });
}

/** Describes what an exchange threw, without the objects it carries: they may hold headers, so the key. */
export function fromRequestError(error: unknown, mask: Mask): AttemptFailed {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 5; link = link.cause) chain.push(link);
  const root = chain.at(-1);
  const code = chain.map(codeOf).find((found) => found !== null) ?? null;
  // The parser gives its own code to an answer that is not HTTP.
  const retryable = code !== null && (RETRYABLE_CODES.has(code) || code.startsWith('HPE_'));
  const message = oneLine(mask([code, root?.message].filter(Boolean).join(': ')), MAX_SHOWN);
  if (code === 'ERR_PROXY_TUNNEL') return fromProxy(message, root);
  const why = retryable ? 'network' : 'setup';
  return new AttemptFailed(message, { reason: { code: 'api_unreachable', why }, retryable });
}

/**
 * Describes a proxy that did not lead to the API. Its message names the proxy's host and port, no password.
 */
function fromProxy(message: string, error: Error | undefined): AttemptFailed {
  const status = error !== undefined && 'statusCode' in error ? Number(error.statusCode) : NaN;
  const wantsLogin = status === 407;
  const why = wantsLogin ? 'proxy_login' : 'proxy';
  return new AttemptFailed(message, { reason: { code: 'api_unreachable', why }, retryable: !wantsLogin });
}

function assertJsonObject(answer: Answer, mask: Mask): void {
  if (answer.unknownEncoding !== null) throw new BadBodyError(cameWith(answer, mask), 'encoding');
  // What does not begin as the API's answers do holds no task: a look at it tells who answered instead.
  if (!/^\s*\{/.test(answer.text)) throw new BadBodyError(cameWith(answer, mask));
}

/** Describes an answer that is not the API's: a glance at it shows who answered instead. */
function cameWith({ text, headers, unknownEncoding }: Answer, mask: Mask): string {
  const type = headers['content-type'] ?? 'no content type';
  const what = unknownEncoding === null ? `begins with: ${text}` : `encoded as ${unknownEncoding}`;
  return oneLine(mask(`${type}, ${what}`), MAX_SHOWN);
}

function describe(answer: Answer, error: ReturnType<typeof parseErrorBody>, mask: Mask): string {
  const { status, text, headers, unknownEncoding } = answer;
  if (status === 304) return 'HTTP 304, "not modified", although taskmirror caches nothing';
  if (status === 300) return 'HTTP 300, several addresses to choose from';
  if (status < 400 && !isGood(status))
    return `HTTP ${status}, a redirect to ${hostOf(headers.location, mask)}`;
  const isEmpty = text === '' && unknownEncoding === null;
  const words = error === null ? [isEmpty ? '' : cameWith(answer, mask)] : [error.code, error.message];
  const said = words.filter((part) => part !== '').join(': ');
  return said === '' ? `HTTP ${status}` : `HTTP ${status} (${said})`;
}

/** Returns the host alone: a path or a query may hold what must not be shown. */
function hostOf(location: string | undefined, mask: Mask): string {
  if (location === undefined) return 'no address';
  if (mask(location) !== location) return 'an address that repeats the key';
  if (!URL.canParse(location)) return 'another path of the same host';
  return oneLine(new URL(location).host, MAX_SHOWN);
}

/** Returns Retry-After in ms, fractions included, from either form (RFC 9110, 10.2.3); null if unreadable. */
function retryAfterMs({ headers, servedAt }: Answer, now: () => number): number | null {
  const header = headers['retry-after'] ?? '';
  const date = parseHttpDate(header);
  if (date !== null) return Math.min(Math.max(0, date - (servedAt ?? now())), MAX_RETRY_AFTER_MS);
  return /^(?:\d+\.?\d*|\.\d+)$/.test(header)
    ? Math.min(Math.ceil(Number(header) * 1000), MAX_RETRY_AFTER_MS)
    : null;
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
