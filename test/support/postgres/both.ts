import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task } from '../../../src/model/task.ts';
import type { Reportable } from '../../../src/store/reportable.ts';
import type { MirrorClaim, MirrorStore } from '../../../src/store/store.ts';
import { openReportable as openPostgres } from '../../../src/store/postgres/reports/reportable.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { openReportable as openSqlite } from '../../../src/store/sqlite/reports/reportable.ts';
import { openMirrorStore } from '../../../src/store/sqlite/store.ts';
import type { PostgresTarget } from '../../../src/store/postgres/target.ts';
import { changeOf } from '../../contracts/mirror-store.ts';
import { createFakeClock, type FakeClock } from '../fake-clock.ts';
import { afterwards, targetOf, temporarySchema } from './server.ts';

const SOURCE = { name: 'default', baseUrl: 'https://api.example' };
const NEVER = new AbortController().signal;

/** The same mirror in both engines. */
export interface BothEngines {
  clock: FakeClock;
  /** Reads of each engine: the same questions, so that the answers can be compared. */
  sqlite: Reportable;
  postgres: Reportable;
  target: PostgresTarget;
  file: string;
  /** Does the same to both, each under a claim of its own. */
  each: (work: (claim: MirrorClaim, store: MirrorStore) => Promise<unknown>) => Promise<void>;
}

/** Mirrors of these tasks, with all that readers need. Both writers' clock is at `now`. */
export async function bothEngines(tasks: readonly Task[], now?: number): Promise<BothEngines> {
  const clock = createFakeClock(now);
  const { url, schema } = temporarySchema();
  const target = targetOf(url, { schema });
  const folder = mkdtempSync(join(tmpdir(), 'taskmirror-test-'));
  const file = join(folder, 'mirror.db');
  const options = { create: true, clock, omit: new Set<never>() };
  const store = await openMirrorStore(file, options);
  const other = await openPostgresStore(target, options);
  const each: BothEngines['each'] = async (work) => {
    for (const of of [store, other]) {
      const claim = await of.claim(SOURCE);
      await work(claim, of);
      await claim.release();
    }
  };
  await each(async (claim) => {
    await claim.commit(changeOf({ tasks }));
    await claim.prepareForReaders(NEVER);
  });
  const sqlite = openSqlite(file);
  const postgres = await openPostgres(target);
  afterwards(async () => {
    for (const opened of [sqlite, postgres, store, other]) await opened.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { clock, sqlite, postgres, target, file, each };
}
