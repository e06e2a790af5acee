import type { ApiFacts, KeyFacts, RequestFacts } from '../model/error-facts.ts';
import type { Hints } from './hint.ts';

const PROXY_LOGIN = 'A proxy asks for a login: put it into HTTPS_PROXY, as http://user:password@host:port.';

/** Advice for an API that refuses a key, fails, or cannot be reached. */
export const API_HINTS: Hints<keyof KeyFacts | keyof ApiFacts> = {
  key_refused: ({ baseUrl, keyOrigin }) => `Put a key that is valid for ${baseUrl} into ${keyOrigin}.`,
  api_unreachable: ({ why, baseUrl, retryAfterMs }) => {
    switch (why) {
      case 'network':
        return `Check the network and the base URL, now ${baseUrl}. If both are right, try again later: tasks mirrored so far stay.`;
      case 'setup':
        return 'Check the base URL, the proxy if there is one, and the certificates of this machine.';
      case 'proxy':
        return 'The proxy does not connect to the API: ask its administrator to let taskmirror through.';
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
      ? 'taskmirror accepts gzip or no compression: the API, or a proxy in front of it, has to respect Accept-Encoding.'
      : later(retryAfterMs),
  api_answer_too_large: 'Ask for fewer tasks per page (sync.pageSize).',
  simulated_api_ended: 'Try again with fewer tasks. If it ends again, report it with this message.',
};

function later(retryAfterMs: number | null): string {
  return retryAfterMs === null
    ? 'Try again later: tasks mirrored so far stay.'
    : `Try again in ${Math.ceil(retryAfterMs / 1000)} s, as the API asks: tasks mirrored so far stay.`;
}

/** Returns advice for a status; null: waiting may help. */
function aboutStatus(facts: ApiFacts['api_status']): string | null {
  const { status, isApi, baseUrl, keyOrigin } = facts;
  const own = aboutThisStatus(status, facts);
  if (own !== null) return own;
  if (status === 401) {
    return isApi
      ? `If this persists, put another key into ${keyOrigin}.`
      : `This did not come from the API itself: a proxy or gateway may want a login. If there is none, check the key in ${keyOrigin}.`;
  }
  if (status === 403 && !isApi) {
    return 'This did not come from the API itself: a firewall or proxy blocks this machine. Ask its administrator to let taskmirror through.';
  }
  if (status === 403 || status >= 500 || MAY_PASS.has(status)) return null;
  if (status < 400) return `Redirects are not followed. Correct the base URL, now ${baseUrl}.`;
  return isApi
    ? 'The API does not accept this request: check for a newer version of taskmirror.'
    : `This did not come from the API itself: check the base URL, now ${baseUrl}, and any proxy or firewall in between.`;
}

/** Statuses that may pass: a timeout, a replayed early request, a rate limit. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

function aboutThisStatus(
  status: number,
  { baseUrl, keyOrigin }: Pick<RequestFacts, 'baseUrl' | 'keyOrigin'>,
): string | null {
  switch (status) {
    case 304:
      return 'A cache in between answers without the content: it has to pass requests with a key on to the API.';
    case 402:
      return 'The API asks for payment: the owner of the account has to check its plan and billing.';
    case 404:
      return `Check the base URL, now ${baseUrl}: the API is not there.`;
    case 407:
      return PROXY_LOGIN;
    case 410:
      return `The API at this address is gone for good: check the base URL, now ${baseUrl}, and for a newer version of taskmirror.`;
    case 413:
      return 'The request or its answer is too large for the API, or for a proxy in between: lower sync.pageSize.';
    case 431:
      return `The request's headers are too long for the API, or for a proxy in between: check that ${keyOrigin} holds only the key.`;
    case 511:
      return 'This network asks for a login before it lets anything through: log in, for example with a browser.';
    default:
      return null;
  }
}
