// Runs the built program with a cache of its compiled code. Node's own cache (module.enableCompileCache) is taken before
// anything has run, so it lacks every function in a function: a start would compile those again, an eighth of its CPU time.
'use strict';

const fs = require('fs');
const { createRequire } = require('module');
const { basename, dirname, join } = require('path');
const { constants, Script } = require('vm');
const { crc32 } = require('zlib');

/** Exit codes of a command that ran to its end (docs/exit-codes.md). */
const DONE = [0, 3];
/**
 * Until then, in ms, the flags of V8 are those of a start: later src/main.ts changes them (LONG_LIVED_MS), and V8 refuses
 * code that was made under other flags.
 */
const SAME_FLAGS_MS = 240;
/** When a run that lasts longer has the code cached that it has compiled by then, in ms. */
const EARLY_MS = 150;
/** Bytes before the code in a cache file: its length and its checksum. */
const HEAD = 8;

/**
 * Runs the CommonJS file `main` of this package, and the files that it requires by a relative path. `folder` holds the
 * cache, one file for each; what it lacks is added once. A cache that cannot be read or written changes nothing.
 */
module.exports = function load(main, folder) {
  const outside = createRequire(main);
  const modules = new Map();
  const began = performance.now();
  const unsaved = [];

  function run(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const entry = join(folder, basename(file));
    const stamp = stampOf(file);
    const { code: cachedData, isWhole } = cached(entry, stamp);
    const source = fs.readFileSync(file, 'utf8');
    const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: file,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const isUsed = cachedData !== undefined && !script.cachedDataRejected;
    if (!isUsed || !isWhole) unsaved.push({ entry, stamp, script, isUsed });
    const require = (name) => (name.startsWith('.') ? run(join(dirname(file), name)) : outside(name));
    script.runInThisContext()(module.exports, require, module, file, dirname(file));
    return module.exports;
  }

  const keep = (entries, isWhole) => saveAll(entries, { isWhole, folder, dist: dirname(main) });
  const early = () =>
    keep(
      unsaved.filter(({ isUsed }) => !isUsed),
      false,
    );
  setTimeout(early, EARLY_MS).unref();
  process.once('exit', (code) => {
    // A command that failed has not run all the code that it needs.
    if (DONE.includes(code) && performance.now() - began < SAME_FLAGS_MS) keep(unsaved, true);
  });
  run(main);
};

/** Returns what tells one state of a file from another: V8 itself looks at the length of the source only. */
function stampOf(file) {
  const { size, ctimeMs } = fs.statSync(file);
  return Buffer.from(`${file} ${size} ${ctimeMs}`);
}

/**
 * Returns the code in a cache file, and whether that is of a whole run. No code if it is of another state, cut off or damaged:
 * V8 would crash on it.
 */
function cached(entry, stamp) {
  let data;
  try {
    data = fs.readFileSync(entry);
  } catch {
    return {};
  }
  if (data.length < HEAD) return {};
  const end = HEAD + data.readUInt32LE(0);
  const code = data.subarray(HEAD, end);
  if (!data.subarray(end + 1).equals(stamp) || crc32(code) !== data.readUInt32LE(4)) return {};
  return { code, isWhole: data[end] === 1 };
}

/** Writes these entries, and removes those of files that are not in `dist` any more. */
function saveAll(entries, { isWhole, folder, dist }) {
  if (entries.length === 0) return;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { entry, stamp, script } of entries)
      save(entry, Buffer.from([Number(isWhole), ...stamp]), script);
    for (const name of fs.readdirSync(folder)) {
      const isThere = fs.existsSync(join(dist, name)) || fs.existsSync(join(dist, 'chunks', name));
      if (!isThere && name.endsWith('.cjs')) fs.rmSync(join(folder, name), { force: true });
    }
  } catch {
    // The next start tries again.
  }
}

/** Writes beside the entry, and syncs before it takes its place, so that there is never half a file. */
function save(entry, tail, script) {
  const code = script.createCachedData();
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(code.length, 0);
  head.writeUInt32LE(crc32(code), 4);
  const beside = `${entry}.${process.pid}`;
  try {
    const descriptor = fs.openSync(beside, 'w', 0o600);
    try {
      fs.writeSync(descriptor, Buffer.concat([head, code, tail]));
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
