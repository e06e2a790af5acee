import { inFile } from './database.ts';
import { standbyContract } from './standby.ts';

standbyContract('SQLite', inFile);
