/**
 * Builds the program, after `npm ci` and by `npm run build`. Plain JavaScript: if the repository's own Node
 * is missing, an older one runs it and has to say so.
 */
import { fileURLToPath } from 'node:url';

const LACKING = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_MODULE_NOT_FOUND'];

try {
  const { build } = await import('./build.ts');
  await build();
} catch (error) {
  if (!LACKING.includes(error.code)) throw error;
  const folder = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(
    `taskmirror was not built: the packages that build it, or the Node that they run on, are not installed ` +
      `(this is Node ${process.versions.node}). Run "npm ci --include=dev" in ${folder}, with install scripts on.\n`,
  );
  // npx shows nothing of this, and fails for ever after a failure; the program that it starts reports the
  // same.
  process.exitCode = process.env.npm_command === 'exec' ? 0 : 1;
}
