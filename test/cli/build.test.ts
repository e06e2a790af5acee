import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/mirror.ts';
import { type Ended, runProgram } from '../support/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PARTS = [
  'bin',
  'dist',
  'migrations',
  'package.json',
  'scripts',
  'src',
  'tsconfig.build.json',
  'tsconfig.json',
];

/** A clone after `npm ci`, for the test to do with as it likes, but for its packages. */
function clone(): string {
  const folder = temporaryFolder();
  for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** What npm runs after an install. */
function prepare(folder: string, env: Record<string, string> = {}, flags: string[] = []): Promise<Ended> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { prepare: string };
  };
  const [node, file = ''] = scripts.prepare.split(' ');
  expect(node).toBe('node');
  return runProgram([], { cwd: folder, env, node: [...flags, join(folder, file)] });
}

function bin(folder: string): Promise<Ended> {
  return runProgram(['--version'], { cwd: folder, node: [join(folder, 'bin/taskmirror.js')] });
}

/** Differs from one build to the next. */
const buildIn = (folder: string): number => statSync(join(folder, 'dist')).ino;

function digestIn(folder: string): string {
  const built = JSON.parse(readFileSync(join(folder, 'dist/built.json'), 'utf8')) as { digest: string };
  return built.digest;
}

describe('the build after an install', () => {
  test('makes what bin/taskmirror.js runs, and leaves nothing else', async () => {
    const folder = clone();
    rmSync(join(folder, 'dist'), { recursive: true });
    const before = readdirSync(folder);
    expect(await prepare(folder)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(folder).filter((name) => !before.includes(name))).toEqual(['dist']);
    expect(await bin(folder)).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    expect(existsSync(join(folder, 'dist/src/index.d.ts'))).toBe(true);
  });

  test('is left out if these very sources were built, however old their files look', async () => {
    const folder = clone();
    const build = buildIn(folder);
    for (const file of ['src/main.ts', 'package.json', 'dist/src/main.cjs']) {
      utimesSync(join(folder, file), new Date(), new Date(Date.now() + 60_000));
    }
    const list = join(temporaryFolder(), 'loaded.txt');
    const flags = ['--import', join(import.meta.dirname, 'loaded.ts')];
    expect(await prepare(folder, { LOADED_MODULES: list }, flags)).toMatchObject({ code: 0, stderr: '' });
    expect(buildIn(folder)).toBe(build);
    // So it works without the devDependencies, too.
    expect(readFileSync(list, 'utf8')).toContain('/scripts/build.ts');
    expect(readFileSync(list, 'utf8')).not.toContain('/node_modules/');
  });

  test.each([
    ['a source of nothing but types', 'src/store/store.ts'],
    ['how it is built', 'scripts/build.ts'],
  ])('is built again once %s has changed', async (_what, file) => {
    const folder = clone();
    const [build, digest] = [buildIn(folder), digestIn(folder)];
    appendFileSync(join(folder, file), '// changed\n');
    expect(await prepare(folder)).toMatchObject({ code: 0, stderr: '' });
    expect(buildIn(folder)).not.toBe(build);
    expect(digestIn(folder)).not.toBe(digest);
  });

  test.each([
    ['a source that cannot be parsed', 'src/main.ts', 'const broken: = 1;\n'],
    ['a type that is wrong', 'src/index.ts', 'export const broken: string = 1;\n'],
  ])('fails for %s, and leaves the last build alone', async (_what, file, text) => {
    const folder = clone();
    const [build, before] = [buildIn(folder), readdirSync(folder)];
    appendFileSync(join(folder, file), text);
    const { code, stderr } = await prepare(folder);
    expect(code).toBe(1);
    expect(stderr).toContain(file);
    expect(buildIn(folder)).toBe(build);
    expect(readdirSync(folder)).toEqual(before);
  });

  describe.each([
    ['the packages that build are missing', []],
    ['Node runs no TypeScript', ['--no-experimental-strip-types']],
  ])('if %s', (_what, flags) => {
    function bareClone(): string {
      const folder = clone();
      rmSync(join(folder, 'dist'), { recursive: true });
      if (flags.length === 0) rmSync(join(folder, 'node_modules'));
      return folder;
    }

    test('says in one line what to run, and fails', async () => {
      const folder = bareClone();
      const { code, stderr } = await prepare(folder, {}, flags);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^taskmirror was not built: .*\n$/);
      expect(stderr).toContain(`Run "npm ci --include=dev" in ${folder}`);
    });

    test('does not fail npx, which hides its output: the program reports it later', async () => {
      const folder = bareClone();
      expect(await prepare(folder, { npm_command: 'exec' }, flags)).toMatchObject({ code: 0 });
      const { code, stdout, stderr } = await bin(folder);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toBe(
        `taskmirror is not built: run "npm ci --include=dev" in ${folder}, with install scripts on.\n`,
      );
    });
  });
});

test('bin/taskmirror.js runs what was built, and not the sources', async () => {
  const folder = clone();
  writeFileSync(join(folder, 'src/main.ts'), "throw new Error('the sources');\n");
  expect(await bin(folder)).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
  renameSync(join(folder, 'src'), join(folder, 'elsewhere'));
  expect(await bin(folder)).toMatchObject({ code: 0 });
});
