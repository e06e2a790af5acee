import type { Path } from './draft.ts';

export interface Token {
  /** Its first character; `0` means numbers, true, false and null, `?` text that is not a token. */
  kind: string;
  text: string;
  offset: number;
}

/** In a string JSON forbids only the control characters below U+0020; \p{Cc} has more of them. */
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const SPACE = /[ \t\r\n]*/y;

/** Yields the tokens of JSON text, up to the end or the first place without one: the last, of kind `?`. */
export function* tokensOf(text: string): Generator<Token, void> {
  for (let offset = 0; ;) {
    SPACE.lastIndex = offset;
    offset += SPACE.exec(text)?.[0].length ?? 0;
    if (offset === text.length) return;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) {
      yield { kind: '?', text: '', offset };
      return;
    }
    yield { kind: '{}[],:"'.includes(token.charAt(0)) ? token.charAt(0) : '0', text: token, offset };
    offset += token.length;
  }
}

/** A key that is twice in one object: its path, and the offsets of both places. */
export interface Repeated {
  path: Path;
  first: number;
  again: number;
}

/**
 * An object or list that is being read: the keys of an object so far with their offsets, and the current one.
 */
interface Container {
  keys: Map<string, number> | null;
  at: string | number;
}

/** Returns the keys of valid JSON text that are more than once in one object. */
export function repeatedKeys(text: string): Repeated[] {
  const repeated: Repeated[] = [];
  const open: Container[] = [];
  let isKeyNext = false;
  for (const { kind, text: token, offset } of tokensOf(text)) {
    const container = open.at(-1);
    if (kind === '"' && isKeyNext && container?.keys) {
      const key: unknown = JSON.parse(token);
      container.at = String(key);
      const first = container.keys.get(container.at);
      if (first === undefined) container.keys.set(container.at, offset);
      else repeated.push({ path: open.map(({ at }) => at), first, again: offset });
    }
    if (kind === ',' && typeof container?.at === 'number') container.at += 1;
    if (kind === '{') open.push({ keys: new Map(), at: '' });
    if (kind === '[') open.push({ keys: null, at: 0 });
    if (kind === '}' || kind === ']') open.pop();
    isKeyNext = kind === '{' || (kind === ',' && open.at(-1)?.keys !== null);
  }
  return repeated;
}
