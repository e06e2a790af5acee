/**
 * Packs the project, installs the tarball into an empty folder as a user would, and uses it there: the command line, a
 * sync against a simulated API, the library, and its types. Prints what it does; throws at the first thing that is wrong.
 */
import { execFile } from 'node:child_process';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { generateTasks } from '../src/demo/generate.ts';
import { SimulatedList } from '../src/demo/list.ts';
import { createApi, startServer } from '../src/demo/server.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const KEY = 'sigmic_package_test';
const TASKS = 1_234;

const folder = mkdtempSync(join(tmpdir(), 'taskmirror-package-'));
const list = new SimulatedList(generateTasks({ count: TASKS, seed: 5, now: Date.now() }));
const server = await startServer(createApi({ list, keys: [KEY], now: Date.now }).app);
try {
  const tarball = await pack();
  await install(tarball);
  await useCommand();
  await useLibrary();
  await useTypes();
  console.log('the package works');
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Only what a user needs is inside, and the bundles are. */
async function pack(): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  const [packed] = JSON.parse(stdout) as { filename: string; size: number; files: { path: string }[] }[];
  ok(packed !== undefined);
  const allowed = /^(bin\/|dist\/|package\.json$|README\.md$|LICENSE$|config\.(schema|example)\.json$)/;
  deepEqual(
    packed.files.map(({ path }) => path).filter((path) => !allowed.test(path)),
    [],
  );
  for (const needed of [
    'bin/taskmirror.js',
    'dist/src/main.cjs',
    'dist/THIRD-PARTY-LICENSES.txt',
    'LICENSE',
  ]) {
    ok(packed.files.some(({ path }) => path === needed));
  }
  console.log(`packed ${packed.files.length} files, ${Math.round(packed.size / 1024)} KB`);
  return join(folder, packed.filename);
}

async function install(tarball: string): Promise<void> {
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  );
  await run('npm', ['install', '--no-save', '--ignore-scripts', tarball], { cwd: folder });
  console.log('installed into an empty folder');
}

async function taskmirror(...args: string[]): Promise<string> {
  const bin = join(folder, 'node_modules/taskmirror/bin/taskmirror.js');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    SIGMIC_API_KEY: KEY,
    SIGMIC_BASE_URL: server.url,
  };
  return (await run(process.execPath, [bin, ...args], { cwd: folder, env })).stdout;
}

async function useCommand(): Promise<void> {
  match(await taskmirror('--help'), /Usage: taskmirror/);
  const { ok: good, sources } = JSON.parse(await taskmirror('sync', '--json'));
  deepEqual([good, sources[0].inserted, sources[0].verdict], [true, TASKS, 'clean']);
  const rows = JSON.parse(await taskmirror('query', '--json', 'select count(*) as n from tasks'));
  deepEqual(rows, [{ n: TASKS }]);
  console.log('the command line works');
}

async function useLibrary(): Promise<void> {
  const program = `
    import { openMirror, syncTasks } from 'taskmirror';
    const mirror = await openMirror('./library.db');
    const { report } = await syncTasks(mirror, { apiKey: '${KEY}', baseUrl: '${server.url}' });
    const [status] = await mirror.status();
    await mirror.close();
    console.log(JSON.stringify([report.outcome, status.liveRows]));`;
  writeFileSync(join(folder, 'library.js'), program);
  const { stdout } = await run(process.execPath, ['library.js'], { cwd: folder });
  deepEqual(JSON.parse(stdout), ['ok', TASKS]);
  console.log('the library works');
}

async function useTypes(): Promise<void> {
  const program = `
    import { openMirror, syncTasks, type SyncReport } from 'taskmirror';
    const mirror = await openMirror('./library.db', { create: false });
    const { report } = await syncTasks(mirror, { apiKey: 'x', pageSize: 50 });
    export const typed: SyncReport = report;
    // @ts-expect-error: a page size is a number
    await syncTasks(mirror, { apiKey: 'x', pageSize: '50' });`;
  writeFileSync(join(folder, 'types.ts'), program);
  const flags = [
    '--noEmit',
    '--strict',
    '--target',
    'es2024',
    '--module',
    'nodenext',
    '--typeRoots',
    join(root, 'node_modules/@types'),
    '--types',
    'node',
  ];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  equal((await run(process.execPath, [tsc, ...flags, 'types.ts'], { cwd: folder })).stdout, '');
  equal(readFileSync(join(folder, 'types.ts'), 'utf8'), program);
  console.log('the types work');
}
