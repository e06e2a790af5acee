import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { query } from '../../src/cli/commands/query/query.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import type { Format } from '../../src/render/rows.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { UsageError } from '../../src/model/errors.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openQueryable } from '../../src/store/sqlite/queryable.ts';
import { Captured } from '../support/captured.ts';
import { temporaryFolder } from '../support/mirror.ts';

let file: string;

beforeEach(async () => {
  file = join(temporaryFolder(), 'mirror.db');
  const db = await openDatabase(file, { create: true });
  db.exec(
    "insert into sources (name, base_url, registered_at) values ('ü,1', 'http://127.0.0.1', '2026-01-01')",
  );
  db.close();
});

interface Context extends Pick<CommandContext, 'io' | 'signal' | 'openForQuery'> {
  closed: number;
}

function contextFor(stdout: Captured, env: Record<string, string> = {}): Context {
  const context = {
    io: { stdout, stderr: new Captured(), env, cwd: '/' },
    signal: new AbortController().signal,
    closed: 0,
    openForQuery: async () => {
      const mirror = openQueryable(file);
      return {
        ...mirror,
        close: async () => {
          context.closed++;
          await mirror.close();
        },
      };
    },
  };
  return context;
}

it.each<[Format, string]>([
  ['table', 'name  watermark  n\n----  ---------  -\nü,1   NULL       1\n'],
  ['json', '[\n{"name":"ü,1","watermark":null,"n":1}\n]\n'],
  ['jsonl', '{"name":"ü,1","watermark":null,"n":1}\n'],
  ['csv', 'name,watermark,n\n"ü,1",,1\n'],
])('prints what a statement gives as %s', async (format, expected) => {
  const stdout = new Captured();
  const context = contextFor(stdout);
  expect(await query(context, 'select name, watermark, 1 as n from sources', { format })).toBe(EXIT.done);
  expect(stdout.text).toBe(expected);
  expect(context.closed).toBe(1);
});

async function usesEscapes(stdout: Captured, env: Record<string, string>): Promise<boolean> {
  await query(contextFor(stdout, env), 'select null', { format: 'table' });
  return stdout.text.includes('\u001b');
}

it('colours on a terminal only, and not if NO_COLOR is set', async () => {
  expect(await usesEscapes(new Captured(80), {})).toBe(true);
  expect(await usesEscapes(new Captured(80), { NO_COLOR: '1' })).toBe(false);
  expect(await usesEscapes(new Captured(), {})).toBe(false);
});

it('closes the mirror if the SQL is refused, or fails in the middle of its rows', async () => {
  for (const sql of ['delete from sources', "select json_extract('{', '$')"]) {
    const context = contextFor(new Captured());
    await expect(query(context, sql, { format: 'csv' })).rejects.toThrow(UsageError);
    expect(context.closed).toBe(1);
  }
});
