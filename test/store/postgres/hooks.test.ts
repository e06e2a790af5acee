import { errorGroupContract, hookStoreContract } from '../../contracts/hook-store.ts';
import { postgresHooks } from '../../support/postgres/hooks.ts';
import { postgresUrl } from '../../support/postgres/server.ts';

if (postgresUrl !== null) {
  hookStoreContract('PostgreSQL', postgresHooks);
  errorGroupContract('PostgreSQL', postgresHooks);
}
