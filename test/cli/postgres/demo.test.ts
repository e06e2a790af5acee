import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/mirror.ts';
import {
  describeWithOwnServer,
  describeWithServer,
  execute,
  ownServer,
  temporaryDatabase,
} from '../../support/postgres/server.ts';
import { runProgram, startProgram } from '../../support/program.ts';
import { expectTour } from '../demo.ts';

/** The schemas of a database that are not the server's own. */
async function schemasIn(url: string): Promise<string[]> {
  const rows = await execute<{ name: string }>(
    url,
    `select nspname::text as name from pg_namespace where nspname !~ '^(?:pg_|information_schema$|public$)'`,
  );
  return rows.map(({ name }) => name);
}

describeWithServer('the demo in a PostgreSQL database', () => {
  test('shows what it shows in a file, and leaves the mirror that is there alone and nothing behind', async () => {
    const { setting: url } = await temporaryDatabase();
    await execute(url, 'create schema taskmirror');
    const ended = await runProgram(['demo', '--tasks', '2000', '--db', url], { cwd: temporaryFolder() });
    expectTour(ended);
    const [, schema = ''] = /, schema (\w+), which is dropped at the end\.$/m.exec(ended.stdout) ?? [];
    expect(schema).toMatch(/^taskmirror_demo_/);
    expect(await schemasIn(url)).toEqual(['taskmirror']);
  });

  test('--keep keeps the schema, says how to query it, and refuses one that is there already', async () => {
    const { setting: url } = await temporaryDatabase();
    const cwd = temporaryFolder();
    const args = ['demo', '--tasks', '1000', '--db', url, '--keep', 'kept'];
    const { code, stdout } = await runProgram(args, { cwd });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/The mirror is kept in .*, schema kept\./)]);
    const [, sql = ''] =
      /^ {2}TASKMIRROR_SCHEMA=kept npx taskmirror query --db URL "(.*)"$/m.exec(stdout) ?? [];
    const queried = await runProgram(['query', '--db', url, sql], {
      cwd,
      env: { TASKMIRROR_SCHEMA: 'kept' },
    });
    expect(queried).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') });

    expect(await runProgram(args, { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/--keep kept: .* has a schema of this name already/),
    });
    expect(await schemasIn(url)).toEqual(['kept']);
  });

  test('SIGINT in the middle: exit code 130, and nothing is left behind either', async () => {
    const { setting: url } = await temporaryDatabase();
    const program = startProgram(['demo', '--tasks', '20000', '--db', url], { cwd: temporaryFolder() });
    await program.line(/^\$ taskmirror sync/);
    expect(await schemasIn(url)).toHaveLength(1);
    program.kill('SIGINT');
    expect((await program.ended).code).toBe(130);
    expect(await schemasIn(url)).toEqual([]);
  });
});

describeWithOwnServer('the demo on a server that asks for a password', () => {
  test('finds it where every command does; a wrong one is exit code 10, and nothing is done', async () => {
    const { url: admin } = await ownServer({ access: ['host all locked 127.0.0.1/32 scram-sha-256'] });
    await execute(admin, `create role locked login password 'the-right-one'`);
    await execute(admin, 'grant create on database postgres to locked');
    const url = admin.replace('postgres@', 'locked@');
    const cwd = temporaryFolder();
    const withPassword = (PGPASSWORD: string) =>
      runProgram(['demo', '--tasks', '1000', '--db', url], { cwd, env: { PGPASSWORD } });

    const { code, stdout, stderr } = await withPassword('the-wrong-one');
    expect([code, stdout]).toEqual([10, '']);
    expect(stderr).toContain('password authentication failed');
    expect(stderr).not.toContain('the-wrong-one');
    expectTour(await withPassword('the-right-one'));
    expect(await schemasIn(admin)).toEqual([]);
  });
});
