import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { alternate } from '../measure.ts';
import { type Measured, medianOf } from '../verdict.ts';

const MOST_BYTES = 130 * 1024 ** 2;

/** Measures the most memory that a first run holds, of a short list and of a long one. */
export async function memory(bench: Bench): Promise<Measured[]> {
  const [few, many] = [10_000, bench.quick ? 100_000 : 1_000_000];
  const peak = async (tasks: number): Promise<number> => {
    const { url } = await bench.api(tasks);
    return (await bench.program.sync({ db: bench.freshFile(), url })).peakBytes;
  };
  const peaks = await alternate(bench.quick ? 1 : 3, { few: () => peak(few), many: () => peak(many) });
  const ours = { few: medianOf(peaks.few, Number), many: medianOf(peaks.many, Number) };
  return [
    {
      what: `peak memory of a backfill of ${grouped(few)} tasks`,
      unit: 'bytes',
      ours: ours.few,
      most: MOST_BYTES,
    },
    {
      what: `peak memory of a backfill of ${grouped(many)} tasks`,
      unit: 'bytes',
      ours: ours.many,
      most: MOST_BYTES,
    },
  ];
}
