import { postgresUrl, temporaryDatabase } from '../../support/postgres/server.ts';
import { hooksContract } from '../hooks.ts';

if (postgresUrl !== null) hooksContract('PostgreSQL', temporaryDatabase);
