import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * When a message of the client is its last: before the server gets it, after half of it, or after the server
 * has answered it, which the client does not hear of.
 */
export type Cut = 'before' | 'half' | 'answered';

export interface Proxy {
  port: number;
  /** Ends the connection at the `count`-th message from now that holds this text. */
  cutAt(text: string, count: number, cut: Cut): void;
  /** How often a connection was ended. */
  readonly cuts: number;
}

/** Stands between the program and a server on loopback until the test ends. */
export async function startProxy(serverPort: number): Promise<Proxy> {
  let next: { text: string; left: number; cut: Cut } | null = null;
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    let isDeaf = false;
    upstream.on('data', (answer) => {
      if (isDeaf) end();
      else client.write(answer);
    });
    client.on('data', (message) => {
      const found = next !== null && message.includes(next.text) ? next : null;
      if (found === null || (found.left -= 1) > 0) return void upstream.write(message);
      next = null;
      cuts += 1;
      if (found.cut === 'before') end();
      else if (found.cut === 'half') upstream.write(message.subarray(0, message.length / 2), end);
      else {
        isDeaf = true;
        upstream.write(message);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutAt(text, count, cut) {
      next = { text, left: count, cut };
    },
    get cuts() {
      return cuts;
    },
  };
}
