import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const FOLDER = '.github/workflows';
const files = readdirSync(FOLDER).map((name) => readFileSync(`${FOLDER}/${name}`, 'utf8'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  engines: { node: string };
  scripts: Record<string, string>;
};

/** What follows `name:` in all workflows, a line each. */
function valuesOf(name: string): string[] {
  return files.flatMap((text) =>
    [...text.matchAll(new RegExp(`^ *(?:- )?${name}: (.*)$`, 'gm'))].map(([, value = '']) => value),
  );
}

describe('the workflows', () => {
  test('run only npm scripts and files that are there', () => {
    const commands = [...valuesOf('run'), ...readFileSync('.ci/run', 'utf8').split('\n')];
    const scripts = commands.flatMap((command) => /npm run ([\w:-]+)/.exec(command)?.[1] ?? []);
    expect(scripts.length).toBeGreaterThan(3);
    expect(scripts.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
    const started = commands.flatMap((command) => /^(?:node|bash) ([\w./-]+)/.exec(command)?.[1] ?? []);
    expect(started).toContain('.ci/run');
    expect(started.filter((path) => !existsSync(path))).toEqual([]);
  });

  test('use actions by their commit, each in one version', () => {
    const used = valuesOf('uses');
    expect(used.length).toBeGreaterThan(3);
    expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual(
      [],
    );
    const names = new Set(used.map((action) => action.split('@')[0]));
    expect(new Set(used).size).toBe(names.size);
  });

  test('cover the oldest Node that will do, and newer ones', () => {
    const versions = valuesOf('node')[0]?.match(/\d[\d.]*/g) ?? [];
    expect(`>=${versions[0]}`).toBe(manifest.engines.node);
    expect(versions.length).toBeGreaterThan(1);
  });
});

test('.node-version is the Node that the repository brings', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  expect(readFileSync('.node-version', 'utf8')).toBe(`${packages['node_modules/node']?.version}\n`);
});
