import type { Path } from './draft.ts';

export interface Token {
  /** Its first character; `0` stands for numbers, true, false and null, `?` for what is no token. */
  kind: string;
  text: string;
  offset: number;
}

/** In a string JSON forbids the control characters below U+0020 only; \p{Cc} knows more of them. */
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const SPACE = /[ \t\r\n]*/y;

/** The tokens of JSON text, up to the end or to the first place where none is: that is the last one, of kind `?`. */
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

/** A key that stands twice in one object: its path, and the offsets of both places. */
export interface Repeated {
  path: Path;
  first: number;
  again: number;
}

/** An object or a list that is being read: the keys of an object so far with their offsets, and where one is now. */
interface Container {
  keys: Map<string, number> | null;
  at: string | number;
}

/** The keys of valid JSON text that stand in one object more than once. */
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
