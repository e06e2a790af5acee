import type { ApiFacts, KeyFacts, RequestFacts } from '../model/error-facts.ts';
import type { Hints } from './hint.ts';

const PROXY_LOGIN = 'A proxy asks for a login: put it into HTTPS_PROXY, as http://user:password@host:port.';

/** Advice for an API that refuses a key, fails, or cannot be reached. */
export const API_HINTS: Hints<keyof KeyFacts | keyof ApiFacts> = {
  key_refused: ({ baseUrl, keyOrigin }) => `Put a key that is valid for ${baseUrl} into ${keyOrigin}.`,
  api_unreachable: ({ why, baseUrl, retryAfterMs }) => {
    switch (why) {
      case 'network':
        return `Check the network and the base URL, now ${baseUrl}. If both are right, try again later: what has been mirrored so far stays.`;
      case 'setup':
        return 'Check the base URL, the proxy if there is one, and the certificates of this machine.';
      case 'proxy':
        return 'The proxy does not lead to the API: whoever runs it has to let taskmirror through.';
      case 'proxy_login':
        return PROXY_LOGIN;
      default:
        return later(retryAfterMs);
    }
  },
  // If the API names a time to wait, that is the advice.
  api_status: (facts) =>
    (facts.retryAfterMs === null ? aboutStatus(facts) : null) ?? later(facts.retryAfterMs),
  api_bad_answer: ({ why, retryAfterMs }) =>
    why === 'encoding'
      ? 'taskmirror asks for gzip or nothing: whoever runs the API, or a proxy in front of it, has to heed Accept-Encoding.'
      : later(retryAfterMs),
  api_answer_too_large: 'Ask for fewer tasks a page (sync.pageSize).',
  simulated_api_ended: 'Try again with fewer tasks. If it ends again, report it with this message.',
};

function later(retryAfterMs: number | null): string {
  return retryAfterMs === null
    ? 'Try again later: what has been mirrored so far stays.'
    : `Try again in ${Math.ceil(retryAfterMs / 1000)} s, as the API asks: what has been mirrored so far stays.`;
}

/** Returns advice for a status; null: waiting may help. */
function aboutStatus(facts: ApiFacts['api_status']): string | null {
  const { status, isApi, baseUrl, keyOrigin } = facts;
  const own = aboutThisStatus(status, facts);
  if (own !== null) return own;
  if (status === 401) {
    return isApi
      ? `If this stays, put another key into ${keyOrigin}.`
      : `The API itself did not say this: a proxy or gateway may ask for a login of its own. If there is none, check the key in ${keyOrigin}.`;
  }
  if (status === 403 && !isApi) {
    return 'The API itself did not say this: a firewall or proxy blocks this machine. Whoever runs it has to let taskmirror through.';
  }
  if (status === 403 || status >= 500 || MAY_PASS.has(status)) return null;
  if (status < 400) return `Redirects are not followed. Correct the base URL, now ${baseUrl}.`;
  return isApi
    ? 'The API does not accept this request: check that this version of taskmirror is the newest.'
    : `The API itself did not say this: check the base URL, now ${baseUrl}, and proxies and firewalls in between.`;
}

/** Statuses that may pass: a timeout, a replayed early request, a rate limit. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

function aboutThisStatus(
  status: number,
  { baseUrl, keyOrigin }: Pick<RequestFacts, 'baseUrl' | 'keyOrigin'>,
): string | null {
  switch (status) {
    case 304:
      return 'A cache in between answers without the content: whoever runs it has to let requests with a key through to the API.';
    case 402:
      return 'The API wants to be paid: whoever owns the account of the key has to look at its plan and payment.';
    case 404:
      return `Check the base URL, now ${baseUrl}: the API is not found there.`;
    case 407:
      return PROXY_LOGIN;
    case 410:
      return `What was at this address is gone for good: check the base URL, now ${baseUrl}, and that this version of taskmirror is the newest.`;
    case 413:
      return 'The request or its answer is too large for the API, or for a proxy in between: lower sync.pageSize.';
    case 431:
      return `The request's headers are too long for the API, or for a proxy in between: check that ${keyOrigin} holds the key alone.`;
    case 511:
      return 'This network asks for a login before it lets anything through: log in, for example with a browser.';
    default:
      return null;
  }
}
