import type { ColumnKind } from '../../reports/report.ts';
import { cut, pad, widthOf } from '../text.ts';
import type { Drawing } from './drawing.ts';
import { ticks } from './scale.ts';

/** Approximate lines of the plot; each value of the axis is exactly on one. */
const HEIGHT = 6;
/** Limits for the plot's columns: a narrower plot shows nothing; in a wider one the eye loses the axis. */
const NARROWEST = 12;
const WIDEST = 150;
/** Minimum space between two labels of the lower axis. */
const LABEL_GAP = 6;

/**
 * A point: its label on the lower axis, its position along it, and its value (null: none, the line breaks).
 */
export interface Point {
  label: string;
  x: number;
  value: number | null;
}

/**
 * Draws a line through points, from zero up, in Braille characters of eight dots, with values at the left and
 * labels below. Returns no lines if fewer than two points have a value, or there is no room.
 */
export function lineChart(points: readonly Point[], kind: ColumnKind, drawing: Drawing): string[] {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const axis = ticks(
    values.reduce((most, value) => Math.max(most, value), 0),
    kind,
  );
  const labels = axis.map((tick) => drawing.figure(tick, kind).replace(/\.0(?= )/, ''));
  const left = Math.max(...labels.map(widthOf));
  const width = Math.min(WIDEST, drawing.width - left - 2);
  if (values.length < 2 || width < NARROWEST) return [];

  const parts = axis.length - 1;
  const linesPerPart = Math.round(HEIGHT / parts);
  const plot = plotted(points, axis.at(-1) ?? 1, { width, height: parts * linesPerPart + 1 });
  const lines = plot.map((dots, row) => {
    const label = row % linesPerPart === 0 ? labels[parts - row / linesPerPart] : undefined;
    const scale = `${pad(label ?? '', left, 'right')} ${label === undefined ? '│' : '┤'}`;
    return drawing.paint('dim', scale) + drawing.paint('cyan', dots.trimEnd());
  });
  const below = lowerAxis(points, width).map((text) => ' '.repeat(left + 1) + text.trimEnd());
  return [...lines, ...below.map((line) => drawing.paint('dim', line))];
}

/** The bits of a Braille character, by column and row of its dots (Unicode, "Braille Patterns"). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Draws the plot: the middle of the first line is `top`, the middle of the last is zero. */
function plotted(
  points: readonly Point[],
  top: number,
  { width, height }: { width: number; height: number },
): string[] {
  const cells = Array.from({ length: height }, () => Array.from({ length: width }, () => 0));
  const place = along(points, 2 * width - 1);
  let last: [x: number, y: number] | undefined;
  for (const point of points) {
    if (point.value === null) {
      last = undefined;
      continue;
    }
    const y = Math.round(1.5 + (1 - Math.max(0, point.value) / top) * 4 * (height - 1));
    const next: [x: number, y: number] = [place(point), y];
    for (const [dotX, dotY] of between(last ?? next, next)) {
      const cell = cells[Math.floor(dotY / 4)];
      const column = Math.floor(dotX / 2);
      if (cell !== undefined) cell[column] = (cell[column] ?? 0) | (DOTS[dotX % 2]?.[dotY % 4] ?? 0);
    }
    last = next;
  }
  return cells.map((row) =>
    row.map((bits) => (bits === 0 ? ' ' : String.fromCodePoint(0x2800 + bits))).join(''),
  );
}

/** Returns a function that places a point on an axis from 0 to `last`. */
function along(points: readonly Point[], last: number): (point: Point) => number {
  const xs = points.map(({ x }) => x);
  const from = xs.reduce((least, x) => Math.min(least, x), Infinity);
  const length = xs.reduce((most, x) => Math.max(most, x), -Infinity) - from;
  return ({ x }) => (length === 0 ? 0 : Math.round(((x - from) / length) * last));
}

function between([fromX, fromY]: [number, number], [toX, toY]: [number, number]): [number, number][] {
  const steps = Math.max(1, Math.abs(toX - fromX), Math.abs(toY - fromY));
  return Array.from({ length: steps + 1 }, (_, step) => [
    Math.round(fromX + ((toX - fromX) * step) / steps),
    Math.round(fromY + ((toY - fromY) * step) / steps),
  ]);
}

/** Draws the axis, and below it as many labels as fit: the last and the first have priority. */
function lowerAxis(points: readonly Point[], width: number): [axis: string, labels: string] {
  const labels = points.map(({ label }) => cut(label, Math.floor((width - 2) / 2)));
  const labelWidth = labels.reduce((most, label) => Math.max(most, widthOf(label)), 1);
  const room = Math.max(2, Math.floor((width + LABEL_GAP) / (labelWidth + LABEL_GAP)));
  const count = Math.min(points.length, room);
  const place = along(points, width - 1);
  const axis = Array.from({ length: width }, () => '─');
  const texts: { text: string; start: number }[] = [];
  const chosen = Array.from({ length: count }, (_, index) =>
    Math.round((index * (points.length - 1)) / (count - 1)),
  );
  for (const index of [chosen.at(-1) ?? 0, ...chosen.slice(0, -1)]) {
    const [text, point] = [labels[index] ?? '', points[index]];
    if (point === undefined) continue;
    const own = widthOf(text);
    const start = Math.max(0, Math.min(width - own, place(point) - Math.floor(own / 2)));
    const free = texts.every(
      (other) => start + own < other.start || other.start + widthOf(other.text) < start,
    );
    if (!free) continue;
    axis[place(point)] = '┬';
    texts.push({ text, start });
  }
  const below = texts
    .toSorted((a, b) => a.start - b.start)
    .reduce((line, { text, start }) => pad(line, start, 'left') + text, '');
  return [`└${axis.join('')}`, ` ${below}`];
}
