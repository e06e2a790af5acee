import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ApiFailedError } from '../../model/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { HostActivity, HostReady, HostRefusal, HostSettings } from './host.ts';

/** Time limits in ms. Making a million tasks takes 10 to 20 s, 100,000 events on 30,000 tasks about 5 s. */
const READY_MS = 120_000;
const ANSWER_MS = 120_000;
const CLOSE_MS = 5_000;

/** Characters from the end of the process's stderr that are kept for an error. */
const STDERR_CHARACTERS = 2_000;

export interface DemoApiOptions extends HostSettings {
  /** The key that the API accepts: `sigmic_...`. */
  key: string;
  clock: Pick<Clock, 'timeout'>;
  /** Aborts the start. After the start, use `close`. */
  signal?: AbortSignal;
}

type Answer = HostReady | HostActivity | HostRefusal;

/** A simulated API that serves in its own process. */
export interface DemoApi extends HostReady {
  /**
   * Lets `count` events (0 to 100,000) happen at once. Throws RangeError for another count, ApiFailedError if
   * the process does not answer within two minutes.
   */
  makeActivity: (count: number) => Promise<HostActivity>;
  /** Ends the process, by force after 5 s. Safe to call twice. */
  close: () => Promise<void>;
}

/**
 * Starts the simulated API in its own process, which ends with this one at the latest, and waits until it
 * serves. Throws the signal's reason, or ApiFailedError with the last output of the process if it dies or is
 * not ready within two minutes.
 */
export async function startDemoApi(options: DemoApiOptions): Promise<DemoApi> {
  const { key, clock, signal, ...settings } = options;
  signal?.throwIfAborted();
  // The key goes through the environment: every user of the machine can read arguments.
  const child = spawn(process.execPath, [entryPath(), JSON.stringify(settings)], {
    env: { SIGMIC_API_KEY: key },
  });
  const ended = endOf(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const kill = (): boolean => child.kill('SIGKILL');
  const nextAnswer = async (within: AbortSignal, given?: AbortSignal): Promise<Answer> => {
    const limit = AbortSignal.any(given === undefined ? [within] : [within, given]);
    if (limit.aborted) kill();
    limit.addEventListener('abort', kill);
    const line = await Promise.race([lines.next(), ended]);
    limit.removeEventListener('abort', kill);
    if (typeof line === 'object' && !line.done) {
      const answer: Answer = JSON.parse(line.value);
      return answer;
    }

    const end = await ended;
    given?.throwIfAborted();
    throw new ApiFailedError(
      'simulated_api_ended',
      { why: within.aborted ? 'timeout' : 'ended' },
      `The simulated API ${within.aborted ? 'did not answer in time and was ended' : `ended: ${end}`}`,
    );
  };

  const ready = await nextAnswer(clock.timeout(READY_MS), signal);
  if (!('url' in ready)) {
    kill();
    throw new Error('The simulated API did not say where it serves.');
  }
  return {
    ...ready,
    makeActivity: async (count) => {
      child.stdin.write(`${JSON.stringify({ activity: count })}\n`);
      const answer = await nextAnswer(clock.timeout(ANSWER_MS));
      if ('events' in answer) return answer;
      throw new RangeError('error' in answer ? answer.error : 'The simulated API answered something else.');
    },
    close: async () => {
      child.stdin.end();
      clock.timeout(CLOSE_MS).addEventListener('abort', kill);
      await ended;
    },
  };
}

/**
 * Resolves when the process and its streams have ended, with how, and with its last output. Never rejects.
 */
function endOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_CHARACTERS);
  });
  // A write to a process that has just died fails; its death is what gets reported.
  child.stdin.on('error', () => {});
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(`${signal === null ? `exit code ${code}` : `by ${signal}`}. ${said.trim()}`.trim()),
    );
  });
}

/** Returns the process's file. Built, it keeps its folder, while this module is in chunks/ beside that. */
function entryPath(): string {
  const isSource = import.meta.filename.endsWith('.ts');
  const path = isSource ? './process.ts' : '../source/simulated/process.js';
  return join(import.meta.dirname, path);
}
