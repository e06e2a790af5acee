/** An item that can be chosen: anything but undefined and null. */
type Item = string | number | boolean | object;

/** Repeatable chance: the same seed always gives the same sequence of answers. Not for secrets. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One item, all equally likely. Throws RangeError if there are none. */
  pick<T extends Item>(items: readonly T[]): T;
  /** One item, each as likely as its `weight` (0 or more). Throws RangeError if no item has any weight. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T;
  /** A positive number around `median` with a long tail to the right, as waiting and working times have. */
  logNormal(median: number, sigma: number): number;
  /** An id in the form of a version 4 UUID. */
  uuid(): string;
  /** `length` characters of 0-9 and a-z. */
  base36(length: number): string;
  /** The same items in a new array, in random order. */
  shuffle<T extends Item>(items: readonly T[]): T[];
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Creates a source of repeatable chance. Only the lower 32 bits of `seed` count. */
export function createRandom(seed: number): Random {
  const word = sfc32(seed);
  const next = (): number => word() / 2 ** 32;
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));

  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => at(items, int(0, items.length - 1)),
    weighted: (items) => {
      let left = next() * items.reduce((sum, { weight }) => sum + weight, 0);
      const chosen = items.find(({ weight }) => (left -= weight) < 0);
      if (chosen === undefined) throw new RangeError('No item to choose: none has a weight above 0.');
      return chosen;
    },
    logNormal: (median, sigma) => {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(sigma * normal);
    },
    uuid: () => formatUuid(word(), word(), word(), word()),
    base36: (length) => {
      let text = '';
      while (text.length < length) text += BASE36.charAt(int(0, 35));
      return text;
    },
    shuffle: <T extends Item>(items: readonly T[]): T[] => {
      const rest = [...items];
      // Fisher and Yates: the drawn item is replaced by the last one left.
      return items.map(() => {
        const drawn = int(0, rest.length - 1);
        const item = at(rest, drawn);
        rest[drawn] = at(rest, rest.length - 1);
        rest.pop();
        return item;
      });
    },
  };
}

/** Chris Doty-Humphrey's sfc32 (PractRand): 32 bits a call, good beyond any need here, and fast. */
function sfc32(seed: number): () => number {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Seeds that differ in one bit begin alike: let them diverge first.
  for (let round = 0; round < 16; round++) word();
  return word;
}

function formatUuid(a: number, b: number, c: number, d: number): string {
  const version4 = hexWord(((b & 0xffff0fff) | 0x4000) >>> 0);
  const variant = hexWord(((c & 0x3fffffff) | 0x80000000) >>> 0);
  return `${hexWord(a)}-${version4.slice(0, 4)}-${version4.slice(4)}-${variant.slice(0, 4)}-${variant.slice(4)}${hexWord(d)}`;
}

function hexWord(value: number): string {
  return hexByte(value >>> 24) + hexByte(value >>> 16) + hexByte(value >>> 8) + hexByte(value);
}

function hexByte(value: number): string {
  return HEX[value & 255] ?? '';
}

function at<T extends Item>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError('No item to choose: there are none.');
  return item;
}
