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
 * Until then, in s, the flags of V8 are those of a start: later src/main.ts changes them (LONG_LIVED_MS), and V8 refuses
 * code that was made under other flags.
 */
const SAME_FLAGS_S = 0.24;
/** When a run that lasts longer has the code cached that it has compiled by then, in ms. */
const EARLY_MS = 150;
/** Bytes before the code in a cache file: its length. */
const HEAD = 4;
/** Around a source, to make it a function, as Node does. */
const BEFORE = Buffer.from('(function (exports, require, module, __filename, __dirname) {');
const AFTER = Buffer.from('\n})');
const NOTHING = Buffer.alloc(0);
/** Room for one file. Each is used up before the next is read: fresh memory takes longer than the reading. */
let room = Buffer.allocUnsafeSlow(1 << 20);

/**
 * Runs the CommonJS file `main` of this package, and the files that it requires by a relative path. `folder` holds the
 * cache, one file for each; what it lacks is added once. A cache that cannot be read or written changes nothing.
 */
module.exports = function load(main, folder) {
  const outside = createRequire(main);
  const modules = new Map();
  // Loading `performance` would take longer than what it measures.
  const began = process.uptime();
  const unsaved = [];

  function run(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const entry = join(folder, basename(file));
    const { source, stamp } = sourceOf(file);
    const { code: cachedData, isWhole } = cached(entry, stamp);
    const script = new Script(source, {
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
    if (DONE.includes(code) && process.uptime() - began < SAME_FLAGS_S) keep(unsaved, true);
  });
  run(main);
};

/**
 * Returns the file as the source of a function, and what tells one state of it from another: V8 itself looks at the length of
 * the source only.
 */
function sourceOf(file) {
  // Put together here: V8 would copy the parts, and the garbage would make it collect sooner.
  const { bytes, size, ctimeMs } = read(file, BEFORE, AFTER);
  return { source: bytes.toString(), stamp: Buffer.from(`${file} ${size} ${ctimeMs}`) };
}

/**
 * Returns the code in a cache file, and whether that is of a whole run. No code if it is of another state, cut off or damaged:
 * V8 would crash on it.
 */
function cached(entry, stamp) {
  let bytes;
  try {
    ({ bytes } = read(entry, NOTHING, NOTHING));
  } catch {
    return {};
  }
  if (bytes.length < HEAD) return {};
  const length = bytes.readUInt32LE(0);
  const code = bytes.subarray(HEAD, HEAD + length);
  const again = bytes.subarray(HEAD + length, HEAD + 2 * length);
  const tail = bytes.subarray(HEAD + 2 * length);
  // The code is there twice, and damage seldom hits both alike: to load a checksum takes ten times as long as to compare.
  if (length === 0 || !code.equals(again) || !tail.subarray(1).equals(stamp)) return {};
  return { code, isWhole: tail[0] === 1 };
}

/** Returns the content of a file between two others, in `room`, with the file's size and time. */
function read(file, before, after) {
  const descriptor = fs.openSync(file);
  try {
    const { size, ctimeMs } = fs.fstatSync(descriptor);
    const most = before.length + size + after.length;
    if (room.length < most) room = Buffer.allocUnsafeSlow(most);
    const end = before.length + fs.readSync(descriptor, room, before.length, size);
    before.copy(room);
    after.copy(room, end);
    return { bytes: room.subarray(0, end + after.length), size, ctimeMs };
  } finally {
    fs.closeSync(descriptor);
  }
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
  const beside = `${entry}.${process.pid}`;
  try {
    const descriptor = fs.openSync(beside, 'w', 0o600);
    try {
      fs.writeSync(descriptor, Buffer.concat([head, code, code, tail]));
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
