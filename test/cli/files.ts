import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every file below `folder`, by its path in it, with its bytes as Latin-1 text. */
export function filesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(folder.length + 1),
      readFileSync(join(parentPath, name), 'latin1'),
    ]),
  );
}

/** The names of the files below `folder` whose bytes hold `text` (ASCII). */
export function filesWith(folder: string, text: string): string[] {
  return Object.entries(filesIn(folder)).flatMap(([name, bytes]) => (bytes.includes(text) ? [name] : []));
}
