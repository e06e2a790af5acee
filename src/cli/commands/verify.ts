import { requireSources } from '../../config/sources.ts';
import type { SourceSettings } from '../../config/settings.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { MirrorStore } from '../../store/store.ts';
import { type Findings, type VerifyReport, verifySource } from '../../sync/verify.ts';
import type { CommandContext } from '../context.ts';
import { columnsOf, counted, folded, grouped, printable } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';

/** The output of `verify --json`: a contract that only ever gains fields. */
export interface VerifyOutcome {
  ok: boolean;
  /** Problems of the database itself: SQLite's integrity check and foreign keys, or PostgreSQL's indexes. */
  file: string[];
  /** Advice for these problems; null if there are none. */
  cure: string | null;
  /** Empty with --quick, which asks no API. */
  sources: VerifyReport[];
}

export interface VerifyFlags {
  json: boolean;
  quick: boolean;
}

const SHOWN = 10;

/** `taskmirror verify`: exit code 0, or 6 if something is wrong. Writes nothing to the mirror. */
export async function verify(context: CommandContext, { json, quick }: VerifyFlags): Promise<ExitCode> {
  const { io, settings } = context;
  const { what, problems: file, cure } = await context.engine.check();
  const sources: VerifyReport[] = [];
  if (!quick) {
    const store = await context.openToLook();
    try {
      for (const source of requireSources(settings)) sources.push(await verifyOne(context, store, source));
    } finally {
      await store.close();
    }
  }
  const ok = file.length === 0 && sources.every((source) => source.ok);
  const outcome: VerifyOutcome = { ok, file, cure, sources };
  await writeAll(io.stdout, [
    json ? `${JSON.stringify(outcome, null, 2)}\n` : folded(textOf(outcome, what), columnsOf(io.stdout)),
  ]);
  return outcome.ok ? EXIT.done : EXIT.differences;
}

async function verifyOne(
  context: CommandContext,
  store: MirrorStore,
  source: SourceSettings,
): Promise<VerifyReport> {
  const { settings, signal } = context;
  const { pageSize, concurrency } = settings.sync;
  return verifySource(
    { name: source.name, baseUrl: source.baseUrl },
    { store, source: await context.connect(source) },
    { pageSize, concurrency, signal },
  );
}

function textOf({ ok, file, cure, sources }: VerifyOutcome, what: string): string {
  const lines = [`${what}: ${file.length === 0 ? 'sound' : printable(file.join('; '))}`];
  if (cure !== null) lines.push(`  ${cure}`);
  for (const report of sources) {
    lines.push(
      `${report.name}: ${counted(report.rowsCompared, 'row')} compared in ${counted(report.requests, 'request')}; ` +
        `${grouped(report.moved)} moved on since the last sync`,
      ...findingLines('missing from the mirror', report.missing),
      ...findingLines('no longer in the list', report.extra),
      ...findingLines('different', report.different),
      ...report.problems.map((problem) => `  problem: ${printable(problem)}`),
    );
  }
  if (ok) lines.push('ok');
  else if (sources.some((source) => !source.ok))
    lines.push('Something is wrong. "taskmirror sync --full" repairs what the API can still show.');
  else lines.push('Something is wrong.');
  return `${lines.join('\n')}\n`;
}

function findingLines(what: string, { count, first }: Findings): string[] {
  if (count === 0) return [];
  const shown = first
    .slice(0, SHOWN)
    .map(({ id, fields }) => `    ${printable(id)}${fields ? ` (${fields.join(', ')})` : ''}`);
  const rest = count > SHOWN ? [`    and ${grouped(count - SHOWN)} more (--json lists up to 100)`] : [];
  return [`  ${what}: ${grouped(count)}`, ...shown, ...rest];
}
