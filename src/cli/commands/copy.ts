import { copyMirror, type CopyProgress, type TableCopy } from '../../copy/copy.ts';
import type { Clock } from '../../model/clock.ts';
import { complain, type Output } from '../../platform/terminal.ts';
import { ProgressLine } from '../../render/progress.ts';
import { copyText } from '../../render/views/copy.ts';
import { writeAll } from '../../render/write.ts';
import type { CopyOrigin, CopyTarget } from '../../store/copyable.ts';
import { CommandLineError } from '../command-line-error.ts';
import type { CommandContext } from '../context.ts';
import { type CopyPlace, copyPlaceOf } from '../copy-place.ts';
import { EXIT, type ExitCode } from '../exit.ts';

/** The output of `copy --json`: a contract that only ever gains fields. */
export interface CopyOutcome {
  /** True if the copy is a mirror now and holds every row. */
  ok: boolean;
  /** The two places, as they are named in messages. */
  from: string;
  to: string;
  tables: TableCopy[];
}

export interface CopyFlags {
  from?: string | undefined;
  to?: string | undefined;
  fromSchema?: string | undefined;
  toSchema?: string | undefined;
  json: boolean;
}

export interface CopyContext extends Pick<CommandContext, 'io' | 'clock' | 'signal' | 'settings'> {
  openOrigin: (place: CopyPlace) => Promise<CopyOrigin>;
  /** `origin`: the name of the mirror that is copied. */
  openTarget: (place: CopyPlace, origin: string) => Promise<CopyTarget>;
}

/** `taskmirror copy`: copies a mirror to another place. Throws UsageError, DatabaseError and LeaseHeldError. */
export async function copy(context: CopyContext, flags: CopyFlags): Promise<ExitCode> {
  const { io, clock, settings } = context;
  const { from, to, fromSchema, toSchema } = flags;
  if (from === undefined || to === undefined) {
    throw new CommandLineError('a copy needs --from and --to, each a file or a postgres:// URL');
  }
  const fromPlace = copyPlaceOf('from', { text: from, schema: fromSchema, settings, cwd: io.cwd });
  const toPlace = copyPlaceOf('to', { text: to, schema: toSchema, settings, cwd: io.cwd });
  const line = new StepLine(io.stderr, clock);
  try {
    const onProgress = (progress: CopyProgress): void => line.update(progress);
    const outcome = await copyBetween(context, { fromPlace, toPlace, onProgress });
    line.done();
    await writeAll(io.stdout, [flags.json ? `${JSON.stringify(outcome, null, 2)}\n` : copyText(outcome)]);
    if (!outcome.tables.every(({ isExact }) => isExact)) {
      complain(
        io.stderr,
        `${outcome.to} does not hold what was copied; it stays an unfinished copy`,
        'Run it again: it replaces what differs. If that does not help, check the disks of both sides.',
      );
      return EXIT.differences;
    }
    return outcome.ok ? EXIT.done : EXIT.partial;
  } finally {
    line.done();
  }
}

/** Shows the progress of one step after the other. */
class StepLine {
  readonly #output: Output;
  readonly #clock: Clock;
  #step: CopyProgress['step'] | null = null;
  #line: ProgressLine | null = null;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  update({ step, rows, total }: CopyProgress): void {
    if (step !== this.#step || this.#line === null) {
      this.done();
      this.#step = step;
      this.#line = new ProgressLine(this.#output, this.#clock);
    }
    const counts = { requests: 0, inserted: 0, updated: 0 };
    this.#line.update(step, { kind: 'backfill', offset: rows, rowsSeen: rows, total, ...counts });
  }

  done(): void {
    this.#line?.done();
  }
}

async function copyBetween(
  { openOrigin, openTarget, signal }: CopyContext,
  {
    fromPlace,
    toPlace,
    onProgress,
  }: { fromPlace: CopyPlace; toPlace: CopyPlace; onProgress: (progress: CopyProgress) => void },
): Promise<CopyOutcome> {
  const origin = await openOrigin(fromPlace);
  try {
    const target = await openTarget(toPlace, origin.name);
    try {
      const tables = await copyMirror(origin, target, { signal, onProgress });
      const ok = tables.every(({ isExact, setAside, leftOut }) => isExact && setAside + leftOut === 0);
      return { ok, from: origin.name, to: target.name, tables };
    } finally {
      await target.close();
    }
  } finally {
    await origin.close();
  }
}
