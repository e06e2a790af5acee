/** Characters of an error that are looked at: it can be megabytes long, and what went wrong stands at its head. */
const CHARACTERS_READ = 1_000;
/** Characters of a group at most. */
const CHARACTERS_KEPT = 200;

const ADDRESS = /([\w+.-]{1,20}:\/\/[^\s"'`<>]*[^\s"'`<>.,;:!?)])/u;
/** No quoted part runs over its opening mark again, so none is looked for twice; an apostrophe in a word opens none. */
const QUOTED = /("[^"]*"|`[^`]*`|“[^“”]*”|«[^«»]*»|„[^„“]*“|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}]))/u;
/** A run without spaces, quotes, brackets and separators, but for the commas of a number. */
const RUN = /(?:[^\s"'`„“”«»()[\]{}<>,;=|]|(?<=\d),(?=\d))+/u;
const PARTS = new RegExp([ADDRESS, QUOTED, RUN].map(({ source }) => source).join('|'), 'gu');
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
const ABSOLUTE_PATH = /^(?:~|\.{1,2}|[A-Za-z]:)?[\\/]+[^\\/]/;
const FILE_ENDING = /\.[A-Za-z]\w{0,9}(?::\d+)*$/;
const WORD = /[\p{L}\p{N}_-]+/gu;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const HEX = /^(?:0x[\da-f]+|(?=[a-f]*\d)(?=\d*[a-f])[\da-f]{7,})$/i;
const MIXED = /^(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{6,}$/;
const NUMBER = /\d+(?:[.,]\d+)*/g;

/**
 * An error without what differs from one failure to the next, so that those of one kind group: numbers become
 * `<n>`, times `<time>`, UUIDs, hexadecimal and other ids `<id>`, paths `<path>`, URLs `<url>`, quoted parts
 * `'<…>'`, white space one space. Null where nothing is left. Takes time linear in the error's first 1,000
 * characters, and gives at most 200.
 *
 * Groups are stored: whoever changes a rule has to write a migration that folds the stored errors anew.
 */
export function foldError(error: string): string | null {
  const folded = error
    .slice(0, CHARACTERS_READ)
    .replaceAll(PARTS, (part, url: string | undefined, quoted: string | undefined) => {
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
  return text.replaceAll(WORD, foldWord).replaceAll(NUMBER, '<n>') + end;
}

/** `and/or` and `10/min` are none, `src/main.ts` is. */
function isPath(text: string): boolean {
  if (ABSOLUTE_PATH.test(text)) return true;
  const steps = text.split(/[\\/]/).length;
  return steps > 2 || (steps === 2 && FILE_ENDING.test(text));
}

function foldWord(word: string): string {
  if (UUID.test(word)) return '<id>';
  return word.split(/[_-]/).some((step) => HEX.test(step) || MIXED.test(step)) ? '<id>' : word;
}
