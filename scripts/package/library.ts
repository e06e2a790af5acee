/** What a user of the library does with the package in a project of theirs. All of it throws at the first thing that is wrong. */
import { execFile } from 'node:child_process';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TYPED } from './typed.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** A simulated API, and how many tasks it has. */
interface Api {
  url: string;
  key: string;
  tasks: number;
}

/** The TypeScript of docs/library.md makes a mirror, its JavaScript reads it, and that of docs/feed.md follows it. */
export async function useExamples(place: string, api: Api): Promise<void> {
  writeFileSync(join(place, 'example.ts'), exampleOf('docs/library.md', 'ts'));
  writeFileSync(join(place, 'reader.js'), exampleOf('docs/library.md', 'js'));
  writeFileSync(join(place, 'follower.ts'), exampleOf('docs/feed.md', 'ts'));
  rmSync(join(place, 'cursor'), { force: true });
  await compile(place, { module: 'nodenext', target: 'es2022' }, ['example.ts', 'follower.ts']);
  const env = { SIGMIC_API_KEY: api.key, SIGMIC_BASE_URL: api.url };
  const node = async (file: string): Promise<string[]> =>
    (await run(process.execPath, [file], { cwd: place, env })).stdout.trimEnd().split('\n');
  const lines = await node('example.js');
  match(lines[0] ?? '', new RegExp(`^ok: ${api.tasks} new, complete through 20`));
  equal(lines.at(-1), `${api.tasks} tasks, 0 gaps`);
  const counts = (await node('reader.js')).map((line) => Number(/: (\d+)$/.exec(line)?.[1]));
  equal(
    counts.reduce((sum, count) => sum + count, 0),
    api.tasks,
  );
  // The first time it reads all, the second time it goes on after its cursor.
  equal((await node('follower.js')).length, api.tasks);
  deepEqual(await node('follower.js'), ['']);
}

function exampleOf(page: string, language: string): string {
  const text = readFileSync(join(root, page), 'utf8');
  const [, example] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text) ?? [];
  ok(example !== undefined, `${page} has no example in ${language}`);
  return example;
}

/** As people compile: for Node, and for a bundler, both without trust in the types of their packages. */
export async function useTypes(place: string): Promise<void> {
  writeFileSync(join(place, 'typed.ts'), TYPED);
  for (const kind of [
    { module: 'nodenext', target: 'es2022' },
    { module: 'esnext', moduleResolution: 'bundler', target: 'esnext' },
  ]) {
    await compile(place, { ...kind, noEmit: true }, ['typed.ts', 'example.ts', 'follower.ts']);
  }
}

/** Throws, with what the compiler says, unless it takes these files by the strictest of rules. */
async function compile(place: string, options: object, files: readonly string[]): Promise<void> {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    verbatimModuleSyntax: true,
    typeRoots: [join(root, 'node_modules/@types')],
    types: ['node'],
    ...options,
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [tsc], { cwd: place }).catch((error: unknown) => error);
  deepEqual(said, { stdout: '', stderr: '' });
}
