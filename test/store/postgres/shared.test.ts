import { expect, onTestFinished, test } from 'vitest';
import type { Task } from '../../../src/model/task.ts';
import { createRandom, type Random } from '../../../src/source/simulated/random.ts';
import { openPostgresStore } from '../../../src/store/postgres/store.ts';
import type { MirrorClaim } from '../../../src/store/store.ts';
import { changeOf, mirrorTask, NEVER } from '../../contracts/mirror-store/kit.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { astrayRole } from '../../support/postgres/roles.ts';
import { describeWithServer, execute, targetOf, temporarySchema } from '../../support/postgres/server.ts';
import { EPOCH } from '../../support/tasks.ts';

const IDS = Array.from({ length: 150 }, (_, i) => `t${String(i).padStart(3, '0')}`);
const ROUNDS = 10;

/** Tasks that move, and what each source shows of them. */
class World {
  readonly versions = new Map(IDS.map((id) => [id, 0]));
  readonly shown = new Map<string, Set<string>>();
  readonly #random: Random;

  constructor(sources: readonly string[], random: Random) {
    this.#random = random;
    for (const source of sources) this.shown.set(source, new Set(IDS.filter(() => random.int(0, 9) < 6)));
  }

  /** Changes some tasks, and what the source shows; returns the ids that it shows no more. */
  move(source: string): string[] {
    const shown = this.shownBy(source);
    for (let i = 0; i < 20; i += 1) {
      const id = this.#random.pick(IDS);
      this.versions.set(id, (this.versions.get(id) ?? 0) + 1);
    }
    const hidden = [...shown].filter(() => this.#random.int(0, 19) === 0);
    for (const id of hidden) shown.delete(id);
    for (const id of IDS) if (this.#random.int(0, 29) === 0 && !hidden.includes(id)) shown.add(id);
    return hidden;
  }

  shownBy(source: string): Set<string> {
    return this.shown.get(source) ?? new Set();
  }

  /** The tasks as they are now, in any order. */
  tasks(ids: Iterable<string>): Task[] {
    const message = (id: string): string => `version ${this.versions.get(id)}`;
    return this.#random.shuffle([...ids]).map((id) => mirrorTask(id, 0, { message: message(id) }));
  }
}

/** One source's process: commits, removals, and now and then what retention asks for. */
async function live(world: World, source: string, claim: MirrorClaim): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const hidden = world.move(source);
    const ledger = { watermark: EPOCH + round, gaps: [] };
    await claim.commit(changeOf({ tasks: world.tasks(world.shownBy(source)), ledger }));
    await claim.remove(hidden);
    if (round % 5 === 0) await claim.prune({ changesSince: null, removedSince: EPOCH + 1 }, NEVER);
  }
}

interface Found {
  id: string;
  message: string;
  live: boolean;
  by: string[];
  journal: { old_value: string | null; new_value: string | null }[] | null;
}

const look = (url: string, schema: string): Promise<Found[]> =>
  execute<Found>(
    url,
    `select id, message, removed_at is null as live, array(
      select t.source union all select a.source from "${schema}".also_shown a where a.task_id = t.id
    ) as by, (
      select json_agg(c order by change_no) from "${schema}".task_changes c
      where c.task_id = t.id and field = 'message'
    ) as journal from "${schema}".tasks t order by id`,
  );

/** Returns where the lines of a task's journal do not follow one another up to what the row holds. */
function brokenJournals(rows: readonly Found[]): string[] {
  return rows
    .filter(({ message, journal }) => {
      const lines = journal ?? [];
      const links = lines.slice(1).every(({ old_value }, at) => old_value === lines[at]?.new_value);
      return !links || (lines.at(-1)?.new_value ?? message) !== message;
    })
    .map(({ id }) => id);
}

/** Who shows each live task. */
const showing = (rows: readonly Found[]): Map<string, Set<string>> =>
  new Map(rows.filter(({ live: isLive }) => isLive).map(({ id, by }) => [id, new Set(by)]));

/** Lets sources live at the same time, each with connections of its own, and returns what is left. */
async function atOnce(url: string, schema: string, { sources, seed }: { sources: number; seed: number }) {
  const names = Array.from({ length: sources }, (_, i) => `s${i}`);
  const world = new World(names, createRandom(seed));
  const clock = createFakeClock(EPOCH);
  const claims = await Promise.all(
    names.map(async (name) => {
      const options = { create: true, clock, omit: new Set<never>() };
      const store = await openPostgresStore(targetOf(url, { schema }), options);
      onTestFinished(() => store.close());
      return { name, claim: await store.claim({ name, baseUrl: 'https://a.example' }) };
    }),
  );
  await Promise.all(claims.map(({ name, claim }) => live(world, name, claim)));
  const rows = await look(url, schema);
  const ledgers = await Promise.all(claims.map(async ({ claim }) => (await claim.state()).ledger));
  const show = ({ name, claim }: (typeof claims)[number]) =>
    claim.commit(changeOf({ tasks: world.tasks(world.shownBy(name)) }));
  await Promise.all(claims.map(show));
  const old = (await look(url, schema)).filter(
    ({ id, message, live: isLive }) => isLive && message !== `version ${world.versions.get(id)}`,
  );
  const shownBy = (id: string): Set<string> => new Set(names.filter((name) => world.shownBy(name).has(id)));
  const expected = new Map(IDS.map((id) => [id, shownBy(id)] as const).filter(([, by]) => by.size > 0));
  return { rows, ledgers, old, expected };
}

describeWithServer('sources that show the same tasks and write at once', () => {
  test.each([
    { sources: 2, seed: 1, isAstray: false },
    { sources: 3, seed: 2, isAstray: false },
    { sources: 6, seed: 3, isAstray: false },
    { sources: 6, seed: 4, isAstray: false },
    // Each transaction is serializable, in another place of the world.
    { sources: 4, seed: 5, isAstray: true },
  ])('lose no row, no share and no line of the journal: $sources, seed $seed', async (how) => {
    const { url, schema } = temporarySchema();
    const { rows, ledgers, old, expected } = await atOnce(
      how.isAstray ? await astrayRole(url) : url,
      schema,
      how,
    );
    expect(showing(rows)).toEqual(expected);
    expect(brokenJournals(rows)).toEqual([]);
    expect(ledgers).toEqual(
      Array.from({ length: how.sources }, () => ({ watermark: EPOCH + ROUNDS, gaps: [] })),
    );
    expect(old).toEqual([]);
  });
});
