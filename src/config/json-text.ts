import { maskKeys } from '../platform/redact.ts';
import { visible } from '../platform/terminal.ts';
import { pathText } from './draft.ts';
import { repeatedKeys, tokensOf } from './json-tokens.ts';

const MAX_NAME_SHOWN = 60;
const MAX_REPEATED = 10;

/**
 * Parses JSON text. A failure is described in words that follow the text's name: it is not JSON, or an object
 * has a key twice, the first of which JSON.parse would drop. The words repeat at most one character of the
 * text or the path of a key, because it may hold a secret.
 */
export function parseJson(text: string): { value: unknown } | { failure: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const offset = firstErrorIn(text);
    return { failure: `is not valid JSON: ${describe(text.charAt(offset))} at ${placeIn(text, offset)}` };
  }
  const repeated = repeatedKeys(text)
    .slice(0, MAX_REPEATED)
    .map(({ path, first, again }) => {
      const name = visible(maskKeys(pathText(path))).slice(0, MAX_NAME_SHOWN);
      return `has "${name}" twice: at ${placeIn(text, first)}, and at ${placeIn(text, again)}`;
    });
  return repeated.length === 0 ? { value } : { failure: repeated.join('; ') };
}

function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

function describe(char: string): string {
  if (char === '') return 'unexpected end';
  return char === '"' ? 'unexpected or malformed string' : `unexpected ${JSON.stringify(char)}`;
}

/** First characters of tokens; `0` means numbers, true, false and null. */
const VALUE = '{["0';

/**
 * Returns the offset of the first token in a wrong place; the text's length if it ends too early. JSON.parse
 * reports the place only for some errors, and never without quoting the text.
 */
function firstErrorIn(text: string): number {
  const open: string[] = [];
  let allowed = VALUE;
  for (const { kind, offset } of tokensOf(text)) {
    if (!allowed.includes(kind)) return offset;

    const isKey = kind === '"' && (allowed === '"' || allowed === '"}');
    if (kind === '{' || kind === '[') open.push(kind);
    if (kind === '}' || kind === ']') open.pop();
    allowed = isKey ? ':' : allowedAfter(kind, open.at(-1));
  }
  return text.length;
}

function allowedAfter(kind: string, container: string | undefined): string {
  switch (kind) {
    case '{':
      return '"}';
    case '[':
      return `${VALUE}]`;
    case ':':
      return VALUE;
    case ',':
      return container === '{' ? '"' : VALUE;
    default:
      return container === undefined ? '' : container === '{' ? ',}' : ',]';
  }
}
