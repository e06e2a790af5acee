import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  gypfile?: boolean;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Locked>;
};

/**
 * npm 10 overlooks `gypfile: false` in the manifest of a package that it installs from a lockfile, and runs node-gyp, which
 * needs Python and make. It heeds it in the lockfile, where `npm install` drops it: put it back after an update.
 */
test('the lockfile keeps npm 10 from compiling better-sqlite3, which brings its binaries', () => {
  expect(packages['node_modules/better-sqlite3']?.gypfile).toBe(false);
});

test('the lockfile has the binaries of every platform, or npm ci refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined &&
        packages[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test('the lockfile names no registry', () => {
  expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"');
});
