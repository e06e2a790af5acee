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

/** The API refused the key, it refused something else, or something in between failed and may soon work again. */
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
