const REDACTED = '[redacted]';

/** Shorter secrets look like ordinary text: they are replaced only where they stand alone. */
const MIN_DISTINCT_LENGTH = 8;

/** Replaces the secrets it was told about. */
export interface Redactor {
  /** From now on this text is replaced wherever it appears. An empty text is ignored. */
  add(secret: string): void;
  redact(text: string): string;
}

/**
 * A redactor that knows no secret yet.
 *
 * A secret is replaced as it is and in its URL-encoded, base64 (both alphabets) and JSON-escaped forms. One of
 * fewer than 8 characters is replaced only between characters that are neither letters nor digits, so that a
 * key `k1` does not cut up words; it is hidden there even where the same text meant something else.
 */
export function createRedactor(): Redactor {
  const patterns = new Map<string, string | RegExp>();
  let longestFirst: (string | RegExp)[] = [];
  return {
    add(secret) {
      if (secret === '') return;
      for (const form of formsOf(secret)) patterns.set(form, patternFor(form));
      // A secret that begins with another one has to go as a whole.
      longestFirst = [...patterns].toSorted(([a], [b]) => b.length - a.length).map(([, pattern]) => pattern);
    },
    redact(text) {
      return longestFirst.reduce<string>((rest, pattern) => rest.replaceAll(pattern, REDACTED), text);
    },
  };
}

/** Replaces what looks like an API key (`sigmic_...`) or a JWT (`eyJ...`), for texts that may hold a key nobody registered. */
export function maskKeys(text: string): string {
  return text.replace(/\b(?:sigmic_|eyJ)[\w.~+/=-]+/g, REDACTED);
}

/** Text from outside, fit for a terminal: control characters other than newline and tab become `\u001b` and the like. */
export function visible(text: string): string {
  return text.replace(
    /(?![\n\t])\p{Cc}/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function formsOf(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(wellFormed),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}

function patternFor(form: string): string | RegExp {
  if (form.length >= MIN_DISTINCT_LENGTH) return form;
  const literal = form.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  return new RegExp(`(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`, 'gu');
}
