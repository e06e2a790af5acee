import { copyMirror } from '../../../src/copy/copy.ts';
import { openCopyTarget } from '../../../src/store/postgres/copy-target.ts';
import { openCopyOrigin } from '../../../src/store/sqlite/copy-origin.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { withoutPassword } from '../../../src/model/postgres-url.ts';

/** A process that copies a file to a schema, and kills itself after some writes. */
const [file = '', url = '', schema = '', writes = ''] = process.argv.slice(2);
const origin = await openCopyOrigin(file, { batchRows: 3 });
const place = { url: withoutPassword(url), password: null, schema, ca: null };
const target = await openCopyTarget(place, origin.name, { batchRows: 3, clock: systemClock });
let left = Number(writes);
const write = target.write.bind(target);
target.write = async (table, rows) => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
  return write(table, rows);
};
await copyMirror(origin, target, { signal: new AbortController().signal });
