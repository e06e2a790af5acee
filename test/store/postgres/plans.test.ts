import { expect, test } from 'vitest';
import { commitSql } from '../../../src/store/postgres/commit-sql.ts';
import { IncomingTasks } from '../../../src/store/postgres/incoming.ts';
import { knownSql } from '../../../src/store/postgres/known.ts';
import { prefixOf } from '../../../src/store/postgres/names.ts';
import { changeOf, mirrorTask, NEVER, rejectedRow } from '../../contracts/mirror-store/kit.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute } from '../../support/postgres/server.ts';

/** Above this cost PostgreSQL compiles a statement (jit_above_cost), which takes much longer than a commit. */
const COMPILED_ABOVE = 100_000;

describeWithServer('PostgreSQL plans a commit', () => {
  test.each([
    ['of a fresh mirror', false],
    ['of a mirror with statistics', true],
  ])('%s without compiling it', async (_what, hasStatistics) => {
    const { open, url, schema } = await serverMirror();
    const claim = await (await open()).claim({ name: 'a', baseUrl: 'https://a.example' });
    const tasks = Array.from({ length: 2_000 }, (_, n) => mirrorTask(`task ${n}`));
    await claim.commit(changeOf({ tasks }));
    if (hasStatistics) await claim.prepareForReaders(NEVER);
    const lease = ['a', 'token', 0, 1];
    const statements: [string, unknown[]][] = [
      [
        commitSql(prefixOf(schema)),
        ['2026-01-01T00:00:00Z', '[]', '{}', [], true, [], ...new IncomingTasks(new Set()).values()],
      ],
      [knownSql(prefixOf(schema)), ['[]', '[]', '{}', []]],
    ];
    for (const [sql, values] of statements) {
      const [plan] = await execute<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
        url,
        `explain (format json) ${sql}`,
        [...lease, ...values],
      );
      expect(plan?.['QUERY PLAN'][0].Plan['Total Cost']).toBeLessThan(COMPILED_ABOVE / 5);
    }
  });

  test.each([
    ['of a fresh mirror', false],
    ['of a mirror with statistics', true],
  ])(
    '%s so that known tasks are found by their ids, and digests made of these alone',
    async (_what, hasStatistics) => {
      const { open, url, schema } = await serverMirror();
      const claim = await (await open()).claim({ name: 'a', baseUrl: 'https://a.example' });
      const tasks = Array.from({ length: 3_000 }, (_, n) => mirrorTask(`task ${n}`));
      const rejected = Array.from({ length: 1_000 }, (_, n) => rejectedRow(`bad ${n}`));
      await claim.commit(changeOf({ tasks, rejected }));
      if (hasStatistics) await execute(url, `analyze "${schema}".tasks, "${schema}".rejected_rows`);
      const plan = await execute<{ 'QUERY PLAN': string }>(url, `explain ${knownSql(prefixOf(schema))}`, [
        'a',
        'token',
        0,
        1,
        '[]',
        '[]',
        '{}',
        [],
      ]);
      const lines = plan.map((line) => line['QUERY PLAN']);
      expect(lines.filter((line) => line.includes('using tasks_pkey'))).toHaveLength(1);
      expect(lines.filter((line) => /Anti Join|(?:Hash|Join) .*sha256|Scan on tasks /.test(line))).toEqual(
        [],
      );
    },
  );
});
