import { once } from '../../model/once.ts';

/** Characters of an error that are read: it can be megabytes long, and its cause is at the beginning. */
const CHARACTERS_READ = 1_000;
/** Most characters of a group. */
const CHARACTERS_KEPT = 200;

/** What is folded as a whole. Made when needed: the sets of letters would cost each start a millisecond. */
const parts = once(() => {
  const address = /([\w+.-]{1,20}:\/\/[^\s"'`<>]*[^\s"'`<>.,;:!?)])/u;
  // A quoted part has no second opening mark, so none is searched twice; an apostrophe in a word opens none.
  const quoted = /("[^"]*"|`[^`]*`|“[^“”]*”|«[^«»]*»|„[^„“]*“|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}]))/u;
  // A run without spaces, quotes, brackets and separators, except commas within a number.
  const run = /(?:[^\s"'`„“”«»()[\]{}<>,;=|]|(?<=\d),(?=\d))+/u;
  return new RegExp([address, quoted, run].map(({ source }) => source).join('|'), 'gu');
});
const words = once(() => /[\p{L}\p{N}_-]+/gu);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
const ABSOLUTE_PATH = /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/]+[^\\/]/;
const FILE_ENDING = /\.[A-Za-z]\w{0,9}(?::\d+)*$/;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const HEX = /^(?:0x[\da-f]+|(?=[a-f]*\d)(?=\d*[a-f])[\da-f]{7,})$/i;
const MIXED = /^(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{6,}$/;
const NUMBER = /\d+(?:[.,]\d+)*/g;

/**
 * Removes from an error everything that differs between failures of one kind, so that they group: numbers
 * become `<n>`, times `<time>`, UUIDs, hexadecimal and other ids `<id>`, paths `<path>`, URLs `<url>`, quoted
 * parts `'<…>'`, white space one space. Null if nothing is left. Takes time linear in the error's first 1,000
 * characters, and returns at most 200.
 *
 * Groups are stored: a change of a rule needs a migration that folds the stored errors again.
 */
export function foldError(error: string): string | null {
  const folded = error
    .slice(0, CHARACTERS_READ)
    .replaceAll(parts(), (part, url: string | undefined, quoted: string | undefined) => {
      if (url !== undefined) return '<url>';
      return quoted === undefined ? foldPart(part) : `${part.slice(0, 1)}<…>${part.slice(-1)}`;
    })
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, CHARACTERS_KEPT)
    .toWellFormed();
  return folded === '' ? null : folded;
}

function foldPart(part: string): string {
  if (!/[\d/\\]/.test(part)) return part;
  const end = /[.:!?]{0,3}$/.exec(part)?.[0] ?? '';
  const text = part.slice(0, part.length - end.length);
  if (TIME.test(text)) return `<time>${end}`;
  if (isPath(text)) return `<path>${end}`;
  return text.replaceAll(words(), foldWord).replaceAll(NUMBER, '<n>') + end;
}

/** Tells paths such as `src/main.ts` from `and/or` and `10/min`. */
function isPath(text: string): boolean {
  if (ABSOLUTE_PATH.test(text)) return true;
  const steps = text.split(/[\\/]/).length;
  return steps > 2 || (steps === 2 && FILE_ENDING.test(text));
}

function foldWord(word: string): string {
  if (UUID.test(word)) return '<id>';
  return word.split(/[_-]/).some((step) => HEX.test(step) || MIXED.test(step)) ? '<id>' : word;
}
