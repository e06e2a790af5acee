import { sqliteHooks } from '../support/hooks.ts';
import { killedWorkerContract } from './crash.ts';

killedWorkerContract('SQLite', sqliteHooks);
