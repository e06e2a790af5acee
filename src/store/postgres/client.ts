import { Client, type ClientConfig, type CustomTypesConfig } from 'pg';
import { explain } from './failure.ts';
import { TYPES } from './parsers.ts';
import { destinationOf, type PostgresTarget } from './target.ts';

declare module 'pg' {
  interface ClientBase {
    /** What the driver begins a connection with. It has no types, but has been there since version 2. */
    getStartupConf(): Record<string, string>;
  }
}

/**
 * Settings of a session that roles, databases and the environment can change, and that the answers depend on.
 * Sent when a connection begins: these are the ones that poolers of transactions keep for each client, while
 * they refuse `options` and others.
 */
const SESSION = { client_encoding: 'UTF8', DateStyle: 'ISO, YMD', TimeZone: 'UTC' } as const;

/** Returns a class of clients that connect as `config` says, for a pool or for one connection. */
export function clientWith(config: ClientConfig): new () => Client {
  return class extends Client {
    constructor() {
      super({ types: TYPES, ...config });
    }

    override getStartupConf(): Record<string, string> {
      return { ...super.getStartupConf(), ...SESSION };
    }
  };
}

/** A connection of its own, outside of any pool. Whoever opened it ends it. */
export interface OwnConnection {
  client: Client;
  /** The server, for {@link explain}: errors of the client are the driver's. */
  name: string;
}

/** Connects to the target; `types` parses the values if not as our own tables need it. Throws DatabaseError. */
export async function openConnection(
  target: PostgresTarget,
  {
    applicationName = 'taskmirror',
    types = TYPES,
  }: { applicationName?: string; types?: CustomTypesConfig } = {},
): Promise<OwnConnection> {
  const { name, config } = destinationOf(target, applicationName);
  const client = new (clientWith({ ...config, types }))();
  // The statement that runs, or the next one, reports the loss.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw explain(error, name, 'connecting');
  }
  return { client, name };
}
