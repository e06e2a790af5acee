import { beginHooks, deliverNow } from '../../../feed/worker.ts';
import { counted, printable } from '../../../render/text.ts';
import { writeAll } from '../../../render/write.ts';
import { wholeNumber } from '../../arguments/whole-number.ts';
import { CommandLineError } from '../../command-line-error.ts';
import type { CommandContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import { hookNamed } from './test.ts';

/** The output of `hooks replay --json`: a contract that only ever gains fields. */
export interface HookReplayed {
  hook: string;
  /** Events after the first change up to the second are told again. */
  since: number;
  through: number;
  /** Events that this command delivered; a daemon may deliver others. */
  delivered: number;
}

type ReplayContext = Pick<
  CommandContext,
  'io' | 'clock' | 'log' | 'signal' | 'settings' | 'engine' | 'hooks'
>;

/**
 * `taskmirror hooks replay`: tells a hook again what happened after a change, one by one, and delivers what it
 * can. Throws UsageError if no hook has that name, or there is no such change, and DatabaseError.
 */
export async function hooksReplay(
  context: ReplayContext,
  name: string,
  { since, json }: { since: string; json: boolean },
): Promise<ExitCode> {
  const { engine, clock, log, signal } = context;
  const hook = await hookNamed(context, name);
  const store = await engine.openHooks();
  const feed = await engine.openFeed();
  try {
    const deps = { feed, store, clock, log, random: Math.random };
    const through = await feed.head();
    const seq = changeOf(since, through);
    await beginHooks([hook], deps);
    await store.replay(name, seq, through);
    const delivered = await deliverNow([hook], deps, signal);
    const replayed: HookReplayed = { hook: name, since: seq, through, delivered };
    const said = `hook "${printable(name)}": ${counted(delivered, 'event')} delivered of what came after change ${seq}`;
    const [state] = await store.states([name]);
    const left = state !== undefined && state.place.seq < through;
    const lines = [said, ...(left ? ['  the rest is left to the daemon, or to the next sync'] : [])];
    await writeAll(context.io.stdout, [
      json ? `${JSON.stringify(replayed, null, 2)}\n` : `${lines.join('\n')}\n`,
    ]);
    return signal.aborted ? EXIT.interrupted : EXIT.done;
  } finally {
    await Promise.all([store.close(), feed.close()]);
  }
}

function changeOf(text: string, head: number): number {
  const seq = text === 'start' || text === '0' ? 0 : wholeNumber(text, head);
  if (seq !== null) return seq;
  throw new CommandLineError(
    `--since "${text.slice(0, 100)}" is no change of the mirror: the last is ${head}`,
    {
      hint: 'Give the number of the last change that is not to be told again, or "start".',
    },
  );
}
