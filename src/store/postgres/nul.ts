/** The stand-in for a NUL, which PostgreSQL's text cannot hold, and the mark before these two if they mean themselves. */
const NUL = '\u2400';
const ESCAPE = '\u241b';
const ANY = /[\0\u2400\u241b]/;
const EACH = /[\0\u2400\u241b]/g;
const ENCODED = /\u241b([\u2400\u241b])|\u2400/g;

/**
 * Returns text without NULs and without lone surrogates, which UTF-8 cannot hold: those become U+FFFD, as in
 * SQLite. {@link decodeNul} reverses the rest.
 */
export function encodeNul(text: string): string {
  const escaped = ANY.test(text)
    ? text.replace(EACH, (found) => (found === '\0' ? NUL : ESCAPE + found))
    : text;
  return escaped.isWellFormed() ? escaped : escaped.toWellFormed();
}

export function decodeNul(text: string): string {
  return ANY.test(text) ? text.replace(ENCODED, (_, meant?: string) => meant ?? '\0') : text;
}
