import { stripVTControlCharacters, styleText } from 'node:util';
import { grouped } from '../model/text.ts';
import { widthOf, widthOfCharacter, wrapped } from '../platform/terminal.ts';
import type { Io } from '../platform/terminal.ts';

export { counted, grouped } from '../model/text.ts';
export { columnsOf, DEFAULT_COLUMNS, folded, printable, widthOf, wrapped } from '../platform/terminal.ts';

/** Cuts printable text to at most `columns` columns; an ellipsis replaces the rest. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept.replace(/\u200d$/u, '')}…`;
}

/** Columns of the longest word that is shown whole: an id has 36. */
const LONGEST_WORD = 40;

/** Returns whether printable text is one word, such as a time, an id or a number: a part of it says little or misleads. */
export function isWord(text: string): boolean {
  return !text.includes(' ') && widthOf(text) <= LONGEST_WORD;
}

/**
 * Breaks printable text into lines of at most `columns` columns, at spaces, or within a word that is longer; what does not fit
 * into `lines` lines is cut.
 */
export function textLines(text: string, columns: number, lines: number): string[] {
  const made: string[] = [];
  let rest = text;
  while (made.length < lines - 1 && widthOf(rest) > columns) {
    const [first = ''] = wrapped(rest, columns);
    const line = widthOf(first) <= columns ? first : cut(first, columns).slice(0, -1);
    // Wide characters in one column: nothing fits.
    if (line === '') break;
    made.push(line);
    rest = rest.slice(line.length).trimStart();
  }
  return [...made, cut(rest, columns)];
}

/** Pads printable text with spaces to `columns` columns. */
export function pad(text: string, columns: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/**
 * Joins parts, styled or not, into lines of at most `columns` columns, as many on each as fit; breaks none.
 */
export function flowed(parts: readonly string[], gap: string, columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1)}${gap}${part}`;
    if (lines.length > 0 && widthOf(stripVTControlCharacters(longer)) <= columns)
      lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** Returns whether to colour stdout: it is a terminal, and NO_COLOR (no-color.org) is not set. */
export function usesColor({ stdout, env }: Pick<Io, 'stdout' | 'env'>): boolean {
  return stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** The styles that output uses: readable on dark and on light terminals. */
export type Style = 'bold' | 'dim' | 'blue' | 'cyan' | 'green' | 'yellow';

/** Puts text in a style; returns it unchanged without colour. */
export type Paint = (style: Style, text: string) => string;

export function painter(color: boolean): Paint {
  return (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * Formats a duration in ms for people by its two largest units, rounded: `340 ms`, `1.2 s`, `3 m 20 s`,
 * `2 h 5 m`, `12 d 3 h`.
 */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${tenths % 10 === 0 ? tenths / 10 : (ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(seconds, 60, 'm', 's');
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return pair(minutes, 60, 'h', 'm');
  return pair(Math.round(ms / 3_600_000), 24, 'd', 'h');
}

function pair(count: number, size: number, large: string, small: string): string {
  const rest = count % size;
  return `${grouped(Math.floor(count / size))} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** Formats the time from a UTC text to `now` (ms): `4 m ago`, or `in 4 m` if clocks disagree. */
export function ago(time: string, now: number): string {
  const ms = now - Date.parse(time);
  if (Math.abs(ms) < 1_000) return 'just now';
  return ms > 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
}

/** Returns a run's kind as the flag and the settings call it; programs get the stored name. */
export function kindWord(kind: string): string {
  return kind === 'reconcile' ? 'full' : kind;
}
