import type { RequestFacts } from '../../model/error-facts.ts';
import { KeyRefusedError } from '../../model/errors.ts';
import { AttemptFailed, BadBodyError } from './attempt.ts';
import type { Answer } from './exchange.ts';
import { isGood, meaningOf } from './statuses.ts';
import { oneLine, type Mask } from './text.ts';
import { parseHttpDate } from './time.ts';
import { parseErrorBody } from './wire.ts';

/** What has to be known of a source to say what went wrong with it. */
export interface FailureContext {
  /** `keyOrigin`: where the key is kept, for people: "environment variable SIGMIC_API_KEY". */
  origin: Pick<RequestFacts, 'source' | 'baseUrl' | 'keyOrigin'>;
  mask: Mask;
  /** Our own clock in ms: stands in where the server gives no Date. */
  now: () => number;
}

const MAX_SHOWN = 200;

/** Thirty days: a server that asks for more is not taken at its word. */
const MAX_RETRY_AFTER_MS = 30 * 86_400_000;

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

/** Beyond 5xx: a request that the API does not take, or whose answer is too large for it. Another offset or limit may fare better. */
const OF_PAGE_STATUS: ReadonlySet<number> = new Set([400, 413, 416, 422]);

/** What was asked for: the list, or one task. */
export type Asked = 'list' | 'task';

/** Returns if the answer is a good one that may be JSON; else throws KeyRefusedError or AttemptFailed. */
export function assertGood(answer: Answer, asked: Asked, context: FailureContext): void {
  if (!isGood(answer.status)) throw failureOf(answer, asked, context);
  assertJsonObject(answer, context.mask);
}

/** The failure that a body names though its status is a good one (`success: false`); null: it names none. */
export function failureNamedIn(answer: Answer, asked: Asked, context: FailureContext): Error | null {
  return parseErrorBody(answer.text, context.mask) === null ? null : failureOf(answer, asked, context);
}

/** True where the API itself, and not something in front of it, says that there is no such task. */
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

/** What an exchange threw, without the objects it carries: they may hold headers, and so the key. */
export function fromRequestError(error: unknown, mask: Mask): AttemptFailed {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 5; link = link.cause) chain.push(link);
  const root = chain.at(-1);
  const code = chain.map(codeOf).find((found) => found !== null) ?? null;
  // An answer that is not HTTP has a code of the parser's.
  const retryable = code !== null && (RETRYABLE_CODES.has(code) || code.startsWith('HPE_'));
  const message = oneLine(mask([code, root?.message].filter(Boolean).join(': ')), MAX_SHOWN);
  if (code === 'ERR_PROXY_TUNNEL') return fromProxy(message, root);
  const why = retryable ? 'network' : 'setup';
  return new AttemptFailed(message, { reason: { code: 'api_unreachable', why }, retryable });
}

/** A proxy did not lead on to the API. Its message names host and port of the proxy, without its password. */
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

/** What an answer was, where it was not the API's: a look at it tells who answered instead. */
function cameWith({ text, headers, unknownEncoding }: Answer, mask: Mask): string {
  const type = headers['content-type'] ?? 'no content type';
  const what = unknownEncoding === null ? `begins with: ${text}` : `encoded as ${unknownEncoding}`;
  return oneLine(mask(`${type}, ${what}`), MAX_SHOWN);
}

function describe(answer: Answer, error: ReturnType<typeof parseErrorBody>, mask: Mask): string {
  const { status, text, headers, unknownEncoding } = answer;
  if (status === 304) return 'HTTP 304, "not modified", though taskmirror keeps no answers';
  if (status === 300) return 'HTTP 300, several addresses to choose from';
  if (status < 400 && !isGood(status))
    return `HTTP ${status}, a redirect to ${hostOf(headers.location, mask)}`;
  const isEmpty = text === '' && unknownEncoding === null;
  const words = error === null ? [isEmpty ? '' : cameWith(answer, mask)] : [error.code, error.message];
  const said = words.filter((part) => part !== '').join(': ');
  return said === '' ? `HTTP ${status}` : `HTTP ${status} (${said})`;
}

/** The host alone: a path or a query may hold what must not be shown. */
function hostOf(location: string | undefined, mask: Mask): string {
  if (location === undefined) return 'no address';
  if (mask(location) !== location) return 'an address that repeats the key';
  if (!URL.canParse(location)) return 'another path of the same host';
  return oneLine(new URL(location).host, MAX_SHOWN);
}

/** Retry-After in either form (RFC 9110, 10.2.3), parts of a second included; null where there is none that can be read. */
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
