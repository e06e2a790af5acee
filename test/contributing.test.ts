import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const PAGES = ['CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'deploy/README.md'];
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(page, 'utf8');

  test('names only npm scripts that exist', () => {
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  test('links only to files that are there', () => {
    const targets = [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => target);
    const local = targets.filter((target) => !target.startsWith('https://'));
    expect(local.filter((target) => !existsSync(new URL(target, `file://${process.cwd()}/${page}`)))).toEqual(
      [],
    );
  });
});

describe('CONTRIBUTING.md', () => {
  const text = readFileSync('CONTRIBUTING.md', 'utf8');

  test('names only files and folders that are there, but for those that its examples add', () => {
    const named = [
      ...text.matchAll(/(?<![\w/.])((?:src|test|migrations|scripts|bench|deploy)\/[\w./-]*)/g),
    ].map(([, path = '']) => path.replace(/\.$/, ''));
    expect(named.length).toBeGreaterThan(10);
    const lost = [...new Set(named)].filter((path) => !existsSync(path));
    expect(lost).toEqual(['src/reports/keys.ts', 'migrations/sqlite/0007_priority.ts']);
  });

  test.each(['src', 'test'])('says of every folder of %s what is in it, and of no others', (parent) => {
    const from = text.indexOf(`| Folder of \`${parent}/\``);
    const rows = text.slice(from, text.indexOf('\n\n', from)).split('\n').slice(2);
    const named = rows.flatMap((row) => row.split('|')[1]?.match(/\w+/g) ?? []);
    const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });
});
