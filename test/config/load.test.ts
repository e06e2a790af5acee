import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { requireSources } from '../../src/config/sources.ts';
import { describeOrigin, type SettingsInput } from '../../src/config/settings.ts';
import { folder, load, problemsOf, usageError } from './folder.ts';
import { told } from '../support/told.ts';

const SOURCE = { name: 'work', apiKey: { env: 'WORK_KEY' } };

describe('precedence', () => {
  test('without file, environment and flags every setting has its default', async () => {
    const { settings, origins, file, cwd } = await load();
    expect(settings).toEqual({
      database: join(cwd, 'taskmirror.db'),
      schema: 'taskmirror',
      databasePassword: null,
      queryDatabase: null,
      queryDatabasePassword: null,
      schedule: '*/5 * * * *',
      fullSchedule: '17 3 * * *',
      timezone: 'UTC',
      sources: [],
      hooks: [],
      sync: {
        pageSize: 100,
        concurrency: 4,
        overlapSeconds: 300,
        requestTimeoutSeconds: 30,
        retrySeconds: 120,
        maxRequestsPerSecond: null,
      },
      queriesFolder: join(cwd, 'queries'),
      omitFields: [],
      searchIndex: true,
      retention: { changesDays: null, removedDays: null },
      log: { level: 'info', format: 'auto' },
    });
    expect(file).toBeNull();
    expect(new Set([...origins.values()].map(describeOrigin))).toEqual(new Set(['default']));
  });

  test('without a file to read, the one in the working directory does not count', async () => {
    const { settings, file, cwd } = await load({ database: 'file.db', sources: 1 }, { readsFile: false });
    expect(settings.database).toBe(join(cwd, 'taskmirror.db'));
    expect(file).toBeNull();
  });

  test('the file wins over the default, the environment over the file, a flag over the environment', async () => {
    const file = { database: 'file.db', schedule: '1 * * * *', sync: { pageSize: 50, concurrency: 2 } };
    const env = { TASKMIRROR_DB: 'env.db', TASKMIRROR_SYNC_PAGE_SIZE: '60' };
    const { settings, origins, cwd } = await load(file, { env, flags: { db: 'flag.db' } });
    expect(settings).toMatchObject({
      database: join(cwd, 'flag.db'),
      schedule: '1 * * * *',
      timezone: 'UTC',
      sync: { pageSize: 60, concurrency: 2, retrySeconds: 120 },
    });
    const path = join(cwd, 'taskmirror.config.json');
    expect(origins.get('database')).toEqual({ kind: 'flag', flag: '--db' });
    expect(origins.get('sync.pageSize')).toEqual({
      kind: 'environment',
      variable: 'TASKMIRROR_SYNC_PAGE_SIZE',
    });
    expect(origins.get('sync.concurrency')).toEqual({ kind: 'file', path });
    expect(origins.get('sync.retrySeconds')).toEqual({ kind: 'default' });
  });

  test('a value of the environment replaces a wrong one of the file', async () => {
    const { settings } = await load(
      { timezone: 'Mars/Base' },
      { env: { TASKMIRROR_TIMEZONE: 'Europe/Berlin' } },
    );
    expect(settings.timezone).toBe('Europe/Berlin');
  });
});

describe('the settings file', () => {
  test('is the one that --config names, before the one of TASKMIRROR_CONFIG, before the one in the working directory', async () => {
    const cwd = folder({
      'taskmirror.config.json': { timezone: 'Europe/Rome' },
      'env.json': { timezone: 'Europe/Paris' },
      'flag.json': { timezone: 'Europe/Berlin' },
    });
    const env = { TASKMIRROR_CONFIG: 'env.json' };
    expect((await load(undefined, { cwd })).settings.timezone).toBe('Europe/Rome');
    expect((await load(undefined, { cwd, env })).settings.timezone).toBe('Europe/Paris');
    const loaded = await load(undefined, { cwd, env, flags: { config: 'flag.json' } });
    expect(loaded.settings.timezone).toBe('Europe/Berlin');
    expect(loaded.file).toBe(join(cwd, 'flag.json'));
  });

  test('may begin with a byte order mark and name its schema', async () => {
    expect((await load('\uFEFF{"$schema": "./config.schema.json", "timezone": "UTC"}')).file).not.toBeNull();
  });

  test('that has one key twice is an error with both places: the first would be silently dropped', async () => {
    const text =
      '{\n  "sources": [{"name": "a", "apiKey": {"env": "A"}}],\n  "sync": {"pageSize": 9, "pageSize": 10},\n  "sources": []\n}';
    const cwd = folder({ 'taskmirror.config.json': text });
    expect(await problemsOf(undefined, { cwd })).toEqual([
      `settings file ${join(cwd, 'taskmirror.config.json')} ` +
        'has "sync.pageSize" twice: at line 3, column 12, and at line 3, column 27; ' +
        'has "sources" twice: at line 2, column 3, and at line 4, column 3',
    ]);
    const env = { TASKMIRROR_SOURCES: '[{"name": "a", "name": "b", "apiKey": {"env": "A"}}]' };
    expect(await problemsOf(undefined, { env })).toEqual([
      'environment variable TASKMIRROR_SOURCES has "[0].name" twice: at line 1, column 3, and at line 1, column 16',
    ]);
  });

  test('gives relative paths from its own folder, the environment and flags from the working directory', async () => {
    const home = folder({
      'c.json': {
        database: 'data/m.db',
        queriesFolder: 'sql',
        sources: [{ name: 'a', apiKey: { file: 'keys/a' } }],
      },
    });
    const cwd = folder();
    const flags = { config: join(home, 'c.json') };
    const fromFile = (await load(undefined, { cwd, flags })).settings;
    expect(fromFile.database).toBe(join(home, 'data/m.db'));
    expect(fromFile.queriesFolder).toBe(join(home, 'sql'));
    expect(fromFile.sources[0]?.apiKey).toEqual({ file: join(home, 'keys/a') });

    const env = { TASKMIRROR_DB: 'm.db', TASKMIRROR_SOURCES: '[{"name":"a","apiKey":{"file":"k"}}]' };
    const fromEnv = (await load(undefined, { cwd, flags, env })).settings;
    expect(fromEnv.database).toBe(join(cwd, 'm.db'));
    expect(fromEnv.sources[0]?.apiKey).toEqual({ file: join(cwd, 'k') });
    expect((await load(undefined, { cwd: home, flags: { db: 'x.db' } })).settings.database).toBe(
      join(home, 'x.db'),
    );
  });

  test('that sets no database leaves it in the working directory', async () => {
    const home = folder({ 'c.json': {} });
    const cwd = folder();
    const { settings } = await load(undefined, { cwd, flags: { config: join(home, 'c.json') } });
    expect(settings.database).toBe(join(cwd, 'taskmirror.db'));
  });
});

const gone = (input: Partial<SettingsInput>) => loadSettings({ env: {}, cwd: null, flags: {}, ...input });

describe('if the working directory was deleted', () => {
  test('absolute paths are enough, and unused paths may stay relative', async () => {
    const home = folder({ 'c.json': { sources: [SOURCE], database: 'm.db' } });
    const { settings } = await gone({ flags: { config: join(home, 'c.json') } });
    expect(settings.database).toBe(join(home, 'm.db'));
    expect((await gone({ flags: { db: '/data/m.db' } })).file).toBeNull();

    const relative: [Partial<SettingsInput>, string][] = [
      [{}, './taskmirror.db'],
      [{ flags: { db: 'm.db' } }, 'm.db'],
      [{ flags: { config: 'c.json', db: '/m.db' } }, 'c.json'],
      [{ env: { TASKMIRROR_QUERIES_FOLDER: 'sql' }, flags: { db: '/m.db' } }, 'sql'],
    ];
    for (const [input, path] of relative) {
      const error = await usageError(() => gone(input));
      expect(error.message).toBe(`${path} is relative to the working directory, which was deleted`);
      expect(told(error).hint).toContain('absolute paths');
    }
  });
});

describe('sources', () => {
  const made = {
    name: 'default',
    baseUrl: 'https://api.sigmic.ai',
    apiKey: { env: 'SIGMIC_API_KEY' },
  };
  const SIGMIC_API_KEY = 'sigmic_0123456789';

  test.for([undefined, {}, { sources: [] }])(
    'SIGMIC_API_KEY makes the source "default" where none is set: %j',
    async (file) => {
      const { settings, origins } = await load(file, { env: { SIGMIC_API_KEY } });
      expect(settings.sources).toEqual([made]);
      expect(origins.get('sources[0].apiKey')).toEqual({ kind: 'environment', variable: 'SIGMIC_API_KEY' });
      expect(origins.get('sources[0].baseUrl')).toEqual({ kind: 'default' });
    },
  );

  test('SIGMIC_BASE_URL goes with it, without its trailing slash', async () => {
    const env = { SIGMIC_API_KEY, SIGMIC_BASE_URL: 'http://127.0.0.1:8080/' };
    const { settings, origins } = await load(undefined, { env });
    expect(settings.sources).toEqual([{ ...made, baseUrl: 'http://127.0.0.1:8080' }]);
    expect(origins.get('sources[0].baseUrl')).toEqual({ kind: 'environment', variable: 'SIGMIC_BASE_URL' });
  });

  test('SIGMIC_API_KEY adds no source to those that are set', async () => {
    const { settings } = await load({ sources: [SOURCE] }, { env: { SIGMIC_API_KEY } });
    expect(settings.sources).toEqual([{ ...SOURCE, baseUrl: 'https://api.sigmic.ai' }]);
  });

  test('SIGMIC_BASE_URL fills in only the source "default", and only if it has no base URL', async () => {
    const env = { SIGMIC_BASE_URL: 'https://env.example' };
    const baseUrls = async (...sources: unknown[]) =>
      (await load({ sources }, { env })).settings.sources.map(({ baseUrl }) => baseUrl);
    const named = { ...SOURCE, name: 'default' };
    expect(await baseUrls(SOURCE, named)).toEqual(['https://api.sigmic.ai', 'https://env.example']);
    expect(await baseUrls({ ...named, baseUrl: 'https://file.example' })).toEqual(['https://file.example']);
  });

  test('TASKMIRROR_SOURCES replaces the sources of the file', async () => {
    const env = { TASKMIRROR_SOURCES: '[{"name":"env","apiKey":{"command":"pass show k"}}]' };
    const { settings, origins } = await load({ sources: [SOURCE] }, { env });
    expect(settings.sources.map(({ name }) => name)).toEqual(['env']);
    expect(origins.get('sources[0].name')).toEqual({ kind: 'environment', variable: 'TASKMIRROR_SOURCES' });
  });

  test('an empty SIGMIC_API_KEY or SIGMIC_BASE_URL counts as not set', async () => {
    expect(
      (await load(undefined, { env: { SIGMIC_API_KEY: '', SIGMIC_BASE_URL: '' } })).settings.sources,
    ).toEqual([]);
    const { settings } = await load(undefined, { env: { SIGMIC_API_KEY, SIGMIC_BASE_URL: '' } });
    expect(settings.sources).toEqual([made]);
  });

  test('a command that needs a source is told how to set one', async () => {
    const error = await usageError(async () => requireSources((await load()).settings));
    expect(error.message).toContain('No source is set');
    expect(told(error).hint).toContain('SIGMIC_API_KEY');
    const { settings } = await load({ sources: [SOURCE] });
    expect(requireSources(settings)).toBe(settings.sources);
  });
});
