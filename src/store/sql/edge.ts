import { utcText } from '../../model/task.ts';

/** Formats an edge of activity (ms) as UTC text; an open edge becomes the format's first or last moment. */
export function edgeText(ms: number): string {
  const first = Date.parse('0000-01-01T00:00:00.000Z');
  const last = Date.parse('9999-12-31T23:59:59.999Z');
  return utcText(Math.min(last, Math.max(first, ms)));
}

/** Parses UTC text to ms; null stays null. */
export function parseEdge(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
