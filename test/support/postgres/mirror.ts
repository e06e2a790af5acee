import { afterAll, onTestFinished } from 'vitest';
import type { Database } from '../../../src/store/postgres/connection.ts';
import { openPostgresStore, openStoreOn } from '../../../src/store/postgres/store.ts';
import type { OmittableField } from '../../../src/model/task.ts';
import type { MirrorUnderTest } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../fake-clock.ts';
import { createPGlite } from './pglite.ts';
import { execute, postgresUrl, targetOf, temporarySchema } from './server.ts';

/**
 * Returns what the tests of a file make mirrors in. Where no server can run, or TASKMIRROR_TEST_PGLITE=1 asks
 * for it, PGlite stands in for one. Call it once, outside of tests.
 */
export function mirrorsUnderTest(): { name: string; make: () => Promise<MirrorUnderTest> } {
  if (postgresUrl !== null && process.env['TASKMIRROR_TEST_PGLITE'] !== '1')
    return { name: 'PostgreSQL', make: serverMirror };
  // One for all: it takes seconds to begin.
  let db: Promise<Database> | null = null;
  afterAll(async () => (await db)?.end());
  return { name: 'PGlite', make: async () => pgliteMirror(await (db ??= createPGlite())) };
}

/** A mirror in a schema of its own in the shared server. The clock of the leases is the test's. */
export async function serverMirror(): Promise<MirrorUnderTest & { url: string; schema: string }> {
  const { url, schema } = temporarySchema();
  const clock = createFakeClock();
  const start = clock.now();
  const leaseOffset = (): number => clock.now() - start;
  return {
    url,
    schema,
    clock,
    async open(omit: readonly OmittableField[] = []) {
      const options = { create: true, clock, omit: new Set(omit), leaseOffset };
      const store = await openPostgresStore(targetOf(url, { schema }), options);
      onTestFinished(() => store.close());
      return store;
    },
    async setHolder(source, { pid, host }) {
      const text = `update "${schema}".leases set pid = $1, host = $2 where source = $3`;
      await execute(url, text, [pid, host, source]);
    },
  };
}

let schemas = 0;

/** A mirror in a schema of its own in this process. */
function pgliteMirror(db: Database): MirrorUnderTest {
  const shared: Database = { ...db, end: async () => {} };
  const schema = `test_${(schemas += 1)}`;
  const clock = createFakeClock();
  const start = clock.now();
  return {
    clock,
    async open(omit: readonly OmittableField[] = []) {
      const leaseOffset = (): number => clock.now() - start;
      const store = await openStoreOn(shared, schema, {
        create: true,
        clock,
        omit: new Set(omit),
        leaseOffset,
      });
      onTestFinished(() => store.close());
      return store;
    },
    async setHolder(source, { pid, host }) {
      await db.query(`update ${schema}.leases set pid = $1, host = $2 where source = $3`, [
        pid,
        host,
        source,
      ]);
    },
  };
}
