const REDACTED = '[redacted]';

/** Shorter secrets look like ordinary text, so they are replaced only as separate words. */
const MIN_DISTINCT_LENGTH = 8;

/**
 * Most secrets that are remembered, more than twice as many as there can be sources. A daemon whose key
 * commands print a new token for each run would otherwise keep all of them, and search every text for each.
 */
const MAX_SECRETS = 256;

/** Replaces the secrets that were added to it. */
export interface Redactor {
  /** Replaces this text from now on, until 256 others have been added after it. Ignores an empty text. */
  add(secret: string): void;
  redact(text: string): string;
}

/**
 * Creates a redactor that knows no secret yet.
 *
 * A secret is replaced as it is and in its URL-encoded, base64 (both alphabets) and JSON-escaped forms. One
 * of fewer than 8 characters is replaced only between characters that are neither letters nor digits, so that
 * a key `k1` does not cut up words; it is hidden there even if the same text meant something else.
 */
export function createRedactor(): Redactor {
  /** The patterns of each secret, the one added longest ago first. */
  const secrets = new Map<string, [form: string, pattern: string | RegExp][]>();
  let longestFirst: (string | RegExp)[] = [];
  return {
    add(secret) {
      if (secret === '') return;
      const known = secrets.get(secret);
      secrets.delete(secret);
      secrets.set(secret, known ?? formsOf(secret).map((form) => [form, patternFor(form)]));
      if (known !== undefined) return;
      const [oldest] = secrets.keys();
      if (secrets.size > MAX_SECRETS && oldest !== undefined) secrets.delete(oldest);
      // A secret that begins with another one must be replaced as a whole.
      longestFirst = [...new Map([...secrets.values()].flat())]
        .toSorted(([a], [b]) => b.length - a.length)
        .map(([, pattern]) => pattern);
    },
    redact(text) {
      return longestFirst.reduce<string>((rest, pattern) => rest.replaceAll(pattern, REDACTED), text);
    },
  };
}

/** Replaces what looks like an API key (`sigmic_...`) or a JWT (`eyJ...`), in case nobody registered it. */
export function maskKeys(text: string): string {
  return text.replace(/\b(?:sigmic_|eyJ)[\w.~+/=-]+/g, REDACTED);
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
