/** JSON text as a value, or where and why it is none. Repeats no more of the text than one character: it may hold a secret. */
export function parseJson(text: string): { value: unknown } | { failure: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    const offset = firstErrorIn(text);
    const before = text.slice(0, offset).split('\n');
    const column = (before.at(-1) ?? '').length + 1;
    return { failure: `${describe(text.charAt(offset))} at line ${before.length}, column ${column}` };
  }
}

function describe(char: string): string {
  if (char === '') return 'unexpected end';
  return char === '"' ? 'unexpected or malformed string' : `unexpected ${JSON.stringify(char)}`;
}

/** In a string JSON forbids the control characters below U+0020 only; \p{Cc} knows more of them. */
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const SPACE = /[ \t\r\n]*/y;

/** First characters of tokens; `0` stands for numbers, true, false and null. */
const VALUE = '{["0';

/**
 * Offset of the first token that cannot stand where it stands; the text's length where it ends too early.
 * JSON.parse tells the place only for some errors, and never without quoting the text.
 */
function firstErrorIn(text: string): number {
  const open: string[] = [];
  let allowed = VALUE;
  let offset = 0;
  for (;;) {
    SPACE.lastIndex = offset;
    offset += SPACE.exec(text)?.[0].length ?? 0;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    const kind = token === undefined ? '' : '{}[],:"'.includes(token.charAt(0)) ? token.charAt(0) : '0';
    if (token === undefined || !allowed.includes(kind)) return offset;
    offset += token.length;

    const isKey = kind === '"' && (allowed === '"' || allowed === '"}');
    if (kind === '{' || kind === '[') open.push(kind);
    if (kind === '}' || kind === ']') open.pop();
    allowed = isKey ? ':' : allowedAfter(kind, open.at(-1));
  }
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
