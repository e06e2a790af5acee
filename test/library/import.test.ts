import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';

const LIBRARY = resolve(import.meta.dirname, '../../src/index.ts');

/** Prints what the import of the library did, as JSON. */
const PROGRAM = `
  const read = [];
  process.env = new Proxy({}, {
    get: (_, name) => void read.push(name),
    has: (_, name) => (read.push(name), false),
    ownKeys: () => (read.push('all'), []),
  });
  const active = process.getActiveResourcesInfo().length;
  const { openMirror } = await import(process.argv[1]);
  const isDriver = (file) => /better.sqlite3/.test(file);
  const loaded = () => process.report.getReport().sharedObjects.some(isDriver);
  const atImport = {
    // Node's own loader asks for that, once a module.
    read: read.filter((name) => name !== 'WATCH_REPORT_DEPENDENCIES'),
    started: process.getActiveResourcesInfo().length - active,
    listeners: process.eventNames().filter((name) => String(name).startsWith('SIG')),
    driver: loaded(),
  };
  const mirror = await openMirror('mirror.db');
  await mirror.close();
  console.log(JSON.stringify({ ...atImport, driverOnceOpened: loaded() }));
`;

test('the import reads no environment, starts nothing and loads no database driver', async () => {
  const folder = temporaryFolder();
  const args = ['--input-type=module', '--eval', PROGRAM, LIBRARY];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    read: [],
    started: 0,
    listeners: [],
    driver: false,
    driverOnceOpened: true,
  });
  expect(readdirSync(folder)).toEqual(['mirror.db']);
});
