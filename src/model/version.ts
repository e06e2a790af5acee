import manifest from '../../package.json' with { type: 'json' };

/** The version of this program, from package.json. */
export const VERSION: string = manifest.version;

/** The oldest Node that runs it, as `22.18`; only package.json sets it, under "engines", as `>=22.18`. */
export const OLDEST_NODE: string = manifest.engines.node.slice(2);

/** Returns a message for the user of this Node version, given as `22.18.0`, if it is too old; else null. */
export function explainOldNode(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `taskmirror needs Node ${OLDEST_NODE} or newer, and this is Node ${version}`;
}
