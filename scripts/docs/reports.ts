import { REPORTS } from '../../src/reports/index.ts';

/** Returns a line for each report, as `taskmirror report` lists them. */
export function reportsTable(): string {
  const lines = REPORTS.map(({ name, summary }) => `| \`${name}\` | ${summary} |`);
  return ['| Report | Shows |', '|---|---|', ...lines].join('\n');
}
