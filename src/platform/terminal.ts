import { once } from '../model/once.ts';
import { jsonEscapes } from '../model/text.ts';

/**
 * Characters that a terminal acts on or hides: control, format, direction characters, and halves of pairs.
 */
const UNPRINTABLE =
  // Zero-width joiner and non-joiner stay: emoji and some scripts are built with them.
  String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}`;
/** Sequences that this program sends: styles and, first in a piece, the one that erases the progress line. */
const OWN = String.raw`^\r\u001b\[K|\u001b\[(?:[0-2]|22|[349]\d)m`;
// Made when needed: Unicode's sets cost a start a fifth of a millisecond each.
const inALine = once(() => new RegExp(UNPRINTABLE, 'gu'));
const inLines = once(() => new RegExp(String.raw`(?![\n\t])(?:${UNPRINTABLE})`, 'gu'));
const ownOrNot = once(() => new RegExp(String.raw`(${OWN})|(?![\n\t])(?:${UNPRINTABLE})`, 'gu'));

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Makes text safe for a terminal and keeps it on one line: shows escapes for control characters (including
 * ESC and newlines), invisible format characters, and those that turn the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(inALine(), (character) => SHORT_ESCAPES.get(character) ?? jsonEscapes(character));
}

/** Does the same for text of several lines: newlines and tabs stay. JSON keeps its value. */
export function visible(text: string): string {
  return text.replace(inLines(), jsonEscapes);
}

/** A stream that people or programs read. `columns` is unknown for a pipe. */
export interface Output {
  /** `done` is called when the piece was taken, or with the reason why not. */
  write(piece: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/**
 * Returns the only way to a terminal: it shows escapes for what a terminal would act on, wherever a text came
 * from. This program's own styles pass. If `isExact` says that programs read the stream, everything passes.
 */
export function outlet(stream: Output, isExact: () => boolean): Output {
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    write: (piece, done) =>
      stream.write(typeof piece !== 'string' || isExact() ? piece : withOwnEscapes(piece), done),
  };
}

function withOwnEscapes(text: string): string {
  return text.replace(ownOrNot(), (found, own?: string) => own ?? jsonEscapes(found));
}

const ASCII = /^[ -~]*$/;
const zeroWidth = once(() => /^[\p{Mn}\p{Me}\p{Cf}]$/u);
const wide = once(
  () =>
    /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{10000}-\u{10ffff}\p{Emoji_Presentation}]$/u,
);

/**
 * Returns the terminal columns of printable text. Wide ranges are as in console-table-printer (Unicode TR 11,
 * and every character outside the basic plane as wide), so that what fits by this measure fits its tables.
 */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** Returns the columns of one character (a code point). */
export function widthOfCharacter(character: string): number {
  if (zeroWidth().test(character)) return 0;
  return wide().test(character) ? 2 : 1;
}

/**
 * Breaks printable text at spaces into lines of at most `columns` columns; a longer word has its own line.
 */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= columns) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

/** Breaks each line of printable text as {@link wrapped} does, with its indent kept. */
export function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      return wrapped(line.slice(indent.length), columns - indent.length).map((part) => indent + part);
    })
    .join('\n');
}

/** Columns assumed for a terminal that does not report its width. */
export const DEFAULT_COLUMNS = 80;

/** Returns the columns of the terminal behind an output; Infinity without one, so that nothing is cut. */
export function columnsOf(output: Output): number {
  return output.isTTY === true ? output.columns || DEFAULT_COLUMNS : Infinity;
}

/**
 * Writes what went wrong, and below it, indented, what to do next. A list in the message (lines that begin
 * with `- `) keeps its lines; nothing else in the texts begins one. On a terminal they are broken at spaces.
 */
export function complain(stderr: Output, message: string, hint?: string): void {
  const columns = columnsOf(stderr);
  const [said = '', ...items] = message.split('\n- ').map(printable);
  const indented = (text: string): string => folded(`  ${text}`, columns);
  const lines = [
    folded(`taskmirror: ${said}`, columns),
    ...items.map((item) => indented(item).replace(' ', '-')),
    ...(hint === undefined ? [] : [indented(printable(hint))]),
  ];
  stderr.write(`${lines.join('\n')}\n`);
}

/** Everything outside the process that a command touches. */
export interface Io {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the working directory; null if it was deleted. */
  cwd: string | null;
}
