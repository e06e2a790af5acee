import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';

/** A relay to a PostgreSQL server on loopback, which counts round trips and can make each take longer. */
export interface Relay {
  port: number;
  /** Messages of clients that ask for an answer, since the last reset: Query and Sync. */
  roundTrips: number;
  /** Time in ms that a message takes, half of it each way. */
  latencyMs: number;
  close(): Promise<void>;
}

/** First bytes of the messages that end what a client asks (postgresql.org/docs/current/protocol-message-formats.html). */
const ASKS = new Set(['Q'.charCodeAt(0), 'S'.charCodeAt(0)]);

/** Starts a relay to the server on `port`. */
export async function startRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    const count = counting(() => (relay.roundTrips += 1));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      count(chunk);
      later(relay.latencyMs / 2, () => upstream.write(chunk));
    });
    upstream.on('data', (chunk) => later(relay.latencyMs / 2, () => client.write(chunk)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The relay has no port.');
  const relay: Relay = {
    port: address.port,
    roundTrips: 0,
    latencyMs: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return relay;
}

/** Timers of the same delay fire in order, so nothing overtakes. */
function later(ms: number, work: () => void): void {
  if (ms === 0) work();
  else setTimeout(work, ms);
}

/** Follows the messages of one client: a length of four bytes, after a type in all but the first. */
function counting(onAsk: () => void): (chunk: Buffer) => void {
  let isFirst = true;
  let pending = Buffer.alloc(0);
  let skip = 0;
  return (chunk) => {
    let rest = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    pending = Buffer.alloc(0);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      skip -= skipped;
      rest = rest.subarray(skipped);
      const head = isFirst ? 4 : 5;
      if (skip > 0 || rest.length < head) break;
      const type = isFirst ? null : rest[0];
      if (type !== null && type !== undefined && ASKS.has(type)) onAsk();
      skip = rest.readUInt32BE(head - 4) + head - 4;
      isFirst = false;
    }
    pending = Buffer.from(rest);
  };
}
