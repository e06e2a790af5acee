import { expect, onTestFinished, test } from 'vitest';
import type { Task } from '../../../src/model/task.ts';
import { searchFunctions } from '../../../src/store/postgres/search-objects.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import { changeOf, mirrorTask } from '../../contracts/mirror-store.ts';
import { A, B } from '../../contracts/mirror-store/kit.ts';
import { abortingAfter } from '../../support/abort.ts';
import { serverMirror } from '../../support/postgres/mirror.ts';
import { describeWithServer, execute, targetOf } from '../../support/postgres/server.ts';

const NEVER = new AbortController().signal;
/** More rows than one step of the build takes. */
const MANY = 4_100;

async function bench() {
  const mirror = await serverMirror();
  const store = await mirror.open();
  const ask = async <R extends object>(sql: string, values: unknown[] = []): Promise<R[]> =>
    execute<R>(mirror.url, sql.replaceAll('S.', `"${mirror.schema}".`), values);
  return { ...mirror, store, claim: await store.claim(A), ask };
}

const some = (count: number, from = 0): Task[] =>
  Array.from({ length: count }, (_, nth) =>
    mirrorTask(`t${String(from + nth).padStart(6, '0')}`, nth, {
      message: `Deploy number ${from + nth} to staging`,
    }),
  );

type Bench = Awaited<ReturnType<typeof bench>>;

/** The ids of all tasks whose indexed words are not those of their texts, or are missing, or are of no task. */
const wrong = async ({ ask }: Bench): Promise<object[]> =>
  ask(`select coalesce(t.id, w.task_id) as id from S.tasks t full join S.task_search w on w.task_id = t.id
    where w.words is distinct from S.task_words(t.message, t.system_prompt, t.error) order by 1`);

const builtThrough = async ({ ask }: Bench): Promise<string | null | undefined> =>
  (await ask<{ built_through: string | null }>('select built_through from S.search_state'))[0]?.built_through;

describeWithServer('what only readers of PostgreSQL need', () => {
  test('costs a first backfill nothing, and is all there after it', async () => {
    const mirror = await bench();
    await mirror.claim.commit(changeOf({ tasks: some(MANY) }));
    const names = async (): Promise<string[]> =>
      (
        await mirror.ask<{ name: string }>(
          `select c.relname as name from pg_class c join pg_index i on i.indexrelid = c.oid
        where relnamespace = $1::regnamespace and indisvalid and relname ~ '^(reader|task_search)' order by 1`,
          [`"${mirror.schema}"`],
        )
      ).map(({ name }) => name);
    expect(await names()).toEqual([]);
    await mirror.claim.prepareForReaders(NEVER);
    expect(await names()).toEqual([
      'reader_by_created_at',
      'reader_by_error_group',
      'reader_by_session',
      'reader_by_user',
      'reader_removed',
      'task_search_pkey',
      'task_search_words',
    ]);
    expect(await wrong(mirror)).toEqual([]);
    expect(await builtThrough(mirror)).toBeNull();
  });

  test('goes on where a signal stopped it, and is right after each step', async () => {
    const mirror = await bench();
    await mirror.claim.commit(changeOf({ tasks: some(MANY) }));
    // Five indexes, the empty search index, one step of its build.
    await mirror.claim.prepareForReaders(abortingAfter(7));
    expect(await builtThrough(mirror)).toBe('t001999');
    const [first] = some(1);
    if (first === undefined) throw new Error('no task');
    // Written while the index is built: one that it holds, one that it will come to, and new ones at both ends.
    const written = [
      { ...first, message: 'zebra crossing' },
      ...some(1, 4_000).map((task) => ({ ...task, error: 'zebra' })),
      mirrorTask('a', 0, { message: 'new' }),
      mirrorTask('z', 0, { message: 'new' }),
    ];
    await mirror.claim.commit(changeOf({ tasks: written }));
    const missing = (await wrong(mirror)).length;
    expect(missing).toBe(MANY - 2_000 - 1);
    await mirror.claim.prepareForReaders(NEVER);
    expect(await wrong(mirror)).toEqual([]);
  });

  test('follows every write of every source once it is there', async () => {
    const mirror = await bench();
    await mirror.claim.commit(changeOf({ tasks: some(3) }));
    await mirror.claim.prepareForReaders(NEVER);
    const other = await mirror.store.claim(B);
    await other.commit(
      changeOf({ tasks: [mirrorTask('b', 0, { message: 'of another', systemPrompt: 'be kind' })] }),
    );
    await mirror.claim.commit(
      changeOf({ tasks: some(2).map((task) => ({ ...task, error: 'failed badly' })) }),
    );
    await mirror.claim.remove(['t000002']);
    expect(await wrong(mirror)).toEqual([]);
    const found = await mirror.ask(
      `select task_id from S.task_search where words @@ 'badly' or words @@ 'kind' order by 1`,
    );
    expect(found).toEqual([{ task_id: 'b' }, { task_id: 't000000' }, { task_id: 't000001' }]);
  });

  test('takes texts of any length and of any language', async () => {
    const mirror = await bench();
    await mirror.claim.prepareForReaders(NEVER);
    const texts = [
      'x'.repeat(3_000_000),
      Array.from({ length: 400_000 }, (_, nth) => nth.toString(36)).join(' '),
      Array.from({ length: 200_000 }, (_, nth) =>
        String.fromCodePoint(0xac00 + (nth % 11_172), 0xac00 + (nth % 7_919)),
      ).join(' '),
      Array.from({ length: 200_000 }, (_, nth) => String.fromCodePoint(0x20000 + (nth % 40_000))).join(' '),
      'e\u0301'.repeat(500_000),
      '\0'.repeat(1_000),
    ];
    const tasks = texts.map((text, nth) =>
      mirrorTask(`t${nth}`, 0, { message: text, error: text, systemPrompt: text }),
    );
    for (const task of tasks) {
      expect(await mirror.claim.commit(changeOf({ tasks: [task] }))).toMatchObject({
        inserted: 1,
        setAside: [],
      });
    }
    expect(await wrong(mirror)).toEqual([]);
  });

  test('never fails a commit for the length of a name, nor is it failed by one', async () => {
    const mirror = await bench();
    const long = (nth: number): Partial<Task> => ({
      username: `${nth}${noise(4_000)}`,
      sessionId: `${nth}${noise(4_000)}`,
      conversationId: noise(4_000),
      apiKeyId: noise(4_000),
      status: 'failed',
      error: '\u2400\u241b失'.repeat(100),
    });
    const id = (nth: number): string => `${nth}${noise(900)}`;
    const before = [1, 2].map((nth) => mirrorTask(id(nth), 0, long(nth)));
    await mirror.claim.commit(changeOf({ tasks: before }));
    await mirror.claim.prepareForReaders(NEVER);
    const after = [3, 4].map((nth) => mirrorTask(id(nth), 0, long(nth)));
    expect(await mirror.claim.commit(changeOf({ tasks: after }))).toMatchObject({
      inserted: 2,
      setAside: [],
    });
    expect(await mirror.claim.tasks(after.map((task) => task.id))).toEqual(after);
    const status = mirrorTask('s', 0, { status: noise(300) });
    expect(await mirror.claim.commit(changeOf({ tasks: [status, mirrorTask('good')] }))).toMatchObject({
      inserted: 1,
      setAside: [{ id: 's', reason: 'status: longer than 200 bytes, the most that the database can index' }],
    });
  });

  test('is gone without a trace once it is not wanted', async () => {
    const mirror = await bench();
    await mirror.claim.commit(changeOf({ tasks: some(3) }));
    await mirror.claim.prepareForReaders(NEVER);
    await mirror.claim.release();
    const { clock, url, schema } = mirror;
    const options = { create: false, clock, omit: new Set<never>(), searchIndex: false };
    const without = await openPostgresStore(targetOf(url, { schema }), options);
    onTestFinished(() => without.close());
    const claim = await without.claim(A);
    await claim.prepareForReaders(NEVER);
    const left = await mirror.ask(
      `select proname::text as name from pg_proc where pronamespace = $1::regnamespace
      union all select relname::text from pg_class where relnamespace = $1::regnamespace and relname like 'task\\_search%'
      union all select tgname::text from pg_trigger where tgrelid = 'S.tasks'::regclass and not tgisinternal`,
      [`"${mirror.schema}"`],
    );
    expect(left).toEqual([]);
    expect(await claim.commit(changeOf({ tasks: some(2, 3) }))).toMatchObject({ inserted: 2 });
  });

  test('folds English words alone on a server that knows the letters of no other language', async () => {
    const mirror = await bench();
    for (const statement of searchFunctions(`"${mirror.schema}".`, null)) await mirror.ask(statement);
    const [row] = await mirror.ask(`select S.task_fold('Zürich: ÉCOLE, 東京-ABC') as folded`);
    expect(row).toEqual({ folded: 'zurich ecole 東京 abc' });
  });

  test('does not depend on the search_path of who writes', async () => {
    const mirror = await bench();
    await mirror.claim.commit(changeOf({ tasks: some(1) }));
    await mirror.claim.prepareForReaders(NEVER);
    await mirror.ask(`create function S.lower(text) returns text language sql as $$ select 'hijacked' $$`);
    await mirror.ask(
      `create function S.left(text, int) returns text language sql as $$ select 'hijacked' $$`,
    );
    await execute(
      mirror.url,
      `set search_path = "${mirror.schema}", pg_catalog; update tasks set message = 'ÜBER'; reset search_path`,
    );
    expect(await mirror.ask('select words::text from S.task_search')).toEqual([{ words: `'uber':1A` }]);
  });
});

/** Text that no compression makes short. */
function noise(length: number): string {
  let text = '';
  for (let seed = 1; text.length < length; seed = (seed * 48_271) % 2_147_483_647) text += seed.toString(36);
  return text.slice(0, length);
}
