import { askedOf, REPORTS, runReport, type Scope } from '../../reports/index.ts';
import type { Report, Section } from '../../reports/report.ts';
import { nearest } from '../../platform/nearest.ts';
import { isTimezone } from '../../platform/cron.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { CommandContext } from '../context.ts';
import type { Io } from '../../platform/terminal.ts';
import { printRows } from '../../render/rows.ts';
import type { ReportFormat } from '../../render/rows.ts';
import { reportCsv, reportJson, reportJsonLines } from '../../render/reports/encode.ts';
import { figuresIn } from '../../render/figures.ts';
import { markdownTable, reportMarkdown } from '../../render/reports/markdown.ts';
import { reportText, sectionText } from '../../render/reports/text.ts';
import type { Filters, Screen } from '../../render/reports/text.ts';
import { DEFAULT_COLUMNS, grouped, painter, usesColor } from '../../render/text.ts';
import { writeAll, writeData } from '../../render/write.ts';
import { type PeriodFlags, parsePeriod } from '../arguments/period.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

/** The flags of `report`, as typed. */
export interface ReportFlags extends PeriodFlags {
  user?: string | undefined;
  status?: string | undefined;
  limit?: string | undefined;
  timezone?: string | undefined;
}

/** Maximum rows of a section. */
const MOST_ROWS = 1_000_000;
/** On a narrower terminal lines may wrap: no table or chart is readable there. */
const NARROWEST_SCREEN = 20;

type Parts = Pick<CommandContext, 'io' | 'settings' | 'clock' | 'signal' | 'openForReports'>;

/** `taskmirror report NAME`. Throws UsageError for an invalid name or flag. */
export async function report(
  { io, settings, clock, signal, openForReports }: Parts,
  name: string,
  flags: ReportFlags,
  format: ReportFormat,
): Promise<ExitCode> {
  assertReport(name);
  const scope = scopeOf(flags, settings.timezone, clock.now());
  const mirror = await openForReports();
  try {
    const found = await runReport(name, askedOf(mirror), scope);
    const write = format === 'table' ? writeAll : writeData;
    await write(io.stdout, rendered(found, scope, format, screenOf(io)), signal);
  } finally {
    await mirror.close();
  }
  return EXIT.done;
}

/** `taskmirror report`: lists the reports. */
export async function reportList(io: Io, format: ReportFormat): Promise<ExitCode> {
  const columns = ['report', 'shows'];
  const rows = REPORTS.map(({ name, summary }) => [name, summary]);
  if (format !== 'table' && format !== 'markdown') {
    await printRows(io.stdout, { columns, batches: [rows] }, format);
    return EXIT.done;
  }
  const section: Section = {
    name: 'reports',
    title: 'Reports',
    columns: columns.map((name) => ({ name, title: name, kind: name === 'shows' ? 'prose' : 'text' })),
    rows,
    chart: null,
  };
  const screen = screenOf(io);
  const figure = figuresIn('UTC');
  const drawing = { width: screen?.width ?? Infinity, figure, paint: painter(screen?.color ?? false) };
  const text = format === 'markdown' ? markdownTable(section, figure) : sectionText(section, drawing, false);
  await writeAll(io.stdout, text);
  return EXIT.done;
}

function rendered(found: Report, filters: Filters, format: ReportFormat, screen: Screen): Iterable<string> {
  switch (format) {
    case 'json':
      return reportJson(found, filters);
    case 'jsonl':
      return reportJsonLines(found);
    case 'csv':
      return reportCsv(found);
    case 'markdown':
      return reportMarkdown(found, filters);
    default:
      return reportText(found, filters, screen);
  }
}

function screenOf(io: Io): Screen {
  if (io.stdout.isTTY !== true) return null;
  const width = Math.max(NARROWEST_SCREEN, io.stdout.columns || DEFAULT_COLUMNS);
  return { width, color: usesColor(io) };
}

function assertReport(name: string): void {
  const names = REPORTS.map((each) => each.name);
  if (names.includes(name)) return;
  const near = nearest(name, names);
  throw new CommandLineError(`there is no report "${name}"`, {
    hint: `${near === undefined ? '' : `Did you mean "${near}"? `}The reports are ${names.join(', ')}.`,
  });
}

function scopeOf(flags: ReportFlags, standard: string, now: number): Scope {
  const timezone = flags.timezone ?? standard;
  if (!isTimezone(timezone)) {
    throw new CommandLineError(
      `--timezone ${timezone}: expected an IANA time zone such as UTC or Europe/Berlin`,
    );
  }
  return {
    ...parsePeriod(flags, now, timezone),
    user: flags.user ?? null,
    status: flags.status ?? null,
    limit: flags.limit === undefined ? null : rowLimit(flags.limit),
    timezone,
    now,
  };
}

function rowLimit(text: string): number {
  const limit = wholeNumber(text, MOST_ROWS);
  if (limit !== null) return limit;
  throw new CommandLineError(`--limit ${text}: expected a whole number from 1 to ${grouped(MOST_ROWS)}`);
}
