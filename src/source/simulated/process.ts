import { messageOf } from '../../model/text.ts';
/**
 * The entry of the simulated API's process, started by child.ts: `node process.ts '<HostSettings as JSON>'`,
 * the key in SIGMIC_API_KEY, commands on stdin. It ends with its stdin, so it never outlives its parent.
 */
import { runHost } from './host.ts';

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
// A Ctrl-C reaches every process of a terminal. The parent decides when its API is no longer needed.
process.on('SIGINT', () => {});

try {
  const key = process.env['SIGMIC_API_KEY'];
  const [settingsJson] = process.argv.slice(2);
  if (!key) throw new Error('SIGMIC_API_KEY is not set: give the key that the simulated API shall accept.');
  if (settingsJson === undefined) throw new Error('Expected the settings as one JSON argument.');
  await runHost(settingsJson, key, { input: process.stdin, output: process.stdout, signal: stopping.signal });
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
