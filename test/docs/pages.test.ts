import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { updatedPage } from '../../scripts/docs/pages.ts';
import { OLDEST_NODE } from '../../src/model/version.ts';
import { localLinks, pageOf, readOtherPages, readPages } from './page.ts';

/** More than a reader takes in before the first command. */
const README_LINES = 250;

describe('every page', () => {
  test('is as "npm run docs" writes it: generated parts and format', async () => {
    for (const { file, text } of readPages()) expect(await updatedPage(file, text)).toBe(text);
  });

  test('begins with its only heading of the first level', () => {
    for (const { name, headings } of readPages()) {
      const first = headings.filter(({ level }) => level === 1).map(({ line }) => line);
      expect({ name, first }).toEqual({ name, first: [0] });
    }
  });

  test('links only to files and headings that are there', () => {
    const pages = [...readPages(), ...readOtherPages()];
    const slugs = new Map(pages.map(({ file, headings }) => [file, headings.map(({ slug }) => slug)]));
    const links = pages.flatMap(localLinks);
    expect(links.length).toBeGreaterThan(50);
    const lost = links.filter(({ file, anchor }) =>
      anchor === undefined ? !existsSync(file) : !slugs.get(file)?.includes(anchor),
    );
    expect(lost).toEqual([]);
  });

  test('names the oldest Node that will do as package.json does', () => {
    const named = readPages().flatMap(({ text }) =>
      [...text.matchAll(/\bNode (\d+\.\d+) or\s+newer/g)].map(([, version]) => version),
    );
    expect(named.length).toBeGreaterThan(2);
    expect([...new Set(named)]).toEqual([OLDEST_NODE]);
  });
});

describe('README.md', () => {
  test(`has at most ${README_LINES} lines`, () => {
    expect(pageOf(readPages(), 'README').text.split('\n').length - 1).toBeLessThanOrEqual(README_LINES);
  });

  test('leads to every page in at most two clicks', () => {
    const pages = readPages();
    const targetsOf = (file: string) =>
      pages.filter((page) => page.file === file).flatMap((page) => localLinks(page).map((link) => link.file));
    const readme = pageOf(pages, 'README').file;
    const one = targetsOf(readme);
    const reached = new Set([readme, ...one, ...one.flatMap(targetsOf)]);
    expect(pages.filter(({ file }) => !reached.has(file)).map(({ name }) => name)).toEqual([]);
  });
});
