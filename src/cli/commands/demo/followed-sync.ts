import type { Output } from '../../../platform/terminal.ts';
import type { CommandContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import { changes } from '../changes.ts';
import { sync } from '../sync.ts';

/** Time in ms that the follower has after the sync: it notices a commit within a second. */
const GRACE_MS = 1_000;

/**
 * Runs `sync`, and beside it `changes --follow --limit LIMIT --format table`, as a shell does with `&` on one
 * terminal. The follower ends at its limit, or soon after the sync; the sync's summary comes below its lines.
 */
export async function followedSync(context: CommandContext, limit: number): Promise<ExitCode> {
  const { io, clock } = context;
  const feed = await context.openFeed();
  const end = new AbortController();
  const following = changes(
    { io, signal: AbortSignal.any([context.signal, end.signal]), openFeed: async () => feed },
    // The number of now, since the follower gets its turn while the sync runs.
    { since: String(await feed.head()), follow: true, limit: String(limit), format: 'table' },
  );
  const followed = async (): Promise<void> => {
    await Promise.race([following, clock.sleep(GRACE_MS, end.signal)]);
    end.abort();
    await following;
  };
  // Its failure belongs to whoever waits for it later.
  following.catch(() => {});
  const beside = { ...io, stdout: after(followed, io.stdout), stderr: plain(io.stderr) };
  try {
    const code = await sync({ ...context, io: beside }, { json: false });
    return context.signal.aborted ? EXIT.interrupted : code;
  } finally {
    end.abort();
    await following;
  }
}

/** Returns an output that waits before it writes. */
function after(wait: () => Promise<void>, output: Output): Output {
  return {
    isTTY: output.isTTY,
    columns: output.columns,
    write: (piece, done) => void wait().then(() => output.write(piece, done), done),
  };
}

/** Returns an output that is no terminal: a bar would stand in the line of the next change. */
function plain(output: Output): Output {
  return { write: (piece, done) => output.write(piece, done) };
}
