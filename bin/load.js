// Runs the built program with a cache of its compiled code. Node's own cache (module.enableCompileCache) is taken before
// anything has run, so it lacks every function in a function: a start would compile those again, an eighth of its CPU time.
'use strict';

const fs = require('fs');
const { createRequire } = require('module');
const { basename, dirname, join } = require('path');
const { constants, Script } = require('vm');

/** Exit codes of a command that ran to its end (docs/exit-codes.md). */
const DONE = [0, 3];
/**
 * When a run that lasts longer has its code cached, in ms: before src/main.ts changes V8's flags (LONG_LIVED_MS), since V8
 * refuses code that was made under other flags.
 */
const LATEST_MS = 150;
/** Bytes before the code in a cache file: its length and its checksum. */
const HEAD = 8;

/**
 * Runs the CommonJS file `main` of this package, and the files that it requires by a relative path. `folder` holds the
 * cache, one file for each; what it lacks is added once. A cache that cannot be read or written changes nothing.
 */
module.exports = function load(main, folder) {
  const outside = createRequire(main);
  const modules = new Map();
  const uncached = [];
  let isSaved = false;

  function run(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const entry = join(folder, basename(file));
    const stamp = stampOf(file);
    const cachedData = cached(entry, stamp);
    const source = fs.readFileSync(file, 'utf8');
    const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: file,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const isCached = cachedData !== undefined && !script.cachedDataRejected;
    // Code that is loaded after the rest was saved is left to a shorter run.
    if (!isCached && !isSaved) uncached.push({ entry, stamp, script });
    const require = (name) => (name.startsWith('.') ? run(join(dirname(file), name)) : outside(name));
    script.runInThisContext()(module.exports, require, module, file, dirname(file));
    return module.exports;
  }

  const saveOnce = () => {
    if (!isSaved) saveAll(uncached.splice(0), folder, dirname(main));
    isSaved = true;
  };
  setTimeout(saveOnce, LATEST_MS).unref();
  process.once('exit', (code) => {
    // A command that failed has not run all the code that it needs.
    if (DONE.includes(code)) saveOnce();
  });
  run(main);
};

/** Returns what tells one state of a file from another: V8 itself looks at the length of the source only. */
function stampOf(file) {
  const { size, ctimeMs } = fs.statSync(file);
  return Buffer.from(`${file} ${size} ${ctimeMs}`);
}

/** Returns the code in a cache file; undefined if it is of another state, cut off or damaged: V8 would crash on it. */
function cached(entry, stamp) {
  let data;
  try {
    data = fs.readFileSync(entry);
  } catch {
    return undefined;
  }
  if (data.length < HEAD) return undefined;
  const end = HEAD + data.readUInt32LE(0);
  if (!data.subarray(end).equals(stamp)) return undefined;
  const code = Uint8Array.prototype.slice.call(data, HEAD, end);
  return checksumOf(code) === data.readInt32LE(4) ? code : undefined;
}

/** Returns a checksum of code in a buffer of its own. Node's checksums would take longer to load than this takes. */
function checksumOf(code) {
  const words = new Int32Array(code.buffer, code.byteOffset, code.length >> 2);
  let sum = code.length;
  for (let at = 0; at < words.length; at += 1) sum = (Math.imul(sum, 31) + words[at]) | 0;
  for (let at = words.length * 4; at < code.length; at += 1) sum = (Math.imul(sum, 31) + code[at]) | 0;
  return sum;
}

/** Writes these entries, and removes those of files that are not in `dist` any more. */
function saveAll(entries, folder, dist) {
  if (entries.length === 0) return;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { entry, stamp, script } of entries) save(entry, stamp, script);
    for (const name of fs.readdirSync(folder)) {
      const isThere = fs.existsSync(join(dist, name)) || fs.existsSync(join(dist, 'chunks', name));
      if (!isThere && name.endsWith('.cjs')) fs.rmSync(join(folder, name), { force: true });
    }
  } catch {
    // The next start tries again.
  }
}

/** Writes beside the entry, and syncs before it takes its place, so that there is never half a file. */
function save(entry, stamp, script) {
  // A buffer of its own, as when it is read: words are read from its beginning.
  const code = Uint8Array.prototype.slice.call(script.createCachedData());
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(code.length, 0);
  head.writeInt32LE(checksumOf(code), 4);
  const beside = `${entry}.${process.pid}`;
  try {
    const descriptor = fs.openSync(beside, 'w', 0o600);
    try {
      fs.writeSync(descriptor, Buffer.concat([head, code, stamp]));
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(beside, entry);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
}
