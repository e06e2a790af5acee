import { afterAll, beforeAll, describe } from 'vitest';
import { mirrorStoreContract } from '../../contracts/mirror-store.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { hasPooler, type Pooler, startPooler } from '../../support/postgres/transaction-pooler.ts';
import { postgresMissing, postgresUrl } from '../../support/postgres/server.ts';

const lacking = hasPooler ? postgresMissing : 'pgbouncer is not on the PATH';
const canRun = hasPooler && postgresUrl !== null && new URL(postgresUrl).password === '';
const why = canRun ? '' : ` (skipped: ${lacking ?? 'the server asks for a password'})`;

describe.skipIf(!canRun)(`through a pooler of transactions${why}`, () => {
  let pooler: Pooler | null = null;
  beforeAll(async () => {
    pooler = await startPooler(postgresUrl ?? '');
  });
  afterAll(() => pooler?.stop());
  mirrorStoreContract('PgBouncer', () => serverMirror(pooler?.url));
});
