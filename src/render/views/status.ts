import type { LeaseHolder, RetentionState, RunSummary, SourceStatus } from '../../store/store.ts';
import type { Table } from '../../store/queryable.ts';
import { formattedAtOnce } from '../formats/format.ts';
import { plainTable } from '../table.ts';
import type { ListedHook } from './hooks.ts';
import { ago, counted, duration, grouped, kindWord, printable, wrapped } from '../text.ts';

const LABEL = 20;
const WIDTH = 80;
const GAPS_SHOWN = 5;
const RUNS_SHOWN = 5;

/** The output of `status --json`: a contract that only ever gains fields. Times are UTC text. */
export interface Status {
  /** Ordered by name. Empty if nothing is mirrored yet. */
  sources: SourceStatus[];
  /** The newest 20 runs of all sources, newest first. */
  runs: RunSummary[];
  /** Days after which the settings prune data (null: never), and how far it was pruned. */
  retention: { changesDays: number | null; removedDays: number | null } & RetentionState;
  /** The hooks of the settings; empty if they have none. */
  hooks: ListedHook[];
}

/**
 * Writes a status for people, in 80 columns; `now` is in ms. `hookLines`: a line for each hook, whose view is
 * loaded only if there are any.
 */
export function statusText(
  { sources, runs, retention }: Omit<Status, 'hooks'>,
  now: number,
  hookLines: readonly string[] = [],
): string {
  if (sources.length === 0) {
    return 'Nothing is mirrored yet. Run "taskmirror sync" once, or "taskmirror daemon" to keep a mirror current.\n';
  }
  const parts = sources.map((source) =>
    sourceText(
      source,
      runs.find((run) => run.source === source.source),
      now,
    ),
  );
  parts.push(...retentionText(retention));
  if (hookLines.length > 0) parts.push(`Hooks\n${hookLines.join('')}`);
  if (runs.length > 0) {
    const { columns, rows } = runTable(runs.slice(0, RUNS_SHOWN), sources.length > 1, now);
    parts.push(`Last runs\n${[...formattedAtOnce(plainTable(columns), rows)].join('')}`);
  }
  return parts.join('\n');
}

function sourceText(source: SourceStatus, lastRun: RunSummary | undefined, now: number): string {
  if (source.lastRunAt === null) return forgottenText(source);
  const time = (text: string | null): string => (text === null ? 'never' : `${text} (${ago(text, now)})`);
  const lines: (readonly [label: string, ...text: string[]])[] = [
    [
      'complete through',
      source.completeThrough === null ? 'nothing is proven yet' : time(source.completeThrough),
    ],
    ['gaps', ...gapLines(source.gaps)],
    ['live rows', `${grouped(source.liveRows)} (${apiTotal(source.apiTotal)})`, ...heldLines(source)],
    ['open tasks', grouped(source.openTasks)],
    ['rejected rows', rejected(source.rejectedRows)],
    ['removed rows', grouped(source.removedRows)],
    ...(source.holder === null ? [] : [['now', ...holderLines(source.holder, now)] as const]),
    ['last run', ...(lastRun === undefined ? [time(source.lastRunAt)] : runLines(lastRun, now))],
    ['last success', time(source.lastSuccessAt)],
    ['last clean full', time(source.lastCleanFullAt)],
  ];
  const body = lines.map(([label, ...text]) =>
    text.map((line, index) => row(index === 0 ? label : '', line)).join(''),
  );
  return `${printable(source.source)}  ${printable(source.baseUrl)}\n${body.join('')}`;
}

/** Writes what is left of a source that was forgotten: every other has had a run. */
function forgottenText({ source, baseUrl, removedRows }: SourceStatus): string {
  return `${printable(source)}  ${printable(baseUrl)}\n${row('forgotten', `only ${counted(removedRows, 'removed task')} left under its name`)}`;
}

/** Returns nothing if nothing is or was pruned. */
function retentionText(retention: Status['retention']): string[] {
  const { changesDays, removedDays, changesThrough, removedThrough } = retention;
  if (Object.values(retention).every((value) => value === null)) return [];
  const lines = [
    row('changes', keptText(changesDays, changesThrough)),
    row('removed tasks', keptText(removedDays, removedThrough)),
  ];
  return [`Retention\n${lines.join('')}`];
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL - 2)}${text}\n`;
}

function keptText(days: number | null, through: string | null): string {
  const kept = days === null ? 'kept forever' : `kept for ${counted(days, 'day')}`;
  return through === null ? kept : `${kept}; pruned through ${through}`;
}

/** Counts tasks of the API's total that another source showed first. */
function heldLines({ heldBy }: SourceStatus): string[] {
  return heldBy.flatMap(({ source, rows }) =>
    wrapped(`${grouped(rows)} of them are held by source ${printable(source)}`, WIDTH - LABEL),
  );
}

function holderLines({ pid, host, since }: LeaseHolder, now: number): string[] {
  const text = `being synced by process ${pid} on ${printable(host)} since ${since} (${ago(since, now)})`;
  return wrapped(text, WIDTH - LABEL);
}

function apiTotal(total: number | null): string {
  return total === null ? 'the API gave no total' : `the API counts ${grouped(total)}`;
}

function rejected(rows: number): string {
  return rows === 0 ? '0' : `${grouped(rows)} (see: select * from rejected_rows)`;
}

function gapLines(gaps: SourceStatus['gaps']): string[] {
  if (gaps.length === 0) return ['none'];
  const lines = gaps
    .slice(0, GAPS_SHOWN)
    .map(({ lower, upper }) => (lower === null ? `everything up to ${upper}` : `${lower} to ${upper}`));
  return gaps.length > GAPS_SHOWN
    ? [...lines, `and ${counted(gaps.length - GAPS_SHOWN, 'older one')}`]
    : lines;
}

function runLines(run: RunSummary, now: number): string[] {
  const took = run.finishedAt === null ? '' : `, took ${runDuration(run)}`;
  return [
    `${run.startedAt} (${ago(run.startedAt, now)})${took}`,
    `${kindWord(run.kind)}: ${result(run)}; ${counted(run.requests, 'request')}`,
    `${counted(run.rowsSeen, 'row')} seen: ${changes(run)}`,
    ...(run.error === null ? [] : wrapped(printable(run.error), WIDTH - LABEL)),
  ];
}

function result({ outcome, verdict }: RunSummary): string {
  if (outcome === null) return 'not finished';
  return verdict === null ? outcome : `${outcome}, ${verdict}`;
}

function changes(run: RunSummary): string {
  const parts = [`${grouped(run.inserted)} new`, `${grouped(run.updated)} changed`];
  if (run.removed > 0) parts.push(`${grouped(run.removed)} removed`);
  if (run.rejected > 0) parts.push(`${grouped(run.rejected)} rejected`);
  return parts.join(', ');
}

function runDuration({ startedAt, finishedAt }: RunSummary): string {
  return finishedAt === null ? '' : duration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)));
}

function runTable(runs: readonly RunSummary[], named: boolean, now: number): Table {
  return {
    columns: [
      'started',
      ...(named ? ['source'] : []),
      'kind',
      'result',
      'requests',
      'new',
      'changed',
      'took',
    ],
    rows: runs.map((run) => [
      ago(run.startedAt, now),
      ...(named ? [run.source] : []),
      kindWord(run.kind),
      result(run),
      run.requests,
      run.inserted,
      run.updated,
      runDuration(run),
    ]),
  };
}
