/**
 * Packs the project and uses the tarball as people do: installed globally by npm 10 and by npm 11, by npx
 * from an empty folder, and as a library in a project. Install scripts are on, and nothing on the PATH can
 * compile. Prints what it does; throws at the first thing that is wrong.
 */
import { execFile } from 'node:child_process';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { generateTasks } from '../src/source/simulated/generate.ts';
import { SimulatedList } from '../src/source/simulated/list.ts';
import { createApi, startServer } from '../src/source/simulated/server.ts';
import { useExamples, useTypes } from './package/library.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const KEY = 'sigmic_package_test';
const TASKS = 1_234;
const NPMS = ['10', '11'] as const;

const folder = mkdtempSync(join(tmpdir(), 'taskmirror-package-'));
const list = new SimulatedList(generateTasks({ count: TASKS, seed: 5, now: Date.now() }));
const server = await startServer(createApi({ list, keys: [KEY], now: Date.now }).app);
try {
  const path = pathWithoutCompilers();
  const tarball = await pack();
  for (const major of NPMS) {
    const install: Install = { npm: await fetchNpm(major), path, place: join(folder, major) };
    mkdirSync(install.place);
    await useGlobally(tarball, install);
    await useByNpx(tarball, install);
    await useLibrary(tarball, install);
  }
  console.log('the package works');
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

/** One npm, what it finds on the PATH, and its own folder. */
interface Install {
  /** The folder of its package. */
  npm: string;
  path: string;
  place: string;
}

/** Packs the project, and checks that the package holds the bundles and only what a user needs. */
async function pack(): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  const [packed] = JSON.parse(stdout) as { filename: string; size: number; files: { path: string }[] }[];
  ok(packed !== undefined);
  const allowed =
    /^(bin\/|dist\/(?!built)|package\.json$|README\.md$|docs\/[a-z-]+\.md$|LICENSE$|config\.(schema|example)\.json$)/;
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

/** Returns a PATH with this Node and a shell: no Python, no make, no compiler. */
function pathWithoutCompilers(): string {
  const path = join(folder, 'path');
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, 'node'));
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  for (const tool of ['sh', 'env']) {
    const found = folders.find((each) => existsSync(join(each, tool)));
    ok(found !== undefined, `there is no ${tool} on the PATH`);
    symlinkSync(join(found, tool), join(path, tool));
  }
  return path;
}

/** Installs the newest npm of this major version, from the registry or npm's cache. */
async function fetchNpm(major: string): Promise<string> {
  const prefix = join(folder, `npm-${major}`);
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--prefix', prefix, ...flags, `npm@${major}`]);
  return join(prefix, 'node_modules/npm');
}

/** Runs npm or npx in the place. Throws if it fails or prints a warning. */
async function npm(
  { npm: installed, path, place }: Install,
  args: readonly string[],
  program: 'npm' | 'npx' = 'npm',
): Promise<string> {
  // If npm runs this script, it passes its own settings on.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(cache|registry))/i.test(name),
  );
  const { stdout, stderr } = await run(
    process.execPath,
    [join(installed, `bin/${program}-cli.js`), ...args],
    {
      cwd: place,
      env: { ...Object.fromEntries(inherited), ...environment(path), HOME: process.env['HOME'] },
      maxBuffer: 16 * 1024 * 1024,
    },
  );
  ok(!/warn.*(gyp|EBADENGINE|taskmirror)|python/i.test(stderr), stderr);
  return stdout;
}

/** Returns all that the program needs of an environment. */
function environment(path: string): Record<string, string> {
  return { PATH: path, HOME: folder, SIGMIC_API_KEY: KEY, SIGMIC_BASE_URL: server.url };
}

async function useGlobally(tarball: string, install: Install): Promise<void> {
  const prefix = join(install.place, 'global');
  const command = ['install', '-g', '--prefix', prefix, tarball];
  await npm(install, command);
  // Again, as for an update.
  await npm(install, command);
  const taskmirror = async (...args: string[]): Promise<string> =>
    (await run(join(prefix, 'bin/taskmirror'), args, { cwd: install.place, env: environment(install.path) }))
      .stdout;
  match(await taskmirror('--help'), /Usage: taskmirror/);
  const { ok: good, sources } = JSON.parse(await taskmirror('sync', '--json'));
  deepEqual([good, sources[0].inserted, sources[0].verdict], [true, TASKS, 'clean']);
  const rows = JSON.parse(await taskmirror('query', '--json', 'select count(*) as n from tasks'));
  deepEqual(rows, [{ n: TASKS }]);
  console.log(`${version(install)}: installed globally, it works`);
}

async function useByNpx(tarball: string, install: Install): Promise<void> {
  const place = join(install.place, 'empty');
  mkdirSync(place);
  const command = ['--yes', '--package', tarball, '--', 'taskmirror', '--version'];
  const { version: expected } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  equal(await npm({ ...install, place }, command, 'npx'), `${expected}\n`);
  deepEqual(readdirSync(place), []);
  console.log(`${version(install)}: npx runs it from an empty folder`);
}

/**
 * Uses the library in a project whose lockfile lets npm 10 and 11 compile better-sqlite3: docs/library.md.
 */
async function useLibrary(tarball: string, install: Install): Promise<void> {
  const place = join(install.place, 'project');
  const api = { url: server.url, key: KEY, tasks: TASKS };
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  await npm({ ...install, place }, ['install', tarball]);
  await useExamples(place, api);
  rmSync(join(place, 'taskmirror.db'));
  await npm({ ...install, place }, ['ci', '--ignore-scripts']);
  await useExamples(place, api);
  await useTypes(place);
  console.log(`${version(install)}: the library works, and so do its types`);
}

function version({ npm: installed }: Install): string {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
  return `npm ${manifest.version}`;
}
