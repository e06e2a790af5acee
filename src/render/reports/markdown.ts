import type { Report, Section } from '../../reports/report.ts';
import { figuresIn, isNumeric, isText } from '../figures.ts';
import type { Figure } from '../figures.ts';
import { scopeWords } from './text.ts';
import type { Filters } from './text.ts';
import { printable } from '../text.ts';

/**
 * Writes a report as GitHub Flavored Markdown: a heading, and a table for each section, with formatted
 * values.
 */
export function* reportMarkdown(report: Report, filters: Filters): Generator<string> {
  const figure = figuresIn(report.timezone);
  yield `## ${escaped(report.title)}\n\n`;
  yield `${scopeWords(report, filters).map(escaped).join(' · ')}\n`;
  for (const section of report.sections) {
    yield report.sections.length > 1 ? `\n### ${escaped(section.title)}\n\n` : '\n';
    yield* markdownTable(section, figure);
  }
}

/** Writes one section as a Markdown table, without its title. */
export function* markdownTable({ columns, rows }: Section, figure: Figure): Generator<string> {
  yield line(columns.map(({ title }) => escaped(title)));
  yield line(columns.map(({ kind }) => (isNumeric(kind) ? '--:' : '---')));
  for (const row of rows) {
    yield line(
      columns.map(({ kind }, index) => {
        const value = row[index] ?? null;
        // A table cell is one line, but may hold breaks.
        return isText(kind) && typeof value === 'string'
          ? value.split(/\r?\n/).map(escaped).join('<br>')
          : escaped(figure(value, kind));
      }),
    );
  }
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}

/**
 * Escapes text so that Markdown shows it as it is: a backslash makes ASCII punctuation literal (CommonMark,
 * 2.4).
 */
function escaped(text: string): string {
  return printable(text).replace(/[\\`*_[\]<>|~&$#]/g, '\\$&');
}
