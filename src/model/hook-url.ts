import { isLoopback } from './base-url.ts';

const MAX_LENGTH = 2000;

/**
 * Returns what is wrong with the address of a hook; null if nothing is. Never quotes it: services such as Slack
 * keep a secret in its path. http is allowed to a loopback host only.
 */
export function hookUrlProblem(text: string): string | null {
  const url = text.length <= MAX_LENGTH && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return 'expected an absolute URL that begins with https://';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return 'expected a URL that begins with https:// (http:// only to localhost, 127.0.0.1 and [::1])';
  }
  if (url.username !== '' || url.password !== '') return 'expected a URL without a user name and a password';
  return text.includes('#') ? 'expected a URL without a fragment' : null;
}

/** Parts of a path that are certainly words, and no token: `services`, `api`, `v1`. */
const WORD = /^(?:[a-z]{1,12}|v\d)$/;

/** Returns the address of a hook for people: cut before the first part that may be a token. */
export function shownHookUrl(text: string): string {
  if (!URL.canParse(text)) return '[not a URL]';
  const { origin, pathname, search } = new URL(text);
  const parts = pathname.split('/').slice(1);
  const cut = parts.findIndex((part) => part !== '' && !WORD.test(part));
  const shown = `${origin}/${(cut === -1 ? parts : parts.slice(0, cut)).map((part) => `${part}/`).join('')}`;
  if (cut !== -1) return `${shown}...`;
  return `${shown.slice(0, -1)}${search === '' ? '' : '?...'}`;
}

/** A shorter part of an address is no secret on its own, and is found in all sorts of texts. */
const SHORTEST_SECRET = 8;

/** Returns the parts of an address that may be secrets: no log shows them. */
export function secretsOfHookUrl(text: string): string[] {
  const { pathname, search, searchParams } = new URL(text);
  const parts = [...pathname.split('/').filter((part) => !WORD.test(part)), ...searchParams.values()];
  return [pathname + search, ...parts].filter((part) => part.length >= SHORTEST_SECRET);
}
