import { onTestFinished } from 'vitest';
import { openPostgresHooks } from '../../../src/store/postgres/hooks.ts';
import type { HooksUnderTest } from '../../contracts/hook-store.ts';
import { serverMirror } from './mirror.ts';
import { execute, targetOf } from './server.ts';

/** The hooks of a mirror in a schema of its own in the shared server. */
export async function postgresHooks(): Promise<HooksUnderTest> {
  const { url, schema, clock, open } = await serverMirror();
  const start = clock.now();
  return {
    clock,
    mirror: await open(),
    async open() {
      const leaseOffset = (): number => clock.now() - start;
      const store = await openPostgresHooks(targetOf(url, { schema }), { clock, leaseOffset });
      onTestFinished(() => store.close());
      return store;
    },
    async setHolder(hook, { pid, host }) {
      const text = `update "${schema}".hooks set pid = $1, host = $2 where name = $3`;
      await execute(url, text, [pid, host, hook]);
    },
  };
}
