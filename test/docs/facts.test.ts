import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { commandsWithHelp } from '../../scripts/docs/cli.ts';
import { ROOT } from '../../scripts/docs/pages.ts';
import { settingLeaves } from '../../src/config/leaves.ts';
import { loadSettings } from '../../src/config/load.ts';
import { EXIT, EXIT_OF_ERROR } from '../../src/cli/exit.ts';
import { codeIn, hasWord, pageOf, readPages, tableIn, type Page } from './page.ts';

let pages: Page[];
beforeAll(() => {
  pages = readPages();
});

describe('commands and flags', () => {
  test('are all explained outside of the generated reference', () => {
    const prose = pages
      .filter(({ name }) => name !== 'docs/cli.md')
      .map(({ text }) => text.replace(/<!-- commands: .*<!-- commands: end -->/s, ''))
      .join('\n');
    const commands = commandsWithHelp();
    const names = commands.filter(({ command }) => command.commands.length === 0).map(({ name }) => name);
    const flags = commands.flatMap(({ command }) => command.options.map(({ long }) => long ?? ''));
    expect(names).toContain('taskmirror config show');
    expect(flags).toContain('--db');
    expect([...names, ...flags].filter((word) => !hasWord(prose, word))).toEqual([]);
  });
});

describe('docs/exit-codes.md', () => {
  test('lists all exit codes and no others', () => {
    const [text = ''] = pageOf(pages, 'exit-codes').text.split('## Error codes');
    const codes = tableIn(text).map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
  });

  test('lists all error codes and no others, each with its exit code', () => {
    const rows = tableIn(pageOf(pages, 'exit-codes').section('Error codes'));
    expect(rows.map(([code, exit]) => [codeIn(code)[0], Number(exit)])).toEqual(
      Object.entries(EXIT_OF_ERROR),
    );
  });

  test('names the class of each error code', () => {
    const facts = readFileSync(join(ROOT, 'src/model/error-facts.ts'), 'utf8');
    const errors = readFileSync(join(ROOT, 'src/model/errors.ts'), 'utf8');
    const classOf = (code: string): string | undefined => {
      const [before = ''] = facts.split(`\n  ${code}: `);
      const group = [...before.matchAll(/^export interface (\w+Facts) \{/gm)].at(-1)?.[1] ?? '';
      return group === 'InterruptionFacts'
        ? 'InterruptedError'
        : new RegExp(`^export class (\\w+)[^{]*?keyof ${group}\\b`, 'm').exec(errors)?.[1];
    };
    const rows = tableIn(pageOf(pages, 'exit-codes').section('Error codes'));
    const documented = rows.map(([code, , name]) => [codeIn(code)[0], codeIn(name)[0]]);
    expect(documented).toEqual(documented.map(([code = '']) => [code, classOf(code)]));
  });
});

describe('docs/configuration.md', () => {
  test('lists the settings that the program knows, each with its variable and its default', async () => {
    const { settings } = await loadSettings({ env: {}, cwd: ROOT, flags: {} });
    const documented = new Map(
      tableIn(pageOf(pages, 'configuration').section('All settings')).map(([names, , standard]) => {
        const [name = '', variable] = codeIn(names);
        return [name, { variable, standard: codeIn(standard)[0] }];
      }),
    );
    const known = settingLeaves().map(({ path, variable }) => {
      const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], settings);
      // Paths are absolute by now.
      const standard = JSON.stringify(value).replace(`"${ROOT}/`, '"./');
      return [path.join('.'), { variable, standard }] as const;
    });
    const ofHooks = [
      'name',
      'events',
      'url',
      'secret',
      'command',
      'format',
      'afterSeconds',
      'maxPerRun',
      'sources',
    ];
    const alone = [
      '$schema',
      ...['name', 'baseUrl', 'apiKey'].map((name) => `sources[].${name}`),
      ...ofHooks.map((name) => `hooks[].${name}`),
    ];
    expect(documented.keys()).toContain(alone[1]);
    for (const name of alone) documented.delete(name);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known));
  });
});

describe('docs/troubleshooting.md', () => {
  test('quotes only messages that the program can print', () => {
    const quoted = messagesIn(pageOf(pages, 'troubleshooting'));
    expect(quoted.length).toBeGreaterThan(30);
    const sources = ['bin/taskmirror.js', 'scripts/prepare.js', ...typescriptIn('src')]
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n')
      .replaceAll("\\'", "'");
    // An ellipsis stands for what differs from case to case.
    const parts = quoted.flatMap((message) => message.split('…').map((part) => part.trim()));
    expect(parts.filter((part) => !sources.includes(part))).toEqual([]);
  });
});

/** The messages that a page quotes: the first cell of each row under "Message". */
function messagesIn(page: Page): string[] {
  return [...page.text.matchAll(/^\| Message .*\n\|[ :|-]+\n((?:\|.*\n)+)/gm)].flatMap(([, rows = '']) =>
    rows
      .trim()
      .split('\n')
      .flatMap((row) => codeIn(row.split('|')[1])),
  );
}

function typescriptIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}
