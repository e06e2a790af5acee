import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/docs/pages.ts';
import { readStatus } from '../../src/cli/commands/status.ts';
import { generateTasks } from '../../src/source/simulated/generate.ts';
import { SimulatedList } from '../../src/source/simulated/list.ts';
import { openForQuery } from '../../src/store/sqlite/readonly.ts';
import { verifySource } from '../../src/sync/verify.ts';
import { load } from '../config/folder.ts';
import { memorySource } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { EPOCH } from '../support/tasks.ts';
import { codeIn, pageOf, readPages, tableIn, type Page } from './page.ts';

let pages: Page[];
beforeAll(() => {
  pages = readPages();
});

/** A mirror of some tasks, with what the run that made it reported. */
async function smallMirror() {
  const bench = await syncBench();
  const list = new SimulatedList(generateTasks({ count: 250, seed: 3, now: EPOCH }));
  return { ...bench, list, ...(await bench.sync(list)) };
}

/** The contents of the fenced blocks of a language, of all pages. */
function blocks(language: string): string[] {
  return pages.flatMap((page) => page.blocks(language));
}

describe('the examples', () => {
  test('of SQL run on a mirror', async () => {
    const { file } = await smallMirror();
    const typed = [...blocks('sh'), ...blocks('text')].flatMap((block) =>
      [...block.matchAll(/taskmirror query (?:--(?:format \w+|json) )?"([^"]+)"/g)].map(
        ([, sql = '']) => sql,
      ),
    );
    const written = blocks('sql');
    expect(typed.length).toBeGreaterThan(5);
    expect(written.length).toBeGreaterThan(5);
    const mirror = openForQuery(file);
    try {
      for (const sql of [...typed, ...written]) {
        const { columns, rows } = mirror.run(sql);
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }
    } finally {
      mirror.close();
    }
  });

  test('of settings are valid', async () => {
    const written = blocks('json').map((block): unknown => JSON.parse(block));
    expect(written.length).toBeGreaterThan(5);
    for (const example of written) {
      const isKey = ['env', 'file', 'command'].some((name) => Object.hasOwn(example as object, name));
      const settings = isKey ? { sources: [{ name: 'default', apiKey: example }] } : example;
      await expect(load(settings)).resolves.toHaveProperty('settings');
    }
  });

  test('of JSON have the fields that the commands print', async () => {
    const { store, report, list } = await smallMirror();
    const page = pageOf(pages, 'json');
    const fields = (title: string) => tableIn(page.section(title)).map(([name]) => codeIn(name)[0]);
    expect(new Set(fields('sync --json'))).toEqual(new Set(Object.keys(report)));
    const verified = await verifySource(
      { name: 'default', baseUrl: 'https://api.example' },
      { store, source: memorySource(list) },
      { pageSize: 100, concurrency: 4, signal: new AbortController().signal },
    );
    expect(new Set(fields('verify --json'))).toEqual(new Set(Object.keys(verified)));
    const { sources, runs } = await readStatus(store, { changesDays: null, removedDays: null });
    expect(new Set(fields('status --json'))).toEqual(new Set(Object.keys(sources[0] ?? {})));
    const ofRuns = /as\s+fields:([^.]*)\./.exec(page.section('status --json'))?.[1];
    expect(new Set(codeIn(ofRuns))).toEqual(new Set(Object.keys(runs[0] ?? {})));
  });

  test('of TypeScript type-check', async () => {
    const folder = temporaryFolder();
    const examples = blocks('ts');
    expect(examples.length).toBeGreaterThan(0);
    const files = examples.map((example, index) => {
      writeFileSync(join(folder, `example-${index}.mts`), example);
      return `example-${index}.mts`;
    });
    const compilerOptions = {
      paths: { taskmirror: [join(ROOT, 'src/index.ts')] },
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    const project = join(folder, 'tsconfig.json');
    writeFileSync(
      project,
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: [], compilerOptions, files }),
    );
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [compiler, '-p', project], { timeout: 25_000 });
    // What the compiler complains of goes to stdout, and so into the failure.
    expect(await run.catch((error: unknown) => error)).toEqual({ stdout: '', stderr: '' });
  });
});
