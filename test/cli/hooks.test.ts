import { inFile } from './database.ts';
import { hooksContract } from './hooks.ts';

hooksContract('SQLite', inFile);
