import { beforeEach, describe, expect, test } from 'vitest';
import { changes, type ChangesFlags } from '../../src/cli/commands/changes.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { openFeed } from '../../src/store/sqlite/feed.ts';
import { changeOf, mirrorTask } from '../contracts/mirror-store.ts';
import { at } from '../support/tasks.ts';
import { toldBy } from '../support/told.ts';
import { askedMirror, type AskedMirror } from './asked-mirror.ts';

const EVIL = 'evil\u001b[2J\u202e';

let mirror: AskedMirror;
let first: string;
let second: string;

beforeEach(async () => {
  mirror = await askedMirror();
  first = at(mirror.clock.now());
  const [x, y] = [mirrorTask('x', 0, { status: 'running' }), mirrorTask('y')];
  await mirror.claim.commit(changeOf({ tasks: [x, y] }));
  mirror.clock.advance(60_000);
  second = at(mirror.clock.now());
  await mirror.claim.commit(changeOf({ tasks: [{ ...x, status: 'failed', error: EVIL, messageCount: 7 }] }));
});

async function printed(flags: Partial<ChangesFlags> = {}, columns?: number) {
  const { signal, ...context } = mirror.contextFor(columns);
  const open = async () => openFeed(mirror.file, mirror.clock);
  const code = await changes({ ...context, signal, openFeed: open }, { format: 'jsonl', ...flags });
  expect(code).toBe(EXIT.done);
  return context.stdout;
}

interface Line {
  seq: number;
  changes: { field: string }[];
  task: Record<string, unknown>;
}

async function lines(flags: Partial<ChangesFlags>): Promise<Line[]> {
  return (await printed(flags)).lines.map((line) => JSON.parse(line) as Line);
}

const seqs = async (flags: Partial<ChangesFlags>): Promise<number[]> =>
  (await lines(flags)).map(({ seq }) => seq);

describe('changes', () => {
  test('are JSON lines: the row as it is now, and every field that changed', async () => {
    const [y, x, ...others] = await lines({});
    expect(others).toEqual([]);
    expect(y).toMatchObject({ seq: 2, source: 'default', task_id: 'y', event: 'added', changes: [] });
    expect(Object.keys(x ?? {})).toEqual([
      'seq',
      'source',
      'task_id',
      'event',
      'observed_at',
      'changes',
      'task',
    ]);
    expect(x).toMatchObject({ seq: 3, task_id: 'x', event: 'added', observed_at: second });
    const line = (field: string, old_value: string | null, new_value: string) => ({
      field,
      old_value,
      new_value,
      observed_at: second,
    });
    expect(x?.changes).toEqual([
      line('status', 'running', 'failed'),
      line('error', null, EVIL),
      line('message_count', '2', '7'),
    ]);
    expect(x?.task).toMatchObject({
      id: 'x',
      first_seen_at: first,
      show_in_history: 1,
      seq: 3,
      added_seq: 1,
    });
  });

  test('begin after a number, and are as many, and of the status and source, that were asked for', async () => {
    expect(await seqs({ since: 'start' })).toEqual([2, 3]);
    expect(await seqs({ since: '0' })).toEqual([2, 3]);
    expect(await seqs({ since: '2' })).toEqual([3]);
    expect(await seqs({ since: '3' })).toEqual([]);
    expect(await seqs({ since: 'now' })).toEqual([]);
    expect(await seqs({ limit: '1' })).toEqual([2]);
    expect(await seqs({ status: 'failed' })).toEqual([3]);
    expect(await seqs({ source: ['default', 'other'] })).toEqual([2, 3]);
    expect(await seqs({ source: ['other'] })).toEqual([]);
  });

  test('as CSV have the same columns, the last two as JSON', async () => {
    const [head, row, ...others] = (await printed({ format: 'csv', since: '2' })).lines;
    expect(others).toEqual([]);
    expect(head).toBe('seq,source,task_id,event,observed_at,changes,task');
    expect(row).toMatch(new RegExp(`^3,default,x,changed,${second},"\\[\\{""field"":""status"",`));
  });

  test('as a table say in words what changed', async () => {
    const [head, rule, y, x] = (await printed({ format: 'table' })).lines;
    expect(head?.trim()).toMatch(/^seq +observed_at +event +source +task_id +status +changes$/);
    expect(rule).toMatch(/^[- ]+$/);
    expect(y?.trim()).toMatch(/^2 .* added .* y +completed$/);
    expect(x).toContain(
      'status: running → failed, error: null → evil\\u001b[2J\\u202e, message_count: 2 → 7',
    );
  });

  test('as a table in a narrow terminal have a line each, with the beginning of the id', async () => {
    const long = mirrorTask('0c5e1f0e-6a55-4a3b-9a0e-0d2c0b6f3a53', 0, { status: 'awaiting_approval' });
    await mirror.claim.commit(changeOf({ tasks: [long] }));
    const { lines: drawn } = await printed({ format: 'table' }, 80);
    expect(drawn.map((line) => line.length)).toEqual(Array(7).fill(80));
    expect(drawn[1]).toMatch(/^│ +seq │ event +│ task_id +│ status +│ changes +│$/);
    expect(drawn[4]).toMatch(/^│ +3 │ added +│ x +│ failed +│ status: running → faile… │$/);
    expect(drawn[5]).toMatch(/^│ +4 │ added +│ 0c5e1f0e │ awaiting_approval │ +│$/);
  });

  test('show a terminal no character that it would act on', async () => {
    for (const format of ['jsonl', 'table', 'csv'] as const) {
      const { text } = await printed({ format }, 200);
      expect(text).toContain('evil\\u001b[2J');
      expect(text).not.toContain('\u001b[2J');
      expect(text).not.toContain('\u202e');
    }
  });

  test.each([
    [{ since: 'yesterday' }, /--since "yesterday" is no number of a change/],
    [{ since: '-1' }, /--since "-1"/],
    [{ since: '99999999999999999999' }, /--since/],
    [{ limit: '0' }, /--limit takes a whole number from 1/],
    [{ since: '4' }, /no change 4 yet: its last one is 3/],
  ])('refuse %o', async (flags, message) => {
    const failure = await toldBy(printed(flags));
    expect(failure).toMatchObject({ exitCode: EXIT.usage, message: expect.stringMatching(message) });
  });
});
