// Runs the built program with a cache of its compiled code. Node's own (module.enableCompileCache) is taken before anything
// has run, so that it lacks every function in a function: a start would compile those again, a tenth of its time.
'use strict';

const {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} = require('fs');
const { createRequire } = require('module');
const { basename, dirname, join } = require('path');
const { constants, Script } = require('vm');

/** Exit codes of a command that ran to its end (docs/exit-codes.md). */
const DONE = [0, 3];

/**
 * Runs the CommonJS file `main` of this package, and what it requires by a relative path. `folder` holds the cache, one
 * file for each; it is made when the process ends. A cache that cannot be read or written changes nothing.
 */
module.exports = function load(main, folder) {
  const outside = createRequire(main);
  const modules = new Map();
  const uncached = [];

  function run(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const entry = join(folder, basename(file));
    const stamp = stampOf(file);
    const cachedData = cached(entry, stamp);
    const source = readFileSync(file, 'utf8');
    const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: file,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (cachedData === undefined || script.cachedDataRejected) uncached.push({ entry, stamp, script });
    const require = (name) => (name.startsWith('.') ? run(join(dirname(file), name)) : outside(name));
    script.runInThisContext()(module.exports, require, module, file, dirname(file));
    return module.exports;
  }

  process.once('exit', (code) => {
    // What failed has not run all that the command needs.
    if (!DONE.includes(code)) return;
    for (const { entry, stamp, script } of uncached) save(entry, stamp, script);
  });
  run(main);
};

/** What tells one state of a file from another: V8 itself looks at the length of the source only. */
function stampOf(file) {
  const { size, ctimeMs } = statSync(file);
  return `${file} ${size} ${ctimeMs}\n`;
}

/** The compiled code in a cache file: its stamp, its length, then the code. Undefined if it is of another state, or cut off. */
function cached(entry, stamp) {
  let data;
  try {
    data = readFileSync(entry);
  } catch {
    return undefined;
  }
  const head = Buffer.byteLength(stamp);
  if (data.toString('utf8', 0, head) !== stamp || data.length < head + 4) return undefined;
  const code = data.subarray(head + 4);
  return data.readUInt32LE(head) === code.length ? code : undefined;
}

/** Written beside it and synced first: V8 checks no code that it is given, so there must be no half file. */
function save(entry, stamp, script) {
  try {
    const code = script.createCachedData();
    const length = Buffer.alloc(4);
    length.writeUInt32LE(code.length);
    mkdirSync(dirname(entry), { recursive: true, mode: 0o700 });
    const beside = `${entry}.${process.pid}`;
    const descriptor = openSync(beside, 'w', 0o600);
    try {
      writeSync(descriptor, Buffer.concat([Buffer.from(stamp), length, code]));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, entry);
  } catch {
    // The next start tries again.
  }
}
