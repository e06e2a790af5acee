import { postgresUrl, temporaryDatabase } from '../../support/postgres/server.ts';
import { standbyContract } from '../standby.ts';

if (postgresUrl !== null) standbyContract('PostgreSQL', temporaryDatabase);
