import { createBodyParser } from '../../src/source/http/wire.ts';
import type { ListPage, TaskSource } from '../../src/source/source.ts';
import type { SimulatedList } from '../../src/source/simulated/list.ts';
import { detailOf } from '../../src/source/simulated/answers.ts';

export interface MemorySource extends TaskSource {
  /** Offsets of the list requests so far, in order. */
  readonly lists: number[];
  /** Ids of the GET requests so far, in order. */
  readonly gets: string[];
}

/** A list request; `count`: its number, from 1. */
export interface ListRequest {
  offset: number;
  limit: number;
  count: number;
}

export interface MemoryOptions {
  maxLimit?: number;
  /** Called before each list request is answered, to move the list or to throw. */
  beforeList?: (request: ListRequest) => void | Promise<void>;
  /** May change an answer of the list. */
  answer?: (page: ListPage, request: ListRequest) => ListPage;
  /** Returns the copy of the list that answers a request: a replica may lag behind. */
  copyFor?: (request: ListRequest) => SimulatedList;
  /** The copy that answers GETs. */
  details?: SimulatedList;
}

/** Creates a TaskSource over a list in memory, with the real parsing of its answers. */
export function memorySource(list: SimulatedList, options: MemoryOptions = {}): MemorySource {
  const parser = createBodyParser(new Set());
  const lists: number[] = [];
  const gets: string[] = [];
  return {
    lists,
    gets,
    async list({ offset, limit }, { signal, onRequest }) {
      signal.throwIfAborted();
      onRequest?.();
      lists.push(offset);
      const request = { offset, limit, count: lists.length };
      await options.beforeList?.(request);
      signal.throwIfAborted();
      const copy = options.copyFor?.(request) ?? list;
      const answer = copy.page({ offset, limit, maxLimit: options.maxLimit ?? 100 });
      const page = { ...parser.list(JSON.stringify({ success: true, ...answer })), servedAt: null };
      return options.answer?.(page, request) ?? page;
    },
    async get(id, { signal, onRequest }) {
      signal.throwIfAborted();
      onRequest?.();
      gets.push(id);
      const task = (options.details ?? list).find(id);
      return task === undefined
        ? null
        : parser.detail(JSON.stringify({ success: true, data: detailOf(task) }));
    },
  };
}
