import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Builds the program that test/cli runs, once for all of its files. Throws, with what the compiler says, if that fails. */
export default function build(): void {
  const root = resolve(import.meta.dirname, '../..');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json'],
    { cwd: root, encoding: 'utf8' },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`The program could not be built:\n${stdout}${stderr}`);
}
