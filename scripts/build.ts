/**
 * Builds dist/ for publishing: the program and the library as bundles, since a start that reads few files is quick,
 * and the library's types. Run by `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build, type BuildOptions, type Metafile, transform } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const DIST = join(root, 'dist');

const PROGRAM = 'src/main.ts';
/** The library, and the demo's process, which child.ts starts by its path. */
const MODULES = ['src/index.ts', 'src/demo/process.ts'];

/** The packages that dist/ loads from node_modules: one holds a binary, and the others are rarely needed. */
export const OUTSIDE = ['better-sqlite3', 'node-cron', 'pino', 'pino-pretty'] as const;

const TARGET = { platform: 'node', target: 'node22.18' } as const;

/** Neither minified nor mapped: stack traces name the functions of the sources. */
const BUNDLE = {
  ...TARGET,
  absWorkingDir: root,
  outbase: '.',
  outdir: DIST,
  bundle: true,
  // What is loaded lazily stays a file of its own.
  splitting: true,
  format: 'esm',
  external: [...OUTSIDE],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * Makes dist/ anew, without the types, and returns for each of its files those that it was made of, all of them relative
 * to the project. Throws what esbuild finds wrong.
 */
export async function bundle(): Promise<Record<string, string[]>> {
  rmSync(DIST, { recursive: true, force: true });
  const modules = await build({
    ...BUNDLE,
    entryPoints: MODULES,
    chunkNames: 'src/chunks/[name]-[hash]',
  });
  const program = await build({
    ...BUNDLE,
    entryPoints: [PROGRAM],
    outExtension: { '.js': '.cjs' },
    chunkNames: 'src/chunks/[name]-[hash]',
    write: false,
  });
  for (const { path, text } of program.outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await asCommonJs(text));
  }
  const inputs = { ...modules.metafile.inputs, ...program.metafile.inputs };
  writeFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), licensesOf(inputs));
  const outputs = Object.entries({ ...modules.metafile.outputs, ...program.metafile.outputs });
  return Object.fromEntries(outputs.map(([file, made]) => [file, Object.keys(made.inputs)]));
}

/** The program starts sooner as CommonJS than as ES modules, but esbuild splits only these: each file is turned by itself. */
async function asCommonJs(text: string): Promise<string> {
  const { code } = await transform(text, {
    ...TARGET,
    format: 'cjs',
    // Whoever asks for the URL gives it to createRequire, which takes a path as well.
    define: { 'import.meta.url': '__filename', 'import.meta.filename': '__filename' },
    supported: { 'dynamic-import': false },
  });
  return code;
}

/** The licenses of the packages that are bundled: most of them ask for being passed on with every copy. */
function licensesOf(inputs: Metafile['inputs']): string {
  const folders = Object.keys(inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? [],
  );
  const parts = [...new Set(folders)].toSorted().map((folder) => {
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
  return `taskmirror holds code of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
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
