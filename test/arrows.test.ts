import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandsWithHelp } from '../scripts/docs/cli.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What a file belongs to: a folder of src/, or a file of its own right there. */
type Room = string;

/**
 * The house (docs/architecture.md): which rooms each may import, beside itself. Whatever is not named may be imported by
 * nobody. From the bottom up, so that an arrow can only point up the list.
 */
const ALLOWED: Readonly<Record<Room, readonly Room[]>> = {
  migrations: [],
  model: [],
  platform: ['model'],
  source: ['platform', 'model'],
  store: ['model', 'migrations'],
  sync: ['source', 'store', 'model'],
  feed: ['store', 'model'],
  copy: ['store'],
  reports: ['store', 'model'],
  config: ['platform', 'model'],
  daemon: ['sync', 'platform', 'model'],
  render: ['copy', 'sync', 'feed', 'reports', 'store', 'platform', 'model'],
  cli: [
    'render',
    'daemon',
    'config',
    'reports',
    'copy',
    'feed',
    'sync',
    'store',
    'source',
    'platform',
    'model',
  ],
  main: ['cli', 'platform', 'model'],
  library: ['feed', 'sync', 'source', 'store', 'platform', 'model'],
  index: ['library', 'feed', 'sync', 'store', 'source', 'platform', 'model'],
};

/** The ports: all that others than the two that put the parts together know of source/ and store/. */
const PORTS = [
  'src/source/source.ts',
  'src/store/store.ts',
  'src/store/queryable.ts',
  'src/store/reportable.ts',
  'src/store/feed.ts',
  'src/store/hooks.ts',
  'src/store/copyable.ts',
  'src/store/server.ts',
];
const WIRING = [
  'src/cli/wire.ts',
  'src/cli/engines/sqlite.ts',
  'src/cli/engines/postgres.ts',
  'src/index.ts',
];

/** Lines of a file at most. */
const LONGEST = 300;

interface Source {
  file: string;
  room: Room;
  text: string;
  imports: { file: string; room: Room; typeOnly: boolean }[];
}

const roomOf = (file: string): Room => {
  const [top, second] = file.split('/');
  return top === 'src' && second !== undefined ? second.replace(/\.ts$/, '') : (top ?? '');
};

/** The relative imports of a file: `import`, `export ... from`, and `import(...)` of types and values. */
function importsOf(file: string, text: string): Source['imports'] {
  const found = [
    ...text.matchAll(/^(?<kind>import type|export type|import|export)\b[^;]*?\bfrom\s+'(?<path>\.[^']+)'/gms),
    ...text.matchAll(/^(?<kind>import)\s+'(?<path>\.[^']+)'/gm),
    ...text.matchAll(/\b(?<kind>import)\(\s*'(?<path>\.[^']+)'/g),
  ];
  return found.map(({ groups }) => {
    const imported = relative(ROOT, join(ROOT, dirname(file), groups?.['path'] ?? ''));
    return {
      file: imported,
      room: roomOf(imported),
      typeOnly: groups?.['kind']?.endsWith('type') === true,
    };
  });
}

const SOURCES: Source[] = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const file = `src/${name.replaceAll('\\', '/')}`;
    const text = readFileSync(join(ROOT, file), 'utf8');
    return { file, room: roomOf(file), text, imports: importsOf(file, text) };
  });

/** Every import that `isWrong`, as "from -> to". */
function wrong(isWrong: (source: Source, imported: Source['imports'][number]) => boolean): string[] {
  return SOURCES.flatMap((source) =>
    source.imports
      .filter((imported) => isWrong(source, imported))
      .map((imported) => `${source.file} -> ${imported.file}`),
  );
}

const mayKnow = (from: Room, to: Room): boolean => from === to || ALLOWED[from]?.includes(to) === true;

/** Code without comments and the text of literals, where a word may stand for itself. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/gs, ' ');

/** The text of all literals, comments left out. */
const literalsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /\/\*.*?\*\/|\/\/[^\n]*|'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/gs,
    ),
  ].flatMap(([, ...literal]) => literal.filter((part) => part !== undefined));

/** What the adapters of one port share. */
const SHARED = 'src/store/sql/';

/** The folder of the adapter that a file belongs to; undefined: to none. */
const adapter = (file: string): string | undefined => {
  const folder = /^src\/(source|store)\/[^/]+\//.exec(file)?.[0];
  return folder === SHARED ? undefined : folder;
};

describe('the arrows of the house point one way', () => {
  test('this test sees the files and their imports', () => {
    expect(SOURCES.length).toBeGreaterThan(60);
    expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
    expect(SOURCES.find(({ file }) => file === 'src/cli/engines/sqlite.ts')?.imports).toContainEqual({
      file: 'src/store/sqlite/store.ts',
      room: 'store',
      typeOnly: false,
    });
  });

  test('every room has its place in the table', () => {
    expect([...new Set(SOURCES.map(({ room }) => room))].filter((room) => !(room in ALLOWED))).toEqual([]);
  });

  test('no file imports what its room may not know', () => {
    expect(wrong(({ room }, to) => to.file !== 'package.json' && !mayKnow(room, to.room))).toEqual([]);
  });

  test('no arrow points up, or in a circle', () => {
    const order = Object.keys(ALLOWED);
    const up = order.flatMap((room, at) => ALLOWED[room]?.filter((to) => order.indexOf(to) >= at) ?? []);
    expect(up).toEqual([]);
  });

  test('the ports import nothing but types', () => {
    expect(wrong(({ file }, to) => PORTS.includes(file) && !to.typeOnly)).toEqual([]);
  });

  test('only the two files that wire the parts import adapters; all others import ports', () => {
    expect(
      wrong(
        ({ file, room }, to) =>
          ['source', 'store'].includes(to.room) &&
          room !== to.room &&
          !PORTS.includes(to.file) &&
          !WIRING.includes(file),
      ),
    ).toEqual([]);
  });

  test('no adapter knows another', () => {
    expect(
      wrong(({ file }, to) => {
        const [from, known] = [adapter(file), adapter(to.file)];
        return from !== undefined && known !== undefined && from !== known;
      }),
    ).toEqual([]);
  });

  test('what adapters share knows none of them', () => {
    expect(wrong(({ file }, to) => file.startsWith(SHARED) && adapter(to.file) !== undefined)).toEqual([]);
  });

  test('only the program and the library are loose, and no folder has a file of its name beside it', () => {
    const loose = SOURCES.filter(({ file }) => file.split('/').length === 2).map(({ file }) => file);
    expect(loose.toSorted()).toEqual(['src/index.ts', 'src/main.ts']);
    const folders = new Set(SOURCES.map(({ file }) => dirname(file)));
    expect(SOURCES.map(({ file }) => file).filter((file) => folders.has(file.slice(0, -3)))).toEqual([]);
  });
});

describe('advice for a command line is given by cli/ alone', () => {
  // `render` draws for the command line, but `status` alone has a line that nobody else prints.
  const rooms = [
    'model',
    'platform',
    'source',
    'store',
    'sync',
    'feed',
    'reports',
    'config',
    'daemon',
    'render',
  ];
  /** Literals that hold a command or a flag and are no advice. */
  const allowed: Readonly<Record<string, readonly string[]>> = {
    // Where a setting comes from.
    'src/config/load.ts': ['flag --config'],
    'src/config/overlays.ts': ['--db'],
    // The message of a simulated task.
    'src/source/simulated/messages.ts': [
      'Add a --dry-run flag to the import command in {repo}. Keep the output format.',
    ],
    // What an empty mirror shows for a status.
    'src/render/views/status.ts': [
      'Nothing is mirrored yet. Run "taskmirror sync" once, or "taskmirror daemon" to keep a mirror current.\\n',
    ],
  };
  const commands = commandsWithHelp().map(({ name }) => name);
  const advice = new RegExp(`--[a-z]|\\b(?:${commands.filter((name) => name.includes(' ')).join('|')})\\b`);
  const below = SOURCES.filter(({ room }) => rooms.includes(room));

  test('this test sees literals and commands', () => {
    expect(commands).toContain('taskmirror sync');
    const advising = SOURCES.filter(({ text }) => literalsOf(text).some((literal) => advice.test(literal)));
    expect(advising.map(({ file }) => file)).toContain('src/cli/hints.ts');
  });

  test('no literal below it names a command or a flag', () => {
    const found = below.map(({ file, text }) => [
      file,
      literalsOf(text).filter((literal) => advice.test(literal)),
    ]);
    expect(Object.fromEntries(found.filter(([, literals]) => literals?.length !== 0))).toEqual(allowed);
  });

  test('no file below it knows an exit code', () => {
    // The simulated API is a process of its own, and this is its entry.
    const knows = below.filter(({ text }) => /\b(?:EXIT|exitCode\w*)\b/.test(codeOf(text)));
    expect(knows.map(({ file }) => file)).toEqual(['src/source/simulated/process.ts']);
  });
});

describe('the process belongs to its entry', () => {
  // The demo's API runs in a process of its own, and this is its entry.
  const entries = ['src/main.ts', 'src/source/simulated/process.ts'];

  test.each([
    'process.exit',
    'process.argv',
    'process.env',
    'process.on',
    'process.umask',
    'process.cwd',
    // All that goes to a terminal passes the outlets that main.ts makes.
    'process.stdout',
    'process.stderr',
    'console.log',
    'console.error',
  ])('no other file mentions %s', (name) => {
    const mention = new RegExp(`\\b${name.replace('.', '\\.')}\\b|\\b${name.replace('.', '\\.')}Code\\b`);
    const files = SOURCES.filter(({ text }) => mention.test(codeOf(text))).map(({ file }) => file);
    expect(files.filter((file) => !entries.includes(file))).toEqual([]);
  });

  test('its entry does', () => {
    expect(codeOf(SOURCES.find(({ file }) => file === 'src/main.ts')?.text ?? '')).toContain(
      'process.exitCode',
    );
  });
});

const lengths = SOURCES.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }));

test(`no file is longer than ${LONGEST} lines`, () => {
  expect(lengths.filter(({ lines }) => lines > LONGEST)).toEqual([]);
});

test('half of the files are shorter than 100 lines', () => {
  const sorted = lengths.map(({ lines }) => lines).toSorted((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(100);
});
