import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import * as z from 'zod';
import { Activity } from './activity.ts';
import type { EventKind } from './activity.ts';
import { generateTasks } from './generate.ts';
import { SimulatedList } from './list.ts';
import { createRandom } from './random.ts';
import { createApi, startServer } from './server.ts';

/** Share of requests that get a fault if faults are on. */
const FAULT_SHARE = 0.02;

const MAX_EVENTS = 100_000;

const settingsSchema = z.strictObject({
  /** Tasks at the start. */
  count: z.int().min(0).max(2_000_000),
  seed: z.int(),
  /** Events that happen before each list request is answered. */
  activityPerRequest: z.int().min(0).max(1_000),
  faults: z.boolean(),
});

const commandSchema = z.strictObject({ activity: z.int().min(0).max(MAX_EVENTS) });

/** The settings of a simulated API in its own process. */
export type HostSettings = z.infer<typeof settingsSchema>;

/** The first line that the process prints: it is serving. */
export interface HostReady {
  url: string;
  tasks: number;
}

/** The answer to `{"activity": n}`: how many tasks the list now has, and how often each kind happened. */
export interface HostActivity {
  tasks: number;
  events: Partial<Record<EventKind, number>>;
}

/** The answer to any other command. */
export interface HostRefusal {
  error: string;
}

export interface HostIo {
  /** Commands, one per line. When it ends, so does the server. */
  input: Readable;
  /** Gets one JSON line when ready, and one for each command. */
  output: Writable;
  /** Stops the server at once. */
  signal: AbortSignal;
}

/**
 * Serves a simulated API on a loopback port until the input ends or the signal aborts, and meanwhile obeys
 * the lines of the input. Throws RangeError if `settingsJson` is not HostSettings as JSON, SyntaxError if it
 * is not JSON.
 */
export async function runHost(settingsJson: string, key: string, io: HostIo): Promise<void> {
  const parsed = settingsSchema.safeParse(JSON.parse(settingsJson));
  if (!parsed.success) throw new RangeError(z.prettifyError(parsed.error));
  const settings = parsed.data;
  const list = new SimulatedList(generateTasks({ ...settings, now: Date.now() }));
  const activity = new Activity({ list, random: createRandom(settings.seed + 1), now: Date.now });
  const { app } = createApi({
    list,
    keys: [key],
    now: Date.now,
    random: createRandom(settings.seed + 2),
    faults: settings.faults ? FAULT_SHARE : 0,
    onRequest: ({ kind }) => {
      if (kind === 'list') for (let n = 0; n < settings.activityPerRequest; n++) activity.step();
    },
  });
  const server = await startServer(app);
  try {
    const lines = createInterface({ input: io.input, signal: io.signal });
    print(io.output, { url: server.url, tasks: list.size } satisfies HostReady);
    for await (const line of lines) print(io.output, obey(line, list, activity));
  } finally {
    await server.close();
  }
}

function obey(line: string, list: SimulatedList, activity: Activity): HostActivity | HostRefusal {
  let command: unknown;
  try {
    command = JSON.parse(line);
  } catch {
    return { error: 'A command must be one line of JSON.' };
  }
  const parsed = commandSchema.safeParse(command);
  if (!parsed.success) return { error: z.prettifyError(parsed.error) };

  const events: HostActivity['events'] = {};
  for (let n = 0; n < parsed.data.activity; n++) {
    const { kind } = activity.step();
    events[kind] = (events[kind] ?? 0) + 1;
  }
  return { tasks: list.size, events };
}

function print(output: Writable, value: object): void {
  output.write(`${JSON.stringify(value)}\n`);
}
