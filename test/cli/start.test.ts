import { isBuiltin } from 'node:module';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { NEVER_LOADED, OUTSIDE } from '../../scripts/build.ts';
import { VERSION } from '../../src/model/version.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { runProgram } from '../support/program.ts';
import { completedTask, EPOCH } from '../support/tasks.ts';
import { serveTasks } from './api.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PRELOAD = join(import.meta.dirname, 'loaded.ts');

interface Loaded {
  /** Packages that were found in node_modules. */
  outside: string[];
  /** Packages whose code is in the files of dist/ that were loaded. */
  bundled: string[];
  /** What is in those files of src/, as `src/cli/program.ts`. */
  sources: string[];
  /** Modules of Node's own, as `NativeModule http`. */
  ofNode: string[];
}

/** What the built program loads for one command line. */
async function loadedBy(
  args: string[],
  cwd: string,
  env: Record<string, string>,
  program = join(ROOT, 'dist/src/main.cjs'),
): Promise<Loaded> {
  const list = join(temporaryFolder(), 'loaded.txt');
  const ended = await runProgram(args, {
    cwd,
    env: { ...env, LOADED_MODULES: list },
    node: ['--import', PRELOAD, program],
  });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const lines = readFileSync(list, 'utf8').split('\n');
  const files = lines.filter((line) => line.startsWith('file:')).map((url) => fileURLToPath(url));
  const parts = files.flatMap((file) => inject('partsOf')[relative(ROOT, file)] ?? []);
  return {
    outside: packagesIn(files),
    bundled: packagesIn(parts),
    sources: parts.filter((part) => part.startsWith('src/')),
    ofNode: lines.filter((line) => !line.startsWith('file:')),
  };
}

function packagesIn(paths: readonly string[]): string[] {
  const names = paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}

describe('a start loads few files:', () => {
  test('a sync that finds nothing loads no other command, no schedule, no table, no demo and no logger', async () => {
    const api = await serveTasks([completedTask('a', EPOCH)]);
    const cwd = temporaryFolder();
    await runProgram(['sync'], { cwd, env: api.env });
    const { outside, bundled, sources } = await loadedBy(['sync'], cwd, api.env);
    expect(outside).toEqual(['better-sqlite3']);
    expect(bundled).toEqual(['commander', 'is-network-error', 'kysely', 'p-retry']);
    expect(sources).toContain('src/sync/walk.ts');
    // Nothing but a key and a base URL is set: that needs no schema.
    expect(sources).not.toContain('src/config/schema.ts');
    const commands = sources.filter((file) => /^src\/(cli\/commands|render)\//.test(file));
    expect(commands.toSorted()).toEqual([
      'src/cli/commands/sync.ts',
      'src/render/progress.ts',
      'src/render/rows.ts',
      'src/render/text.ts',
      'src/render/write.ts',
    ]);
    const idle = /^src\/(source\/simulated|daemon|feed|reports)\b|\/(?:migrate|feed|hooks|hook-[\w-]+)\.ts$/;
    expect(sources.filter((file) => idle.test(file))).toEqual([]);
  });

  test('a sync that finds nothing loads of Node little more than node:http', async () => {
    const api = await serveTasks([completedTask('a', EPOCH)]);
    const cwd = temporaryFolder();
    const { ofNode } = await loadedBy(['sync'], cwd, api.env, join(ROOT, 'bin/taskmirror.js'));
    expect(ofNode).toContain('NativeModule http');
    const heavy = /NativeModule (?:.*undici.*|child_process|crypto|zlib|perf_hooks)$/;
    expect(ofNode.filter((name) => heavy.test(name))).toEqual([]);
  });

  test('a query loads no query builder, and nothing of a sync', async () => {
    const api = await serveTasks([completedTask('a', EPOCH)]);
    const cwd = temporaryFolder();
    await runProgram(['sync'], { cwd, env: api.env });
    const { outside, bundled, sources } = await loadedBy(['query', '--json', 'select 1'], cwd, {});
    expect(outside).toEqual(['better-sqlite3']);
    expect(bundled).toEqual(['commander', 'csv-stringify']);
    expect(sources.filter((file) => /^src\/(source|sync|reports)\/|^migrations\/0/.test(file))).toEqual([]);
  });

  test('--help loads nothing but the flags', async () => {
    const { outside, bundled } = await loadedBy(['--help'], temporaryFolder(), {});
    expect([outside, bundled]).toEqual([[], ['commander']]);
  });
});

test('dist/ loads from node_modules only what package.json asks for', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const imported = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.c?js$/.test(name))
    .flatMap((name) => [
      ...readFileSync(join(ROOT, 'dist', name), 'utf8').matchAll(
        /(?:^(?:import|export)\b[^'"\n]*["']|\b(?:import|require\$?\d*)\(["'])(?!node:|\.)([^"']+)["']/gm,
      ),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !isBuiltin(name));
  expect([...new Set(imported)].toSorted()).toEqual([...OUTSIDE, ...NEVER_LOADED].toSorted());
  expect(Object.keys(dependencies)).toEqual(expect.arrayContaining([...OUTSIDE]));
});

/** The files of the program's own cache below a home, relative to it. */
const cacheOf = (home: string): string[] =>
  readdirSync(join(home, '.cache'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /program-.*\.cjs$/.test(name))
    .map((name) => join(home, '.cache', name));

describe('compiled code', () => {
  const bin = join(ROOT, 'bin/taskmirror.js');
  const version = async (cwd: string, env: Record<string, string> = {}) =>
    expect(await runProgram(['--version'], { cwd, env, node: [bin] })).toMatchObject({
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: '',
    });

  test('is cached in the home of the user, not where others can write, and in no home that is not there', async () => {
    const cwd = temporaryFolder();
    await version(cwd);
    expect([readdirSync(cwd), readdirSync(join(cwd, '.cache'))]).toEqual([['.cache'], ['taskmirror']]);
    const homeless = temporaryFolder();
    await version(homeless, { HOME: join(homeless, 'missing') });
    expect(readdirSync(homeless)).toEqual([]);
  });

  test('is taken once, after the first run of a command that came to its end', async () => {
    const cwd = temporaryFolder();
    expect(await runProgram(['status'], { cwd, node: [bin] })).toMatchObject({ code: 10 });
    expect(existsSync(join(cwd, '.cache')) ? cacheOf(cwd) : []).toEqual([]);
    await version(cwd);
    const made = cacheOf(cwd).map((file) => [file, statSync(file).ino]);
    expect(made).not.toEqual([]);
    await version(cwd);
    expect(cacheOf(cwd).map((file) => [file, statSync(file).ino])).toEqual(made);
  });

  test.each([
    ['cut off', (data: Buffer) => data.subarray(0, data.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['changed in one byte', (data: Buffer) => Buffer.from(data).fill(0xff, 1_000, 1_001)],
    [
      'of another build',
      (data: Buffer) => Buffer.from(data.toString('latin1').replace('cjs', 'old'), 'latin1'),
    ],
  ])('that is %s is not used, and is made again', async (_, damage) => {
    const cwd = temporaryFolder();
    await version(cwd);
    const whole = cacheOf(cwd).map((file) => [file, readFileSync(file)] as const);
    for (const [file, data] of whole) writeFileSync(file, damage(data));
    await version(cwd);
    expect(cacheOf(cwd).map((file) => readFileSync(file).length)).toEqual(
      whole.map(([, data]) => expect.closeTo(data.length, -4)),
    );
  });

  test('is not replaced by a longer run, which changes the flags of V8', async () => {
    const cwd = temporaryFolder();
    const inodes = async () => {
      const args = ['demo', '--tasks', '1000'];
      expect(await runProgram(args, { cwd, node: [bin] })).toMatchObject({ code: 0 });
      return new Map(cacheOf(cwd).map((file) => [file, statSync(file).ino]));
    };
    const first = await inodes();
    const second = await inodes();
    expect([...first].filter(([file, inode]) => second.get(file) !== inode)).toEqual([]);
    expect(first.size).toBeGreaterThan(5);
  });

  test('that cannot be written changes nothing', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, '.cache'), 'a file');
    await version(cwd);
    expect(readFileSync(join(cwd, '.cache'), 'utf8')).toBe('a file');
  });
});
