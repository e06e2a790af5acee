import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { OLDEST_NODE } from '../src/model/version.ts';

interface Locked {
  deprecated?: string;
  dev?: boolean;
  engines?: { node?: string };
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

describe('the warnings that .npmrc hides:', () => {
  test('no package is deprecated', () => {
    expect(
      Object.entries(packages).flatMap(([path, { deprecated }]) => (deprecated === undefined ? [] : [path])),
    ).toEqual([]);
  });

  test(`every package that a user gets runs on Node ${OLDEST_NODE}`, () => {
    // The last alternative is the newest: `^20.19.0 || >=22.12.0`.
    const needed = Object.entries(packages).flatMap(([path, { dev = false, engines }]) => {
      const [, oldest] = /(?:^|\|\| *)(?:>= *)(\d+(?:\.\d+)*)[.x]*$/.exec(engines?.node ?? '>=0') ?? [];
      return dev || path === '' || engines?.node === '*' ? [] : [{ path, oldest }];
    });
    expect(needed.length).toBeGreaterThan(20);
    const tooNew = needed.filter(({ oldest }) => oldest === undefined || isNewer(oldest, OLDEST_NODE));
    expect(tooNew).toEqual([]);
  });
});

function isNewer(version: string, other: string): boolean {
  const order = { numeric: true } as const;
  return version.localeCompare(other, 'en', order) > 0;
}
