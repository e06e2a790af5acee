import { join } from 'node:path';
import { readRows } from '../support/mirror.ts';
import { standbyContract } from './standby.ts';

standbyContract('SQLite', (cwd) => ({
  setting: './mirror.db',
  rows: (sql) => readRows(join(cwd, 'mirror.db'), sql),
}));
