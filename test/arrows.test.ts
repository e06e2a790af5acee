import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** What a file belongs to: a folder of src/, or a file of its own right there. */
type Layer = string;

/** The house: which layers each may import, beside itself. Whoever is not named may be imported by nobody. */
const ALLOWED: Readonly<Record<Layer, readonly Layer[]>> = {
  main: ['cli', 'errors', 'redact', 'terminal'],
  cli: ['app', 'commands', 'config', 'errors', 'examples', 'redact', 'schedule', 'terminal', 'version'],
  app: [
    'analytics',
    'commands',
    'config',
    'clock',
    'log',
    'ports',
    'redact',
    'version',
    'api',
    'sqlite',
    'demo',
  ],
  index: ['api', 'base-url', 'clock', 'errors', 'ports', 'sqlite', 'sync', 'version'],
  commands: ['daemon', 'analytics', 'sync', 'ports', 'config', 'errors', 'redact', 'terminal', 'version'],
  daemon: ['sync', 'ports', 'errors'],
  analytics: ['errors', 'sync'],
  sync: ['ports', 'errors'],
  ports: ['sync'],
  api: ['ports', 'errors', 'base-url', 'redact', 'sync'],
  sqlite: ['ports', 'errors', 'sync', 'migrations', 'version'],
  demo: ['ports', 'errors', 'sync'],
  config: ['ports', 'errors', 'base-url', 'redact', 'sync', 'terminal'],
  log: ['config', 'errors', 'ports', 'redact', 'terminal'],
  clock: ['ports'],
  'base-url': ['errors'],
  migrations: [],
  errors: [],
  examples: [],
  redact: [],
  schedule: ['analytics', 'config', 'ports'],
  terminal: [],
  version: [],
};

/** Of the core, the layers beside it know only the types and pure functions of a task and of the ledger. */
const CORE_VOCABULARY = ['src/sync/task.ts', 'src/sync/ledger.ts'];
const OUTSIDE_THE_CORE: readonly Layer[] = ['analytics', 'api', 'sqlite', 'demo', 'config', 'ports'];

/** Lines of a file at most, and the files that may be longer, each with its own bound. */
const LONGEST = 250;
const LONGER: Readonly<Record<string, number>> = { 'src/cli.ts': 330, 'src/ports.ts': 320 };

interface Source {
  file: string;
  layer: Layer;
  text: string;
  imports: { file: string; layer: Layer; typeOnly: boolean }[];
}

const layerOf = (file: string): Layer => {
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
      layer: layerOf(imported),
      typeOnly: groups?.['kind']?.endsWith('type') === true,
    };
  });
}

const SOURCES: Source[] = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const file = `src/${name.replaceAll('\\', '/')}`;
    const text = readFileSync(join(ROOT, file), 'utf8');
    return { file, layer: layerOf(file), text, imports: importsOf(file, text) };
  });

/** Every import that `isWrong`, as "from -> to". */
function wrong(isWrong: (source: Source, imported: Source['imports'][number]) => boolean): string[] {
  return SOURCES.flatMap((source) =>
    source.imports
      .filter((imported) => isWrong(source, imported))
      .map((imported) => `${source.file} -> ${imported.file}`),
  );
}

const mayKnow = (from: Layer, to: Layer): boolean => from === to || ALLOWED[from]?.includes(to) === true;

/** Code without comments and the text of literals, where a word may stand for itself. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/gs, ' ');

describe('the arrows of the house point one way', () => {
  test('this test sees the files and their imports', () => {
    expect(SOURCES.length).toBeGreaterThan(60);
    expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
    expect(SOURCES.find(({ file }) => file === 'src/app.ts')?.imports).toContainEqual({
      file: 'src/sqlite/store.ts',
      layer: 'sqlite',
      typeOnly: false,
    });
  });

  test('every layer has its place in the table', () => {
    expect([...new Set(SOURCES.map(({ layer }) => layer))].filter((layer) => !(layer in ALLOWED))).toEqual(
      [],
    );
  });

  test('no file imports what its layer may not know', () => {
    expect(wrong(({ layer }, to) => to.file !== 'package.json' && !mayKnow(layer, to.layer))).toEqual([]);
  });

  test('outside the core only the words of a task and of the ledger are known of it', () => {
    expect(
      wrong(
        ({ layer }, to) =>
          OUTSIDE_THE_CORE.includes(layer) && to.layer === 'sync' && !CORE_VOCABULARY.includes(to.file),
      ),
    ).toEqual([]);
  });

  test('the ports import nothing but types', () => {
    expect(wrong(({ layer }, to) => layer === 'ports' && !to.typeOnly)).toEqual([]);
  });

  test('only app.ts and the library import adapters', () => {
    const adapters = ['api', 'sqlite', 'demo'];
    expect(
      wrong(
        ({ layer }, to) =>
          adapters.includes(to.layer) && layer !== to.layer && layer !== 'app' && layer !== 'index',
      ),
    ).toEqual([]);
  });
});

describe('the process belongs to its entry', () => {
  // The demo's API runs in a process of its own, and this is its entry.
  const entries = ['src/main.ts', 'src/demo/process.ts'];

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

test(`no file is longer than ${LONGEST} lines, or than its own bound`, () => {
  const lines = SOURCES.map(({ file, text }) => ({ file, count: text.split('\n').length - 1 }));
  expect(lines.filter(({ file, count }) => count > (LONGER[file] ?? LONGEST))).toEqual([]);
});
