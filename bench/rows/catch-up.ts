import { startApi } from '../api.ts';
import { grouped } from '../../src/render/text.ts';
import type { Bench } from '../fixtures.ts';
import { type Measured, mostCatchUpRequests } from '../verdict.ts';

/** The default of `sync.overlapSeconds`, in ms. */
const OVERLAP_MS = 300_000;

/** Measures the list requests that catching up with changes takes. The API counts them, so once is enough. */
export async function catchUp(bench: Bench): Promise<Measured[]> {
  const tasks = 20_000;
  const db = await bench.mirror(tasks);
  // It needs its own API, since the list changes.
  const api = await startApi(tasks);
  try {
    const measured: Measured[] = [];
    for (const changes of [0, 10, 1_000]) {
      const before = await api.tell({ nearMs: OVERLAP_MS });
      await api.tell({ changes });
      const { report } = await bench.program.sync({ db, url: api.url });
      if (report.inserted + report.updated !== changes) {
        throw new Error(`Of ${changes} changes, ${report.inserted + report.updated} were found.`);
      }
      const after = await api.tell({});
      measured.push({
        what: `catching up after ${grouped(changes)} changes, ${before.rowsNear} rows in the overlap`,
        unit: 'requests',
        ours: after.listRequests - before.listRequests,
        most: mostCatchUpRequests(changes, before.rowsNear),
      });
    }
    return measured;
  } finally {
    await api.close();
  }
}
