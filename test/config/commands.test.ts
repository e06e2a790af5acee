import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configCheck, configSchema, configShow } from '../../src/cli/commands/config.ts';
import type { Io } from '../../src/platform/terminal.ts';
import type { SettingsFlags } from '../../src/config/settings.ts';
import { settingsJsonSchema } from '../../src/config/schema.ts';
import { UsageError } from '../../src/model/errors.ts';
import { widthOf } from '../../src/platform/terminal.ts';
import { Captured } from '../support/captured.ts';
import { folder } from './folder.ts';

const KEY = 'sigmic_0123456789abcdef';
const SOURCES = [
  { name: 'work', apiKey: { env: 'WORK_KEY' } },
  { name: 'lab', baseUrl: 'http://localhost:9', apiKey: { file: 'lab.key' } },
  { name: 'home', apiKey: { command: 'vault login -password=hunter2 && vault read key' } },
];

function ioIn(cwd: string, env: Io['env'] = {}): Io & { stdout: Captured; stderr: Captured } {
  return { stdout: new Captured(), stderr: new Captured(), env, cwd };
}

const noFlags: SettingsFlags = {};

test('config check says ok with the file and the number of sources, and notes what a sync lacks', async () => {
  const cwd = folder({ 'taskmirror.config.json': { sources: SOURCES } });
  const io = ioIn(cwd);
  expect(await configCheck(io, { flags: noFlags })).toBe(0);
  expect(io.stdout.text).toBe(
    `ok: ${join(cwd, 'taskmirror.config.json')}, 3 sources\n` +
      '  note: source "work" has no key yet: nothing is in environment variable WORK_KEY\n' +
      `  note: source "lab" has no key yet: nothing is in file ${join(cwd, 'lab.key')}\n`,
  );

  const without = ioIn(folder(), { SIGMIC_API_KEY: KEY });
  await configCheck(without, { flags: noFlags });
  expect(without.stdout.text).toBe('ok: no settings file, 1 source\n');

  const empty = ioIn(folder());
  expect(await configCheck(empty, { flags: noFlags })).toBe(0);
  expect(empty.stdout.text).toBe(
    'ok: no settings file, 0 sources\n' +
      '  note: no source is set, so there is nothing to mirror: set SIGMIC_API_KEY, or name sources\n',
  );
});

test('config check and show fail with all problems and print nothing', async () => {
  const io = ioIn(folder(), { TASKMIRROR_LOG_LEVEL: 'loud', TASKMIRROR_TYPO: '1' });
  for (const command of [
    configCheck(io, { flags: noFlags }),
    configShow(io, { flags: noFlags, json: true }),
  ]) {
    const error: unknown = await command.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(
      /TASKMIRROR_LOG_LEVEL[^]*TASKMIRROR_TYPO|TASKMIRROR_TYPO[^]*TASKMIRROR_LOG_LEVEL/,
    );
  }
  expect(io.stdout.text).toBe('');
});

test('config show prints each setting, its value and where it came from', async () => {
  const cwd = folder({
    'taskmirror.config.json': { schedule: '1 * * * *', sources: SOURCES },
    'lab.key': KEY,
  });
  const file = join(cwd, 'taskmirror.config.json');
  const io = ioIn(cwd, { TASKMIRROR_SYNC_PAGE_SIZE: '50' });
  expect(await configShow(io, { flags: { db: 'x.db' }, json: false })).toBe(0);
  const cells = io.stdout.lines.map((line) => line.split(/ {2,}/));
  expect(io.stdout.lines[0]).toBe(`file ${file}`);
  expect(cells).toEqual(
    expect.arrayContaining([
      ['setting', 'value', 'from'],
      ['database', join(cwd, 'x.db'), 'flag --db'],
      ['schedule', '1 * * * *', 'file'],
      ['timezone', 'UTC', 'default'],
      ['sources[0].baseUrl', 'https://api.sigmic.ai', 'default'],
      ['sources[0].apiKey', '{"env":"WORK_KEY"} (not set)', 'file'],
      ['sources[1].apiKey', `{"file":"${join(cwd, 'lab.key')}"} (set)`, 'file'],
      ['sources[2].apiKey', '{"command":"[not shown]"} (not run)', 'file'],
      ['sync.pageSize', '50', 'variable TASKMIRROR_SYNC_PAGE_SIZE'],
      ['sync.maxRequestsPerSecond', 'null', 'default'],
      ['omitFields', '[]', 'default'],
    ]),
  );
  expect(io.stdout.text).not.toMatch(/hunter2|vault/);
});

test('config show fits a terminal of 80 columns, and cuts nothing', async () => {
  const cwd = folder({ 'taskmirror.config.json': { sources: SOURCES }, 'lab.key': KEY });
  const stdout = new Captured(80);
  const queriesFolder = `/${'a long path/'.repeat(9)}end`;
  const env = { TASKMIRROR_SYNC_MAX_REQUESTS_PER_SECOND: '5', TASKMIRROR_QUERIES_FOLDER: queriesFolder };
  await configShow({ ...ioIn(cwd, env), stdout }, { flags: noFlags, json: false });
  expect(stdout.lines.slice(1).filter((line) => widthOf(line) > 80)).toEqual([]);
  expect(stdout.text).not.toContain('…');
  expect(stdout.text.replaceAll(/\s/g, '')).toContain('TASKMIRROR_SYNC_MAX_REQUESTS_PER_SECOND');
});

test('config show --json prints the same as one object, and never a key', async () => {
  const cwd = folder({ 'taskmirror.config.json': { sources: SOURCES }, 'lab.key': KEY });
  const file = join(cwd, 'taskmirror.config.json');
  const io = ioIn(cwd, { WORK_KEY: KEY });
  await configShow(io, { flags: noFlags, json: true });
  expect(io.stdout.text).not.toContain(KEY);
  expect(io.stdout.text).not.toMatch(/hunter2|vault/);
  expect(JSON.parse(io.stdout.text)).toEqual({
    file,
    settings: expect.arrayContaining([
      { setting: 'sync.pageSize', value: 100, origin: { kind: 'default' } },
      { setting: 'sync.maxRequestsPerSecond', value: null, origin: { kind: 'default' } },
      {
        setting: 'sources[0].apiKey',
        value: { env: 'WORK_KEY' },
        origin: { kind: 'file', path: file },
        key: 'set',
      },
    ]),
  });
});

test('config schema prints the JSON Schema', async () => {
  const io = ioIn(folder());
  expect(await configSchema(io)).toBe(0);
  expect(io.stdout.text).toBe(settingsJsonSchema());
});
