import { styleText } from 'node:util';
import { EXIT, type ExitCode } from '../../exit.ts';
import { hintOf } from '../../hints.ts';
import { messageOf } from '../../../model/text.ts';
import type { Io } from '../../../platform/terminal.ts';
import { columnsOf, printable, usesColor, wrapped } from '../../../render/text.ts';
import { writeAll } from '../../../render/write.ts';

/** One finding of `doctor`: the check, its status and detail, and advice for a status that is not ok. */
export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  hint?: string;
}

/** One check. An error that it throws becomes a finding with status `fail`. */
export interface Check {
  name: string;
  run(): Promise<Finding[]>;
}

/** The output of `doctor --json`: a contract that only ever gains fields. */
export interface Diagnosis {
  /** True if no check failed; there may be warnings. */
  ok: boolean;
  findings: Finding[];
}

/** Runs the checks one after the other; a failure does not stop the rest. */
export async function diagnose(checks: readonly Check[]): Promise<Diagnosis> {
  const findings: Finding[] = [];
  for (const check of checks) {
    try {
      findings.push(...(await check.run()));
    } catch (error) {
      findings.push(failure(check.name, error));
    }
  }
  return { ok: findings.every((finding) => finding.status !== 'fail'), findings };
}

/** Returns an error as a finding, with its hint if it has one. */
export function failure(check: string, error: unknown): Finding {
  const hint = hintOf(error);
  return {
    check,
    status: 'fail',
    detail: messageOf(error),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** `taskmirror doctor`: exit code 0, or 6 if a check failed. */
export async function doctor(
  io: Pick<Io, 'stdout' | 'env'>,
  checks: readonly Check[],
  { json }: { json: boolean },
): Promise<ExitCode> {
  const diagnosis = await diagnose(checks);
  const text = json
    ? `${JSON.stringify(diagnosis, null, 2)}\n`
    : findingLines(diagnosis.findings, usesColor(io), columnsOf(io.stdout));
  await writeAll(io.stdout, [text]);
  return diagnosis.ok ? EXIT.done : EXIT.differences;
}

const MARKS = {
  ok: { word: 'ok', color: 'green' },
  warn: { word: 'warn', color: 'yellow' },
  fail: { word: 'FAIL', color: 'red' },
} as const;

/** Columns of a status mark. */
const MARK = 6;
/** Minimum columns at which a finding's text is wrapped, however narrow the terminal is. */
const NARROWEST = 30;

function findingLines(findings: readonly Finding[], color: boolean, columns: number): string {
  const width = Math.max(0, ...findings.map((finding) => finding.check.length)) + 2;
  const room = Math.max(NARROWEST, columns - MARK - width);
  return findings
    .map(({ check, status, detail, hint }) => {
      const mark = MARKS[status].word.padEnd(MARK);
      const shown = color ? styleText(MARKS[status].color, mark, { validateStream: false }) : mark;
      const texts = hint === undefined ? [detail] : [detail, hint];
      const lines = texts.flatMap((text) => wrapped(printable(text), room));
      return `${shown}${printable(check).padEnd(width)}${lines.join(`\n${' '.repeat(MARK + width)}`)}\n`;
    })
    .join('');
}
