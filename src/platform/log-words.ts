import { printable, wrapped } from './terminal.ts';

const INDENT = '    ';

/**
 * Writes a log entry's message and fields for people: `source default, requests 2, took 26 ms` on indented lines below the
 * message, and below them an error of our own, `err`. Null says nothing and is left out. No line is longer than `columns`, except one of a longer word; `prefix`
 * columns of the first line are taken.
 */
export function wordsOf(
  message: string,
  fields: Readonly<Record<string, unknown>>,
  { columns, prefix }: { columns: number; prefix: number },
): string {
  const room = columns - INDENT.length;
  const taken = 'x'.repeat(prefix - 1);
  const [first = '', ...more] = wrapped(`${taken} ${printable(message)}`, room);
  const { err, ...others } = fields;
  const parts = Object.entries(others)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => fieldText(name, value));
  const told = errorTexts(err as ToldError | undefined).flatMap((text) => wrapped(printable(text), room));
  const below = [...more, ...flowed(parts, room), ...told];
  return [first.slice(prefix), ...below.map((line) => INDENT + line)].join('\n');
}

/** An error of our own as the log holds it. */
interface ToldError {
  message: string;
  hint?: string;
  cause?: ToldError;
}

/** Returns the message, those of its causes that say more, and what to do. */
function errorTexts(error: ToldError | undefined): string[] {
  if (error === undefined) return [];
  const texts = [error.message];
  for (let { cause } = error; cause !== undefined; { cause } = cause) {
    if (!texts.some((text) => text.includes(cause?.message ?? ''))) texts.push(cause.message);
  }
  return error.hint === undefined ? texts : [...texts, error.hint];
}

/** `waitMs: 448` becomes `wait 448 ms`. */
function fieldText(name: string, value: unknown): string {
  const [, stem = name, unit] = /^(.+?)(Ms|Seconds)?$/.exec(name) ?? [];
  const words = stem.replaceAll(/[a-z](?=[A-Z])/g, '$& ').toLowerCase();
  return `${printable(words)} ${typeof value === 'number' ? numberText(value, unit) : valueText(value)}`;
}

function numberText(value: number, unit: string | undefined): string {
  if (unit === undefined) return `${value}`;
  const ms = unit === 'Ms' ? value : 1_000 * value;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`;
}

function valueText(value: unknown): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Puts as many parts on each line as fit, and breaks at spaces only what is longer than a line. */
function flowed(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const [index, part] of parts.entries()) {
    const text = index < parts.length - 1 ? `${part},` : part;
    const both = wrapped([...lines.slice(-1), text].join(' '), columns);
    if (both.length === 1) lines.splice(-1, 1, ...both);
    else lines.push(...wrapped(text, columns));
  }
  return lines;
}
