import { expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import type { OpenMirrorOptions, SyncOptions } from '../../src/index.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { DEFAULT_BASE_URL, DEFAULT_SOURCE_NAME } from '../../src/model/sync-settings.ts';
import { codeIn, pageOf, readPages, tableIn } from './page.ts';

const page = pageOf(readPages(), 'library');

/** The tables of the section "Options": the default of each option as it is written, by the option's name. */
const [ofOpening, ofSync] = page
  .section('Options')
  .split(/^Options of `sync`/m)
  .map((text) => new Map(tableIn(text).map(([name, value]) => [codeIn(name)[0], codeIn(value)[0]])));

test('docs/library.md has the options of openMirror with the defaults of the settings', () => {
  const { omitFields, searchIndex, schema } = DEFAULTS;
  // The compiler sees to it that none is left out here.
  const options: Record<keyof OpenMirrorOptions, string | undefined> = {
    create: 'true',
    omitFields: JSON.stringify(omitFields),
    searchIndex: JSON.stringify(searchIndex),
    schema,
    password: undefined,
    ca: undefined,
  };
  expect(ofOpening).toEqual(new Map(Object.entries(options)));
});

test('docs/library.md has the options of sync with the defaults of the settings', () => {
  for (const [name, value] of Object.entries(DEFAULTS.sync)) {
    expect([name, ofSync?.get(name)]).toEqual([name, JSON.stringify(value)]);
  }
  expect(ofSync?.get('baseUrl')).toBe(DEFAULT_BASE_URL);
  expect(ofSync?.get('source')).toBe(DEFAULT_SOURCE_NAME);
});

test('docs/library.md has every option of sync', () => {
  // The compiler sees to it that none is left out here.
  const options: Record<keyof SyncOptions, true> = {
    apiKey: true,
    baseUrl: true,
    source: true,
    full: true,
    allowRemovals: true,
    dryRun: true,
    signal: true,
    log: true,
    onProgress: true,
    pageSize: true,
    concurrency: true,
    overlapSeconds: true,
    requestTimeoutSeconds: true,
    retrySeconds: true,
    maxRequestsPerSecond: true,
    retention: true,
  };
  expect([...(ofSync?.keys() ?? [])]).toEqual(Object.keys(options));
});

test('docs/library.md names every error class that is exported', () => {
  const errors = new Set(tableIn(page.section('Errors')).map(([name]) => codeIn(name)[0]));
  const exported = Object.keys(library).filter(
    (name) => name.endsWith('Error') && name !== 'TaskmirrorError',
  );
  expect(errors).toEqual(new Set(exported));
});

test('docs/library.md names every function that is exported', () => {
  const functions = Object.keys(library).filter((name) => !name.endsWith('Error'));
  expect(functions.filter((name) => !page.text.includes(`\`${name}(`))).toEqual([]);
});
