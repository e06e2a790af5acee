/**
 * Builds dist/ for publishing: the program and the library as bundles, since a start that reads few files is quick,
 * and the library's types. Run by `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const DIST = join(root, 'dist');

/** The packages that dist/ loads from node_modules: one holds a binary, and the others are rarely needed. */
export const OUTSIDE = ['better-sqlite3', 'node-cron', 'pino', 'pino-pretty'] as const;

/** A bundle: what is loaded lazily stays a file of its own. */
interface Bundle {
  /** The sources that others load, by the name that they have in dist/, without its ending. */
  input: Record<string, string>;
  format: 'cjs' | 'esm';
  /** Expressions of the sources, and what is to stand for them. */
  define?: Record<string, string>;
}

const BUNDLES: readonly Bundle[] = [
  {
    // The program starts sooner as CommonJS than as ES modules.
    input: { 'src/main': 'src/main.ts' },
    format: 'cjs',
    // Whoever asks for the URL gives it to createRequire, which takes a path as well.
    define: { 'import.meta.url': '__filename' },
  },
  {
    // The library, and the demo's process, which child.ts starts by its path.
    input: { 'src/index': 'src/index.ts', 'src/demo/process': 'src/demo/process.ts' },
    format: 'esm',
  },
];

/**
 * Makes dist/ anew, without the types, and returns for each of its files those that it was made of, all of them relative
 * to the project. Throws what rolldown finds wrong.
 */
export async function bundle(): Promise<Record<string, string[]>> {
  rmSync(DIST, { recursive: true, force: true });
  const files: [file: string, parts: string[]][] = [];
  for (const made of BUNDLES) files.push(...(await write(made)));
  writeFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), licensesOf(files.flatMap(([, parts]) => parts)));
  return Object.fromEntries(files);
}

async function write({ input, format, define = {} }: Bundle): Promise<[string, string[]][]> {
  const ending = format === 'cjs' ? 'cjs' : 'js';
  const bundled = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: [...OUTSIDE],
    transform: { target: 'node22.18', define },
    onLog: (level, { message }) => {
      if (level === 'warn') throw new Error(message);
    },
  });
  const { output } = await bundled.write({
    dir: DIST,
    format,
    entryFileNames: `[name].${ending}`,
    chunkFileNames: `src/chunks/[name]-[hash].${ending}`,
    // Neither minified nor mapped: stack traces name the functions of the sources. But a file is read at each start, and
    // one character beyond ASCII makes V8 take two bytes for each.
    comments: false,
    charset: 'ascii',
  });
  await bundled.close();
  return output.flatMap((file) => {
    if (file.type === 'asset') return [];
    // Rolldown's own helpers are no file.
    const parts = file.moduleIds.filter((id) => isAbsolute(id)).map((id) => relative(root, id));
    return [[join('dist', file.fileName), parts]];
  });
}

/** The licenses of the packages that are bundled: most of them ask for being passed on with every copy. */
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

/** The library's types. Throws, with what the compiler says, if they cannot be made. */
function declareTypes(): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, error, stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`The types could not be built:\n${stdout}`);
}

if (import.meta.main) {
  await bundle();
  declareTypes();
}
