import { describe, expect, test } from 'vitest';
import { demo, type DemoDeps } from '../../src/cli/commands/demo/demo.ts';
import { cli } from '../../src/cli/program.ts';
import { createApp } from '../../src/cli/wire.ts';
import { loadSettings } from '../../src/config/load.ts';
import { createRedactor } from '../../src/platform/redact.ts';
import { Captured } from '../support/captured.ts';
import { temporaryFolder } from '../support/mirror.ts';
import { toldBy } from '../support/told.ts';

const DATABASE = 'postgres://me@db.example/tasks';
const CALLER = {
  HOME: '/home/me',
  PGPASSWORD: 'secret-of-the-database',
  SIGMIC_API_KEY: 'sigmic_real',
  TASKMIRROR_SCHEMA: 'team',
  TASKMIRROR_SYNC_PAGE_SIZE: '5',
};

/** A demo whose API does not start, in a folder of its own, and what it did. */
function failing({
  drop = async () => {},
  isTaken = false,
}: { drop?: () => Promise<void>; isTaken?: boolean } = {}) {
  const io = { stdout: new Captured(), stderr: new Captured(), env: CALLER, cwd: temporaryFolder() };
  const signal = new AbortController().signal;
  const seen = { envs: [] as object[], made: [] as object[], dropped: 0 };
  const deps: DemoDeps = {
    io,
    signal,
    startApi: () => Promise.reject(new Error('no API')),
    contextFor: async (env, db) => {
      seen.envs.push(env);
      const loaded = await loadSettings({ env, cwd: io.cwd, flags: { db }, readsFile: false });
      return createApp({
        io: { ...io, env },
        loaded,
        signal,
        redactor: createRedactor(),
        defaultLevel: 'error',
      });
    },
    makeSchema: async (place) => {
      seen.made.push(place);
      if (isTaken) return null;
      return () => {
        seen.dropped += 1;
        return drop();
      };
    },
  };
  return { io, seen, run: (keep?: string) => demo(deps, { tasks: '10', db: DATABASE, keep }) };
}

describe('in a PostgreSQL database', () => {
  test('gets a fresh schema, and of the environment nothing but what a connection needs', async () => {
    const { seen, run } = failing();
    await expect(run()).rejects.toThrow('no API');
    const schema: unknown = expect.stringMatching(/^taskmirror_demo_[0-9a-f]{8}$/);
    expect(seen.made).toEqual([{ url: DATABASE, schema }]);
    expect(JSON.parse(JSON.stringify(seen.envs))).toEqual([
      { HOME: '/home/me', PGPASSWORD: 'secret-of-the-database', TASKMIRROR_SCHEMA: schema },
    ]);
  });

  test.each([undefined, 'kept'])('drops its schema if it fails, with --keep %s', async (keep) => {
    const { seen, run } = failing();
    await expect(run(keep)).rejects.toThrow('no API');
    expect(seen.dropped).toBe(1);
  });

  test('names the schema that cannot be dropped, and fails with what failed first', async () => {
    const { io, run } = failing({ drop: () => Promise.reject(new Error('gone')) });
    await expect(run('kept')).rejects.toThrow('no API');
    expect(io.stderr.text).toContain('me@db.example:5432/tasks, schema kept, could not be dropped');
    expect(io.stderr.text).toContain('drop schema if exists kept cascade');
  });

  test('leaves a schema alone that is there already, and names it', async () => {
    const { io, seen, run } = failing({ isTaken: true });
    expect((await toldBy(run('team'))).message).toMatch(
      /^--keep team: me@db\.example:5432\/tasks has a schema of this name/,
    );
    expect([seen.dropped, io.stdout.text]).toEqual([0, '']);
  });

  test.each(['demo.db', 'pg_demo', 'Demo', ''])('%j is no name of a schema', async (keep) => {
    const { seen, run } = failing();
    expect((await toldBy(run(keep))).message).toMatch(/^--keep names a schema with this --db: expected/);
    expect(seen.made).toEqual([]);
  });
});

test.each([
  [['--db', 'x.db'], /^--db cannot be used with demo to name a file.*--keep FILE/s],
  [['--db', 'mysql://me@db.example/tasks'], /^--db cannot be used with demo/],
  [['--config', 'x.json'], /^--config cannot be used with demo.*--keep FILE/s],
  [['--db', DATABASE, '--config', 'x.json'], /^--config cannot be used with demo/],
  [['--db', 'postgres://me:secret@db.example/tasks'], /flag --db holds a password/],
  [['--db', 'postgres://me:secret@db.example'], /It names no database/],
])('demo %j is refused before anything is done', async (flags, said) => {
  const io = { stdout: new Captured(), stderr: new Captured(), env: {}, cwd: temporaryFolder() };
  const ended = cli(['demo', ...flags], {
    io,
    signal: new AbortController().signal,
    redactor: createRedactor(),
    stdin: () => process.stdin,
    program: ['taskmirror'],
    useDefaultSignals: () => {},
  });
  const { message, hint, exitCode } = await toldBy(ended);
  expect([exitCode, `${message}\n${hint}`]).toEqual([2, expect.stringMatching(said)]);
  expect(message).not.toContain('secret');
  expect([io.stdout.text, io.stderr.text]).toEqual(['', '']);
});
