import { fileURLToPath } from 'node:url';
import { grouped } from '../../src/render/text.ts';
import { API_KEY } from '../api.ts';
import type { Bench } from '../fixtures.ts';
import { alternate, type Command, spend } from '../measure.ts';
import { type Measured, medianOf, NEW_ROWS_A_PAGE, pagesOf } from '../verdict.ts';

/** Returns the documentation's loop in its own process; without a file it only reads. */
export function loop(url: string, file?: string): Command {
  const path = fileURLToPath(new URL('../processes/loop.ts', import.meta.url));
  return { args: [path, url, API_KEY, ...(file === undefined ? [] : [file])] };
}

/** Measures a first run, as a whole process, against the documentation's loop. */
export async function backfill(bench: Bench): Promise<Measured[]> {
  const tasks = bench.quick ? 30_000 : 100_000;
  const { url } = await bench.api(tasks);
  const { ours, wordless, yardstick } = await alternate(3, {
    ours: () => bench.program.sync({ db: bench.freshFile(), url }),
    wordless: () => bench.program.sync({ db: bench.freshFile(), url, searchIndex: false }),
    yardstick: () => spend(loop(url, bench.freshFile())),
  });
  return [
    {
      what: `backfill of ${grouped(tasks)} tasks / the documentation's loop`,
      unit: 'ms',
      ours: medianOf(ours, ({ wallMs }) => wallMs),
      yardstick: medianOf(yardstick, ({ wallMs }) => wallMs),
      most: 1.3,
    },
    {
      what: '  the same without full text, which the loop does not build either',
      unit: 'ms',
      ours: medianOf(wordless, ({ wallMs }) => wallMs),
      yardstick: medianOf(yardstick, ({ wallMs }) => wallMs),
    },
    {
      what: '  its peak memory / that of the loop',
      unit: 'bytes',
      ours: medianOf(ours, ({ peakBytes }) => peakBytes),
      yardstick: medianOf(yardstick, ({ peakBytes }) => peakBytes),
    },
  ];
}

/** Returns only the requests of a first run, `concurrency` at once, in their own process. */
function requests(url: string, tasks: number, concurrency: number): Command {
  const path = fileURLToPath(new URL('../processes/pages.ts', import.meta.url));
  const offsets = Array.from({ length: pagesOf(tasks) }, (_, nth) => nth * NEW_ROWS_A_PAGE);
  return { args: [path, url, API_KEY, offsets.join(','), String(concurrency)], onlyWall: true };
}

/** Most time of a first run of a slow API against its requests alone, by the number of requests at once. */
const MOST_OF_BARE = { 4: 1.25, 8: 1.4 } as const;

/**
 * Measures a first run of an API that takes its time against a process that sends the same requests, as many
 * at once, and ignores the answers; and against what the pages take by arithmetic, if that many are always
 * under way.
 */
export async function latency(bench: Bench): Promise<Measured[]> {
  const tasks = 20_000;
  const latencyMs = 40;
  const api = await bench.api(tasks);
  await api.tell({ latencyMs });
  const sync = (concurrency: number) =>
    bench.program.sync({ db: bench.freshFile(), url: api.url, concurrency, onlyWall: true });
  const bare = (concurrency: number) => spend(requests(api.url, tasks, concurrency));
  const runs = await alternate(3, {
    4: () => sync(4),
    8: () => sync(8),
    bare4: () => bare(4),
    bare8: () => bare(8),
  });
  await api.tell({ latencyMs: 0 });

  return ([4, 8] as const).flatMap((concurrency): Measured[] => {
    const arithmetic = (pagesOf(tasks) * latencyMs) / concurrency;
    const ours = medianOf(runs[concurrency], ({ wallMs }) => wallMs);
    return [
      {
        what: `backfill of ${grouped(tasks)} tasks at ${latencyMs} ms, concurrency ${concurrency} / its requests alone`,
        unit: 'ms',
        ours,
        yardstick: medianOf(runs[`bare${concurrency}`], ({ wallMs }) => wallMs),
        most: MOST_OF_BARE[concurrency],
      },
      {
        what: `  the same / pages x ${latencyMs} ms / ${concurrency}`,
        unit: 'ms',
        ours,
        yardstick: arithmetic,
      },
      {
        what: '  without the start of the process',
        unit: 'ms',
        ours: medianOf(runs[concurrency], ({ report }) => report.durationMs),
        yardstick: arithmetic,
      },
    ];
  });
}
