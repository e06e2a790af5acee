import { beforeAll, describe } from 'vitest';
import { mirrorStoreContract } from '../../contracts/mirror-store.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { poolerLacks, startPooler } from '../../support/postgres/pooler.ts';
import { postgresMissing, postgresUrl } from '../../support/postgres/server.ts';

const lacking = poolerLacks ?? postgresMissing;
const canRun = lacking === null && postgresUrl !== null && new URL(postgresUrl).password === '';
const why = canRun ? '' : ` (skipped: ${lacking ?? 'the server asks for a password'})`;

describe.skipIf(!canRun)(`through a pooler of transactions${why}`, () => {
  let url: string | undefined;
  beforeAll(async () => {
    url = await startPooler(postgresUrl ?? '');
  });
  mirrorStoreContract('PgBouncer', () => serverMirror(url));
});
