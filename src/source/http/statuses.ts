import type { FailureContext } from './failures.ts';

/** The API's own error codes, with the HTTP status of each (docs.sigmic.ai, errors). */
const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ['AUTH_REQUIRED', 401],
  ['INVALID_API_KEY', 401],
  ['INVALID_AUTH_FORMAT', 401],
  ['INVALID_TOKEN', 401],
  ['FORBIDDEN', 403],
  ['ORIGIN_NOT_ALLOWED', 403],
  ['NOT_FOUND', 404],
  ['VALIDATION_ERROR', 400],
]);

/** Besides 5xx: a timeout, a replayed early request, a rate limit. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429]);

/** For a proxy between this machine and the API. */
export const PROXY_LOGIN_HINT =
  'A proxy asks for a login: put it into HTTPS_PROXY, as http://user:password@host:port.';

/** The API refused the key, or refused something else, or something in between failed and may soon work. */
export type Meaning = 'refused' | 'unacceptable' | 'temporary';

export function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/**
 * Judges an answer that is not good, or whose good status comes with a body that names an error. `code` is
 * the API's error code; undefined if the body is not the API's own.
 *
 * Only the API's own codes refuse a key. A firewall, a proxy or a gateway also answers 401 and 403, but that
 * passes. A 403 that says when to come back passes as well.
 */
export function meaningOf(
  status: number,
  { code, retryAfterMs }: { code: string | undefined; retryAfterMs: number | null },
): { meaning: Meaning; status: number } {
  if (isTemporary(status)) return { meaning: 'temporary', status };
  const known = STATUS_OF_CODE.get(code ?? '');
  if (known === 401 || (known === 403 && retryAfterMs === null)) return { meaning: 'refused', status: known };
  const meant = known ?? (isGood(status) ? 500 : status);
  const mayPass = isTemporary(meant) || meant === 401 || meant === 403;
  return { meaning: mayPass ? 'temporary' : 'unacceptable', status: meant };
}

function isTemporary(status: number): boolean {
  return status >= 500 || RETRYABLE.has(status);
}

/**
 * Returns who has to do what about a status; undefined: waiting may help. `isApi`: the API itself said so.
 */
export function hintFor(
  status: number,
  isApi: boolean,
  { baseUrl, keyOrigin }: Pick<FailureContext, 'baseUrl' | 'keyOrigin'>,
): string | undefined {
  const own = hintOf(status, { baseUrl, keyOrigin });
  if (own !== undefined) return own;
  if (status === 401) {
    return isApi
      ? `If this stays, put another key into ${keyOrigin}.`
      : `The API itself did not say this: a proxy or gateway may ask for a login of its own. If there is none, check the key in ${keyOrigin}.`;
  }
  if (status === 403 && !isApi) {
    return 'The API itself did not say this: a firewall or proxy blocks this machine. Whoever runs it has to let taskmirror through.';
  }
  if (status === 403 || isTemporary(status)) return undefined;
  if (status < 400) return `Redirects are not followed. Correct the base URL, now ${baseUrl}.`;
  return isApi
    ? 'The API does not accept this request: check that this version of taskmirror is the newest.'
    : `The API itself did not say this: check the base URL, now ${baseUrl}, and proxies and firewalls in between.`;
}

function hintOf(
  status: number,
  { baseUrl, keyOrigin }: Pick<FailureContext, 'baseUrl' | 'keyOrigin'>,
): string | undefined {
  switch (status) {
    case 304:
      return 'A cache in between answers without the content: whoever runs it has to let requests with a key through to the API.';
    case 402:
      return 'The API wants to be paid: whoever owns the account of the key has to look at its plan and payment.';
    case 404:
      return `Check the base URL, now ${baseUrl}: the API is not found there.`;
    case 407:
      return PROXY_LOGIN_HINT;
    case 410:
      return `What was at this address is gone for good: check the base URL, now ${baseUrl}, and that this version of taskmirror is the newest.`;
    case 413:
      return 'The request or its answer is too large for the API, or for a proxy in between: lower sync.pageSize.';
    case 431:
      return `The request's headers are too long for the API, or for a proxy in between: check that ${keyOrigin} holds the key alone.`;
    case 511:
      return 'This network asks for a login before it lets anything through: log in, for example with a browser.';
    default:
      return undefined;
  }
}
