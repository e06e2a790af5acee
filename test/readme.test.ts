import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { commandsWithHelp, README, updatedReadme } from '../scripts/update-readme.ts';
import { readStatus } from '../src/cli/commands/status.ts';
import { settingLeaves } from '../src/config/leaves.ts';
import { loadSettings } from '../src/config/load.ts';
import { generateTasks } from '../src/source/simulated/generate.ts';
import { SimulatedList } from '../src/source/simulated/list.ts';
import { EXIT } from '../src/model/errors.ts';
import { openForQuery } from '../src/store/sqlite/readonly.ts';
import { OLDEST_NODE } from '../src/model/version.ts';
import { codeIn, readReadme, tableIn, type Readme } from './readme.helpers.ts';
import { readRows, temporaryFolder } from './support/mirror.ts';
import { syncBench } from './support/sync.ts';
import { EPOCH } from './support/tasks.ts';

const root = dirname(README);
let readme: Readme;
beforeAll(() => {
  readme = readReadme();
});

/** A mirror of some tasks, with what the run that made it reported. */
async function smallMirror() {
  const bench = await syncBench();
  const list = new SimulatedList(generateTasks({ count: 250, seed: 3, now: EPOCH }));
  return { ...bench, ...(await bench.sync(list)) };
}

describe('README.md', () => {
  test('is as "npm run readme" writes it: settings, CLI reference and format', async () => {
    expect(await updatedReadme(readme.text)).toBe(readme.text);
  });

  test('explains every command and every flag, the generated reference not counted', () => {
    const prose = readme.text.replace(readme.section('Command line reference'), '');
    const commands = commandsWithHelp();
    const names = commands.filter(({ command }) => command.commands.length === 0).map(({ name }) => name);
    const flags = commands.flatMap(({ command }) => command.options.map(({ long }) => long ?? ''));
    expect(names).toContain('taskmirror config show');
    expect(flags).toContain('--db');
    expect([...names, ...flags].filter((word) => !hasWord(prose, word))).toEqual([]);
  });

  test('lists the exit codes, all of them and no others', () => {
    const codes = tableIn(readme.section('Exit codes')).map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  test('names the oldest Node that will do as package.json does', () => {
    const named = [...readme.text.matchAll(/\bNode (\d+\.\d+) or\s+newer/g)].map(([, version]) => version);
    expect(named.length).toBeGreaterThan(2);
    expect([...new Set(named)]).toEqual([OLDEST_NODE]);
  });

  test('links only to headings and files that are there', () => {
    const slugs = new Set(readme.headings.map(({ slug }) => slug));
    const targets = [...readme.text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const local = targets.filter((target) => !target.startsWith('https://'));
    expect(local.length).toBeGreaterThan(5);
    const lost = local.filter((target) =>
      target.startsWith('#') ? !slugs.has(target.slice(1)) : !existsSync(join(root, target)),
    );
    expect(lost).toEqual([]);
  });
});

describe('the settings in README.md', () => {
  test('are those that the program knows, each with its variable and its default', async () => {
    const { settings } = await loadSettings({ env: {}, cwd: root, flags: {} });
    const documented = new Map(
      tableIn(readme.section('Settings')).map(([names, , standard]) => {
        const [name = '', variable] = codeIn(names);
        return [name, { variable, standard: codeIn(standard)[0] }];
      }),
    );
    const known = settingLeaves().map(({ path, variable }) => {
      const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], settings);
      // Paths are absolute by now.
      const standard = JSON.stringify(value).replace(`"${root}/`, '"./');
      return [path.join('.'), { variable, standard }] as const;
    });
    const alone = ['$schema', 'sources[].name', 'sources[].baseUrl', 'sources[].apiKey'];
    expect(documented.keys()).toContain(alone[1]);
    for (const name of alone) documented.delete(name);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known));
  });
});

describe('the tables and views in README.md', () => {
  interface Column {
    table: string;
    kind: string;
    name: string;
    type: string;
    required: number;
  }

  test('have the columns of a fresh mirror, with type and nullability, and no others', async () => {
    const { file } = await syncBench();
    const columns = readRows<Column>(
      file,
      `select t.name as "table", t.type as kind, c.name, c.type, c."notnull" or c.pk as required
       from pragma_table_list t join pragma_table_info(t.name) c
       where t.schema = 'main' and t.name not like 'sqlite~_%' escape '~' and t.name not like 'kysely~_%' escape '~'
       order by t.name, c.cid`,
    );
    const tables = Map.groupBy(columns, ({ table }) => table);
    const sections = readme.section('Tables') + readme.section('Views');
    const titles = [...sections.matchAll(/^### `(\w+)`$/gm)].map(([, title = '']) => title);
    expect(titles.toSorted()).toEqual([...tables.keys()]);
    for (const [table, real] of tables) {
      const documented = tableIn(readme.section(table)).map(([name, type, nullable]) => ({
        table,
        name: codeIn(name)[0],
        type,
        required: nullable === 'never',
      }));
      // A view declares neither what is null nor the types of what it computes.
      const isView = real[0]?.kind === 'view';
      const expected = real.map(({ name, type, required }, index) => ({
        table,
        name,
        type: isView ? documented[index]?.type : type,
        required: isView ? documented[index]?.required : required === 1,
      }));
      expect(documented).toEqual(expected);
    }
  });
});

describe('the examples in README.md', () => {
  test('of SQL run on a mirror', async () => {
    const { file } = await smallMirror();
    const typed = readme
      .blocks('sh')
      .flatMap((block) => [...block.matchAll(/taskmirror query .*?"([^"]+)"/g)].map(([, sql = '']) => sql));
    const written = readme.blocks('sql');
    expect(typed.length).toBeGreaterThan(2);
    expect(written.length).toBeGreaterThan(2);
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

  test('of JSON have the fields that the commands print', async () => {
    const { store, report } = await smallMirror();
    const fields = (title: string) => tableIn(readme.section(title)).map(([name]) => codeIn(name)[0]);
    expect(new Set(fields('sync --json'))).toEqual(new Set(Object.keys(report)));
    const { sources, runs } = await readStatus(store, { changesDays: null, removedDays: null });
    expect(new Set(fields('status --json'))).toEqual(new Set(Object.keys(sources[0] ?? {})));
    const ofRuns = /as\s+fields:([^.]*)\./.exec(readme.section('status --json'))?.[1];
    expect(new Set(codeIn(ofRuns))).toEqual(new Set(Object.keys(runs[0] ?? {})));
  });

  test('of TypeScript type-check', async () => {
    const folder = temporaryFolder();
    const examples = readme.blocks('ts');
    expect(examples.length).toBeGreaterThan(0);
    const files = examples.map((example, index) => {
      writeFileSync(join(folder, `example-${index}.mts`), example);
      return `example-${index}.mts`;
    });
    const compilerOptions = {
      paths: { taskmirror: [join(root, 'src/index.ts')] },
      typeRoots: [join(root, 'node_modules/@types')],
    };
    const project = join(folder, 'tsconfig.json');
    writeFileSync(
      project,
      JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], compilerOptions, files }),
    );
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [compiler, '-p', project], { timeout: 25_000 });
    // What the compiler complains of goes to stdout, and so into the failure.
    expect(await run.catch((error: unknown) => error)).toEqual({ stdout: '', stderr: '' });
  });
});

/** A command or a flag, and not only the beginning of a longer one. */
function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text);
}
