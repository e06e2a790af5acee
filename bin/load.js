// Runs the built program with a cache of its compiled code. Node's own cache (module.enableCompileCache) is
// taken before anything has run, so it lacks every nested function: a start would compile those again, a
// tenth of its time.
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
 * Runs the CommonJS file `main` of this package, and the files that it requires by a relative path. `folder`
 * holds the cache, one file for each; it is written when the process ends. If a cache cannot be read or
 * written, nothing changes.
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
    // A failed command has not run all the code that it needs.
    if (!DONE.includes(code)) return;
    for (const { entry, stamp, script } of uncached) save(entry, stamp, script);
  });
  run(main);
};

/** Returns a stamp that differs for each state of a file: V8 itself checks only the length of the source. */
function stampOf(file) {
  const { size, ctimeMs } = statSync(file);
  return `${file} ${size} ${ctimeMs}\n`;
}

/**
 * Returns the compiled code of a cache file: stamp, length, code. Undefined if it is of another state, or cut
 * off.
 */
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

/**
 * Writes a temporary file, syncs it and renames it: V8 does not check cached code, so no partial file may
 * exist.
 */
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
