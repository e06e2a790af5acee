import type { Client } from 'pg';
import type { Clock } from '../../model/clock.ts';
import type { Feed, FeedQuestion, TaskChange } from '../feed.ts';
import { CHARACTERS_A_PAGE, TASKS_A_PAGE, taskChangeOf } from '../sql/task-change.ts';
import { openConnection } from './client.ts';
import { connect, type Database, type Query } from './connection.ts';
import { explain } from './failure.ts';
import { linesOf, type PageRow, pageSql, taskOf } from './feed-sql.ts';
import { assertVersion, versionOf } from './identity.ts';
import { Listener } from './listener.ts';
import { prefixOf } from './names.ts';
import { encodeNul } from './nul.ts';
import { CHANNEL } from './numbered.ts';
import type { PostgresTarget } from './target.ts';

/** Time in ms between two looks at the counter, and once it is proven that commits are told. */
const LOOK_MS = 500;
const LOOK_WHEN_TOLD_MS = 30_000;

/** One snapshot for all pages. If this host should vanish, the server must not keep old rows for ever. */
const BEGIN = `begin isolation level repeatable read read only;
  set local idle_in_transaction_session_timeout = '30min'`;

/** Opens the changes of a mirror, as a role that may not write. Throws DatabaseError. */
export async function openFeed(target: PostgresTarget, clock: Clock): Promise<Feed> {
  const db = connect(target, { max: 1 });
  try {
    assertVersion(db, target.schema, await versionOf(db, target.schema));
    const feed = new PostgresFeed(db, target, clock);
    await feed.head();
    return feed;
  } catch (error) {
    await db.end();
    throw error;
  }
}

class PostgresFeed implements Feed {
  readonly #db: Database;
  readonly #target: PostgresTarget;
  readonly #clock: Clock;
  readonly #s: string;
  readonly #listener: Listener;
  /** The connections of readings that have not ended. */
  readonly #reading = new Set<Client>();
  /** Ends the pause between two looks. */
  #wake: AbortController | null = null;

  constructor(db: Database, target: PostgresTarget, clock: Clock) {
    this.#db = db;
    this.#target = target;
    this.#clock = clock;
    this.#s = prefixOf(target.schema);
    this.#listener = new Listener(target, clock, () => this.#wake?.abort());
  }

  async head(): Promise<number> {
    const [row] = await this.#db.query<{ seq: number }>(`select seq from ${this.#s}feed_state`);
    return row?.seq ?? 0;
  }

  async read(question: FeedQuestion): Promise<TaskChange[]> {
    return (await this.#page(this.#db.query, question)).changes;
  }

  async *pages(question: FeedQuestion): AsyncGenerator<TaskChange[], void> {
    // Most readings are of one page, which needs no transaction.
    const { changes, isLast } = await this.#page(this.#db.query, question);
    if (!isLast) yield* this.#pagesOfOneMoment(question);
    else if (changes.length > 0) yield changes;
  }

  async changed(seq: number, signal: AbortSignal): Promise<void> {
    for (let isOverslept = false; !signal.aborted;) {
      const wake = (this.#wake = new AbortController());
      if ((await this.head()) !== seq) {
        if (isOverslept) this.#listener.doubt();
        return;
      }
      this.#listener.begin(() => void this.#tellOurselves());
      const isTold = this.#listener.isProven;
      const stop = AbortSignal.any([signal, wake.signal]);
      const isWhole = await this.#pause(isTold ? LOOK_WHEN_TOLD_MS : LOOK_MS, stop);
      isOverslept = isTold && isWhole;
    }
  }

  async close(): Promise<void> {
    this.#wake?.abort();
    const reading = [...this.#reading].map((client) => client.end());
    await Promise.all([...reading, this.#listener.close(), this.#db.end()]);
  }

  async #page(query: Query, question: FeedQuestion): Promise<{ changes: TaskChange[]; isLast: boolean }> {
    const { since, after = since, limit, status, sources = [] } = question;
    const asked = Math.min(limit, TASKS_A_PAGE);
    const wanted = [
      status === undefined ? null : encodeNul(status),
      sources.length === 0 ? null : sources.map(encodeNul),
    ];
    const rows = await query<PageRow>(pageSql(this.#s), [since, after, asked, ...wanted, CHARACTERS_A_PAGE]);
    const [first] = rows;
    if (first === undefined) throw new Error('The mirror has lost its counter of changes.');
    const changes = rows
      .filter(({ id }) => id !== null)
      .map((row) => taskChangeOf(taskOf(row), linesOf(row), since));
    return { changes, isLast: changes.length === first.met && (first.met < asked || asked === limit) };
  }

  async *#pagesOfOneMoment(question: FeedQuestion): AsyncGenerator<TaskChange[], void> {
    const { client, name } = await openConnection(this.#target);
    this.#reading.add(client);
    const query: Query = async <R>(text: string, values: readonly unknown[] = []) => {
      try {
        return (await client.query({ text, values: [...values] })).rows as R[];
      } catch (error) {
        throw explain(error, name);
      }
    };
    try {
      await query(BEGIN);
      let { after = question.since, limit } = question;
      for (let isEnd = false; !isEnd;) {
        const { changes, isLast } = await this.#page(query, { ...question, after, limit });
        after = changes.at(-1)?.seq ?? after;
        limit -= changes.length;
        isEnd = isLast;
        if (changes.length > 0) yield changes;
      }
    } finally {
      this.#reading.delete(client);
      await client.end();
    }
  }

  /** Tells what a commit would tell, through another connection: a pooler may swallow it. */
  async #tellOurselves(): Promise<void> {
    await this.#db.query('select pg_notify($1, $2)', [CHANNEL, this.#target.schema]).catch(() => {});
  }

  /** Returns whether it took all of its time. */
  async #pause(ms: number, stop: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(ms, stop);
      return true;
    } catch (error) {
      if (!stop.aborted) throw error;
      return false;
    }
  }
}
