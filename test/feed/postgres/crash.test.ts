import { postgresHooks } from '../../support/postgres/hooks.ts';
import { postgresUrl } from '../../support/postgres/server.ts';
import { killedWorkerContract } from '../crash.ts';

if (postgresUrl !== null) killedWorkerContract('PostgreSQL', postgresHooks);
