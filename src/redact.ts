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
  const forms = new Map<string, string>();
  let pattern: RegExp | null = null;
  return {
    add(secret) {
      if (secret === '') return;
      for (const form of formsOf(secret)) forms.set(form, patternOf(form));
      // The longest first, so that a secret that begins with another one goes as a whole.
      const longestFirst = [...forms].toSorted(([a], [b]) => b.length - a.length);
      pattern = new RegExp(longestFirst.map(([, source]) => source).join('|'), 'gu');
    },
    redact(text) {
      return pattern === null ? text : text.replace(pattern, REDACTED);
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

function patternOf(form: string): string {
  const literal = form.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  return form.length < MIN_DISTINCT_LENGTH ? `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])` : literal;
}
