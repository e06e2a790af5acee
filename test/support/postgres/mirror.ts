import { onTestFinished } from 'vitest';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import type { OmittableField } from '../../../src/model/task.ts';
import type { MirrorUnderTest } from '../../contracts/mirror-store.ts';
import { createFakeClock } from '../fake-clock.ts';
import { execute, targetOf, temporarySchema } from './server.ts';

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
