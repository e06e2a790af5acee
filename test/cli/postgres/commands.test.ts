import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/mirror.ts';
import { describeWithServer, temporaryDatabase } from '../../support/postgres/server.ts';
import { runProgram } from '../../support/program.ts';
import { serveTasks, teamTasks } from '../api.ts';

/** A folder whose settings name a database in PostgreSQL, and a function that runs the program in it. */
async function bench() {
  const api = await serveTasks(teamTasks(300), { now: () => Date.now() });
  const cwd = temporaryFolder();
  const { setting: database, rows } = await temporaryDatabase();
  writeFileSync(join(cwd, 'taskmirror.config.json'), JSON.stringify({ database }));
  const run = (...args: string[]) => runProgram(args, { cwd, env: api.env });
  return { api, cwd, database, rows, run };
}

describeWithServer('the program on a mirror in PostgreSQL', () => {
  test('makes it with the first sync, and finds nothing new with the second', async () => {
    const { rows, run } = await bench();
    expect(await run('status')).toMatchObject({ code: 10, stderr: expect.stringMatching(/no mirror in/) });
    const plan = await run('sync', '--dry-run', '--json');
    expect(JSON.parse(plan.stdout)).toMatchObject({ sources: [{ inserted: 300 }] });
    expect(await run('sync')).toMatchObject({ code: 0, stdout: expect.stringMatching(/300 new/) });
    expect(await run('sync')).toMatchObject({ code: 0, stdout: expect.stringMatching(/up to date: 0 new/) });
    expect(await rows('select count(*)::int as n from tasks')).toEqual([{ n: 300 }]);
  });

  test('answers every question about it', async () => {
    const { run } = await bench();
    for (const args of [['sync'], ['sync', '--full']]) expect(await run(...args)).toMatchObject({ code: 0 });
    const asked = [
      ['status', '--json'],
      ['verify', '--json'],
      ['doctor', '--json'],
      ['source', 'list', '--json'],
      [
        'query',
        '--json',
        'select count(*) as n from tasks where created_at > :since',
        '--param',
        'since=2020-01-01',
      ],
      ['query', '--json', '--timeout', '1m', 'select * from mirror_status'],
      ['report', 'overview', '--json', '--since', '2020-01-01'],
      ['search', '--json', 'report'],
      ['export', '--format', 'jsonl', 'status_history'],
      [
        'history',
        '--json',
        (await run('query', '--format', 'csv', 'select id from tasks limit 1')).stdout.split('\n')[1] ?? '',
      ],
    ];
    for (const args of asked) {
      const { code, stderr, stdout } = await run(...args);
      expect([args[0], code, stderr]).toEqual([args[0], 0, '']);
      expect(stdout.length).toBeGreaterThan(2);
    }
  });

  test('refuses what only a file can, and says what to use instead', async () => {
    const { run, database } = await bench();
    await run('sync');
    const { code, stderr } = await run('snapshot', 'copy.db');
    expect(code).toBe(2);
    expect(stderr).toContain(`pg_dump --format=custom --schema=taskmirror --file=FILE "${database}"`);
  });

  test('copies it to a file, where it is the same', async () => {
    const { run, database } = await bench();
    await run('sync');
    const copied = await run('copy', '--from', database, '--to', 'copy.db', '--json');
    expect(JSON.parse(copied.stdout)).toMatchObject({ ok: true });
    expect(await run('verify', '--db', 'copy.db')).toMatchObject({ code: 0 });
  });

  test('stops a query that takes too long', async () => {
    const { run } = await bench();
    await run('sync');
    const slow = await run(
      'query',
      '--timeout',
      '200ms',
      'select count(*) from generate_series(1, 1e12::bigint)',
    );
    expect(slow).toMatchObject({ code: 2, stderr: expect.stringMatching(/took longer than 0.2 s/) });
  });

  test('shows no password, however it was given', async () => {
    const { api, cwd, database } = await bench();
    const secret = 'p4ssw0rd-in-url';
    const url = database.replace('postgres@', `postgres:${secret}@`);
    for (const args of [
      ['config', 'show'],
      ['doctor'],
      ['sync'],
      ['status'],
      ['query', 'select pg_sleep(0)'],
    ]) {
      const { stdout, stderr } = await runProgram(args, { cwd, env: { ...api.env, TASKMIRROR_DB: url } });
      expect(stdout + stderr).not.toContain(secret);
    }
    const { code, stderr } = await runProgram(['sync', '--db', url], { cwd, env: api.env });
    expect([code, stderr.includes(secret)]).toEqual([2, false]);
  });
});
