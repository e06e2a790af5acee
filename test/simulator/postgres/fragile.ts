import { DatabaseError } from '../../../src/model/errors.ts';
import type { Random } from '../../../src/source/simulated/random.ts';
import type { Database } from '../../../src/store/postgres/connection.ts';

/** Most writes between two that are cut off. */
const RARELY = 60;

/** A database whose connection breaks under some writes: before the server has them, or before its answer comes. */
export interface Fragile {
  db: Database;
  /** Whether some write was cut off since the last call of `spoil`. */
  readonly wasCut: boolean;
  /** Decides which of the following writes are cut off; null: none. */
  spoil(random: Random | null): void;
}

/** Wraps a database, which `end` of the wrapper leaves open. */
export function createFragile(whole: Database): Fragile {
  let random: Random | null = null;
  let left = Infinity;
  let wasCut = false;

  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    left -= 1;
    if (random === null || left > 0) return work();
    left = random.int(1, RARELY);
    wasCut = true;
    if (random.int(0, 1) === 1) await work();
    throw new DatabaseError('connection_lost', { server: whole.name }, 'simulated: the connection is cut');
  };

  return {
    db: {
      ...whole,
      query: (text, ...rest) =>
        text.startsWith('with lease as')
          ? write(() => whole.query<never>(text, ...rest))
          : whole.query(text, ...rest),
      transaction: (work) => write(() => whole.transaction(work)),
      end: async () => {},
    },
    get wasCut() {
      return wasCut;
    },
    spoil(by) {
      random = by;
      left = by === null ? Infinity : by.int(1, RARELY);
      wasCut &&= by === null;
    },
  };
}
