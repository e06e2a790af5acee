import { jsonEscapes } from '../model/text.ts';

/** What a terminal acts on or hides: control, format and direction characters, and halves of pairs. */
const UNPRINTABLE =
  // Zero-width joiner and non-joiner stay: emoji and some scripts are built with them.
  String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}`;
const IN_A_LINE = new RegExp(UNPRINTABLE, 'gu');
const IN_LINES = new RegExp(String.raw`(?![\n\t])(?:${UNPRINTABLE})`, 'gu');
/** What this program itself sends: styles, and at the beginning of a piece what takes the line of progress away. */
const OWN = String.raw`^\r\u001b\[K|\u001b\[(?:[0-2]|22|[349]\d)m`;
const OWN_OR_NOT = new RegExp(String.raw`(${OWN})|(?![\n\t])(?:${UNPRINTABLE})`, 'gu');

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Text that is safe on a terminal and stays on one line: control characters (ESC and newlines among them),
 * invisible format characters and those that turn the direction of writing are shown as escapes.
 */
export function printable(text: string): string {
  return text.replace(IN_A_LINE, (character) => SHORT_ESCAPES.get(character) ?? jsonEscapes(character));
}

/** The same of text that has lines of its own: newlines and tabs stay. JSON that is shown stays JSON of the same value. */
export function visible(text: string): string {
  return text.replace(IN_LINES, jsonEscapes);
}

/** A stream that people or programs read. `columns` is unknown for a pipe. */
export interface Output {
  /** `done` hears when the piece was taken, or why it was not. */
  write(piece: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/**
 * The one way to a terminal: shows escapes for what it would act on, wherever a text came from. This program's own styles
 * pass, and so does, where `isExact` says that programs read it, everything.
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
  return text.replace(OWN_OR_NOT, (found, own?: string) => own ?? jsonEscapes(found));
}

const ASCII = /^[ -~]*$/;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{10000}-\u{10ffff}\p{Emoji_Presentation}]$/u;

/**
 * Terminal columns that printable text takes. Wide ranges follow Unicode (TR 11, and
 * every character outside the basic plane as wide), so that what fits by this measure fits its tables.
 */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** The same of one character (a code point). */
export function widthOfCharacter(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Printable text as lines of at most `columns` columns, broken at spaces; a longer word keeps its own line. */
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

/** Lines of printable text, each broken to fit as {@link wrapped} does it, and indented as it was. */
export function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      return wrapped(line.slice(indent.length), columns - indent.length).map((part) => indent + part);
    })
    .join('\n');
}

/** Columns assumed for a terminal that does not tell its width. */
export const DEFAULT_COLUMNS = 80;

/** Columns of the terminal behind an output; Infinity where it is none, so that nothing is cut or broken. */
export function columnsOf(output: Output): number {
  return output.isTTY === true ? output.columns || DEFAULT_COLUMNS : Infinity;
}

/**
 * Says what went wrong, and below it, indented, what to do next. A list in the message (lines that begin with `- `)
 * keeps its lines; nothing else that the texts hold begins one. A terminal gets them broken at spaces.
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
  /** Absolute path of the working directory; null where it was deleted. */
  cwd: string | null;
}
