import type { UsageFacts } from './error-facts.ts';
import { UsageError } from './errors.ts';

const MAX_LENGTH = 2000;

/**
 * Returns the base URL of a source in its normal form: no trailing slash, a path prefix is kept.
 *
 * Throws UsageError if it is not https (http is allowed to a loopback host only, so that a key never crosses
 * a network in the clear), or has credentials, a query or a fragment. The error never repeats those: they may
 * be secrets.
 */
export function checkBaseUrl(text: string): string {
  const url = text.length <= MAX_LENGTH && URL.canParse(text) ? new URL(text) : null;
  if (url === null) {
    throw refused(
      'not_absolute',
      'The base URL is not an absolute URL. Write it with its scheme and host, such as https://api.sigmic.ai.',
    );
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw refused(
      'not_https',
      `The base URL begins with ${url.protocol}${url.host === '' ? '' : `//${url.host}`}. ` +
        'Use https://; http:// is allowed only to localhost, 127.0.0.1 and [::1].',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(
      'credentials',
      `The base URL of ${url.host} carries a user name or a password. Remove it from the URL: the key is a separate setting.`,
    );
  }
  if (/[?#]/.test(text)) {
    throw refused(
      'query',
      `The base URL of ${url.host} carries a query or a fragment. Give only the part before /api/v1.`,
    );
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function refused(why: UsageFacts['base_url_invalid']['why'], message: string): UsageError {
  return new UsageError('base_url_invalid', { why }, message);
}

/** Whether a host, as `URL.hostname` writes it, is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
