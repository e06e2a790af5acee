/**
 * Builds dist/: the program and the library as bundles, since a start that reads few files is quick, and the
 * library's types. prepare.js runs it, for `npm ci` and `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { CodeSplittingGroup, Plugin } from 'rolldown';
import { OLDEST_NODE } from '../src/model/version.ts';

const root = resolve(import.meta.dirname, '..');
const DIST = join(root, 'dist');

/** Files that a build depends on besides its parts, such as sources that hold only types. */
const SOURCES = [
  'src',
  'migrations',
  'scripts/build.ts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** The record of a build, in `built.json`. */
interface Built {
  /** For each file of dist/ the files that it was made of, all of them relative to the project. */
  parts: Record<string, string[]>;
  /** Digest of everything that it depends on. */
  digest: string;
}

/** The packages that dist/ loads from node_modules: one holds a binary, and the others are rarely needed. */
export const OUTSIDE = ['better-sqlite3', 'node-cron', 'pino', 'pino-pretty'] as const;

/** What a bundled package would load if it were there: pg's other driver, and its sockets for Cloudflare. */
export const NEVER_LOADED = ['pg-native', 'pg-cloudflare'];

/** A bundle. Lazily loaded modules are separate files, unless they are `together` with others. */
interface Bundle {
  /** The sources that others load, by their names in dist/ without the ending. */
  input: Record<string, string>;
  format: 'cjs' | 'esm';
  /** Expressions of the sources, and their replacements. */
  define?: Record<string, string>;
  /** Modules in one file with all that they load, except earlier groups: each file costs a start 0.3 ms. */
  together?: CodeSplittingGroup[];
}

const BUNDLES: readonly Bundle[] = [
  {
    // The program starts sooner as CommonJS than as ES modules.
    input: { 'src/main': 'src/main.ts' },
    format: 'cjs',
    // The code that asks for the URL gives it to createRequire, which takes a path as well.
    define: { 'import.meta.url': '__filename' },
    together: [
      { name: 'main', tags: ['$initial'] },
      { name: 'settings', test: /\/src\/config\/(load|key)\.ts$/ },
      { name: 'mirror', test: /\/src\/store\/sqlite\/readonly\.ts$/ },
      { name: 'statements', test: /\/src\/store\/sqlite\/reader\.ts$/ },
      { name: 'sync', test: /\/src\/(cli\/commands\/sync|store\/sqlite\/store|source\/http\/client)\.ts$/ },
    ],
  },
  {
    // The library, and the demo's process, which child.ts starts by its path.
    input: { 'src/index': 'src/index.ts', 'src/source/simulated/process': 'src/source/simulated/process.ts' },
    format: 'esm',
  },
];

/**
 * Brings dist/ up to date, and returns for each of its files the files that it was made of, relative to the
 * project. A build of the same sources and packages stays as it is. Throws what rolldown or the compiler
 * finds wrong; dist/ is left alone then.
 */
export async function build(): Promise<Record<string, string[]>> {
  const built = readBuilt();
  if (built !== null && built.digest === digestOf(built.parts)) return built.parts;
  // Beside dist/, to replace it at once and as a whole: the program may be started meanwhile.
  const folder = `${DIST}.${process.pid}`;
  try {
    const parts = await bundle(folder);
    declareTypes(folder);
    const made: Built = { parts, digest: digestOf(parts) };
    writeFileSync(join(folder, 'built.json'), JSON.stringify(made));
    rmSync(DIST, { recursive: true, force: true });
    renameSync(folder, DIST);
    return parts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns null if nothing was built. */
function readBuilt(): Built | null {
  const path = join(DIST, 'built.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Built) : null;
}

/** Changes with the name and content of every file, but not its time, which git and npm set as they like. */
function digestOf(parts: Built['parts']): string {
  const files = [...SOURCES.flatMap(filesIn), ...Object.values(parts).flat()];
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].toSorted()) {
    const path = join(root, file);
    const content = existsSync(path) ? readFileSync(path) : '';
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Returns the file, or the files of the folder, relative to the project. */
function filesIn(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  const names = readdirSync(join(root, path), { recursive: true, encoding: 'utf8' });
  return names.flatMap((name) => (name.endsWith('.ts') ? [join(path, name)] : []));
}

async function bundle(folder: string): Promise<Record<string, string[]>> {
  const files: [file: string, parts: string[]][] = [];
  for (const made of BUNDLES) files.push(...(await write(made, folder)));
  const licenses = licensesOf(files.flatMap(([, parts]) => parts));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licenses);
  return Object.fromEntries(files);
}

async function write(
  { input, format, define = {}, together = [] }: Bundle,
  folder: string,
): Promise<[string, string[]][]> {
  // Loaded here, so that a build that is up to date needs no devDependencies.
  const { rolldown } = await import('rolldown');
  const ending = format === 'cjs' ? 'cjs' : 'js';
  const bundled = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: [...OUTSIDE, ...NEVER_LOADED],
    plugins: [lighterPackages],
    transform: { target: `node${OLDEST_NODE}`, define },
    onLog: (level, { message }) => {
      if (level === 'warn') throw new Error(message);
    },
  });
  const { output } = await bundled.write({
    dir: folder,
    format,
    entryFileNames: `[name].${ending}`,
    codeSplitting: {
      groups: together.map((group, index) => ({ ...group, priority: together.length - index })),
    },
    chunkFileNames: `src/chunks/[name]-[hash].${ending}`,
    // Neither minified nor mapped: stack traces name the functions of the sources. But a file is read at each
    // start, and one character beyond ASCII makes V8 take two bytes for each.
    comments: false,
    charset: 'ascii',
  });
  await bundled.close();
  const made = output.flatMap((file): [string, string[]][] => {
    if (file.type === 'asset') return [];
    // Rolldown's own helpers are not files.
    const parts = file.moduleIds.filter((id) => isAbsolute(id)).map((id) => relative(root, id));
    return [[join('dist', file.fileName), parts]];
  });
  assertFound(
    together,
    made.flatMap(([, parts]) => parts),
  );
  return made;
}

/** Throws if a group names a file that is not there: it was moved, and the group would silently fall apart. */
function assertFound(groups: readonly CodeSplittingGroup[], files: readonly string[]): void {
  for (const { name, test } of groups) {
    if (test instanceof RegExp && !files.some((file) => test.test(`/${file}`)))
      throw new Error(`No file of the build is in the group ${String(name)}, ${test}.`);
  }
}

/** Parts of packages that make Node load modules for a millisecond, and what takes their place. */
const LIGHTER = [
  {
    // Commander can start programs as subcommands; ours are none.
    file: '/commander/lib/command.js',
    part: "import childProcess from 'node:child_process';",
    instead: 'const childProcess = {};',
  },
  { file: '/p-retry/index.js', part: 'performance.now()', instead: '(1000 * process.uptime())' },
] as const;

const lighterPackages: Plugin = {
  name: 'lighter-packages',
  transform(code, id) {
    const change = LIGHTER.find(({ file }) => id.endsWith(file));
    if (change === undefined) return null;
    const changed = code.replaceAll(change.part, change.instead);
    if (changed === code) throw new Error(`${id} has no ${change.part} any more`);
    return changed;
  },
};

/** Returns the licenses of the bundled packages: most of them must be passed on with every copy. */
function licensesOf(parts: readonly string[]): string {
  const folders = parts.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  const licenses = [...new Set(folders)].toSorted().map((folder) => {
    const path = resolve(root, folder);
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license: string;
    };
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? 'The package holds no text.' : readFileSync(join(path, file), 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return `taskmirror holds code of these packages.\n\n${licenses.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** Writes the library's types. Throws, with the compiler's output, if that fails. */
function declareTypes(folder: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', folder];
  const { status, error, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`The types could not be built:\n${stdout}${stderr}`);
}
