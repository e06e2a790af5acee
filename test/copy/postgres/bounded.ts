import { copyMirror } from '../../../src/copy/copy.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { openCopyOrigin as originInPostgres } from '../../../src/store/postgres/copy-origin.ts';
import { openCopyTarget as targetInPostgres } from '../../../src/store/postgres/copy-target.ts';
import { openCopyOrigin as originInFile } from '../../../src/store/sqlite/copy-origin.ts';
import { openCopyTarget as targetInFile } from '../../../src/store/sqlite/copy-target.ts';
import { withoutPassword } from '../../../src/model/postgres-url.ts';
import type { CopyOrigin, CopyTarget } from '../../../src/store/copyable.ts';

/** A process that copies a file to a schema, and back to another file. Exit code 1 if a table is not exact. */
const [file = '', url = '', schema = '', back = ''] = process.argv.slice(2);
const place = { url: withoutPassword(url), password: null, schema, ca: null };

async function copy(origin: CopyOrigin, target: CopyTarget): Promise<void> {
  const tables = await copyMirror(origin, target, { signal: new AbortController().signal });
  if (!tables.every(({ isExact }) => isExact)) process.exitCode = 1;
  await target.close();
  await origin.close();
}

const there = await originInFile(file);
await copy(there, await targetInPostgres(place, there.name, { clock: systemClock }));
const here = await originInPostgres(place);
await copy(here, await targetInFile(back, here.name));
