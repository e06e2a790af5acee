/** Replaces what must not be shown. */
export type Mask = (text: string) => string;

/**
 * Makes text from outside fit for a log line or a terminal: control, formatting and broken characters become
 * spaces, and it is cut at `max` characters.
 */
export function oneLine(text: string, max: number): string {
  // Cut generously first, so that cleaning a text of megabytes costs nothing.
  const clean = text
    .slice(0, max * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return clean.length > max ? `${clean.slice(0, max).toWellFormed()}…` : clean;
}
