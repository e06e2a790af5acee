/**
 * Builds dist/ for publishing: the program and the library as bundles, since a start that reads few files is quick,
 * and the library's types. Run by `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const DIST = join(root, 'dist');

/** The program, the library, and the demo's process, which child.ts starts by its path. */
const ENTRIES = ['src/main.ts', 'src/index.ts', 'src/demo/process.ts'];

/** The packages that dist/ loads from node_modules: one holds a binary, and the others are rarely needed. */
export const OUTSIDE = ['better-sqlite3', 'node-cron', 'pino', 'pino-pretty'] as const;

/**
 * Makes dist/ anew, without the types. Neither minified nor mapped: stack traces name the functions of the sources, and
 * a compile cache makes up for the size. Throws what esbuild finds wrong.
 */
export async function bundle(): Promise<void> {
  rmSync(DIST, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outbase: '.',
    outdir: DIST,
    chunkNames: 'src/chunks/[name]-[hash]',
    bundle: true,
    // What a command loads lazily stays a file of its own.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    external: [...OUTSIDE],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), licensesOf(metafile));
}

/** The licenses of the packages that are bundled: most of them ask for being passed on with every copy. */
function licensesOf({ inputs }: Metafile): string {
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
