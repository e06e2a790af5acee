import { describe, expect, test } from 'vitest';
import { commandsWithHelp } from '../../scripts/docs/cli.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { readRows } from '../support/mirror.ts';
import { syncBench } from '../support/sync.ts';
import { hasWord, readPages } from './page.ts';

describe('a plain text search over all pages', () => {
  const texts = readPages().map(({ text }) => text);

  test('finds every flag', () => {
    const flags = commandsWithHelp().flatMap(({ command }) => command.options.map(({ long }) => long ?? ''));
    expect(flags.filter((flag) => !texts.some((text) => hasWord(text, flag)))).toEqual([]);
  });

  test('finds every exit code as "exit code N"', () => {
    const codes = Object.values(EXIT);
    expect(codes.filter((code) => !texts.some((text) => hasWord(text, `exit code ${code}`)))).toEqual([]);
  });

  test('finds every column of every table and view', async () => {
    const { file } = await syncBench();
    const names = readRows<{ name: string }>(
      file,
      `select distinct c.name from pragma_table_list t join pragma_table_info(t.name) c
       where t.schema = 'main' and t.name not like 'sqlite~_%' escape '~' and t.name not like 'kysely~_%' escape '~'`,
    );
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter(({ name }) => !texts.some((text) => hasWord(text, name)))).toEqual([]);
  });
});
