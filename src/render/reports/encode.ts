import type { Report, Section } from '../../reports/report.ts';
import { csvLines, jsonArray, jsonLines, jsonText } from '../formats/encode.ts';
import { formattedAtOnce } from '../formats/format.ts';
import type { Filters } from './text.ts';

/** Writes one object: the report's name and filters, and under `sections`, by name, the rows as objects. */
export function* reportJson(report: Report, { user, status }: Filters): Generator<string> {
  const { name, since, until, timezone, completeThrough } = report;
  const head = Object.entries({ report: name, since, until, timezone, user, status, completeThrough });
  yield `{${head.map(([key, value]) => `"${key}":${jsonText(value)}`).join(',')},\n"sections":{`;
  for (const [index, section] of report.sections.entries()) {
    yield `${index === 0 ? '' : ','}\n${jsonText(section.name)}:`;
    yield* formattedAtOnce(jsonArray(namesOf(section)), section.rows);
  }
  yield '}}\n';
}

/** Writes one object per row, the name of its section first. */
export function* reportJsonLines(report: Report): Generator<string> {
  for (const section of report.sections) {
    yield* formattedAtOnce(
      jsonLines(['section', ...namesOf(section)]),
      section.rows.map((row) => [section.name, ...row]),
    );
  }
}

/**
 * Writes the rows of a report that has one section. Several sections have different columns, so each value
 * gets a line: section, row (from 1), column, value.
 */
export function reportCsv(report: Report): Iterable<string> {
  const [only, ...others] = report.sections;
  if (only !== undefined && others.length === 0) return formattedAtOnce(csvLines(namesOf(only)), only.rows);
  const rows = report.sections.flatMap((section) =>
    section.rows.flatMap((row, index) =>
      section.columns.map(({ name }, position) => [section.name, index + 1, name, row[position] ?? null]),
    ),
  );
  return formattedAtOnce(csvLines(['section', 'row', 'column', 'value']), rows);
}

function namesOf({ columns }: Section): string[] {
  return columns.map(({ name }) => name);
}
