import { onTestFinished } from 'vitest';
import { openPostgresHooks } from '../../../src/store/postgres/hooks.ts';
import { errorGroupContract, hookStoreContract, type HooksUnderTest } from '../../contracts/hook-store.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { execute, postgresUrl, targetOf } from '../../support/postgres/server.ts';

if (postgresUrl !== null) {
  hookStoreContract('PostgreSQL', make);
  errorGroupContract('PostgreSQL', make);
}

async function make(): Promise<HooksUnderTest> {
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
