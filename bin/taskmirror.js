#!/usr/bin/env node
// Checks the version before anything is loaded that an older Node could not parse, or would crash on.
'use strict';

const OLDEST = [22, 18];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    'taskmirror needs Node ' +
      OLDEST.join('.') +
      ' or newer, and this is Node ' +
      process.versions.node +
      '.\n',
  );
  process.exitCode = 2;
} else {
  void start();
}

// CommonJS, as the built program is: Node loads it in less time than ES modules.
function start() {
  const { existsSync } = require('node:fs');
  const { enableCompileCache } = require('node:module');
  const cache = compileCache(process.env, existsSync);
  if (cache !== null) enableCompileCache(cache);
  // A clone runs its sources as they are; the package has only what was built from them.
  return existsSync(`${__dirname}/../src/main.ts`)
    ? import('../src/main.ts')
    : require('../dist/src/main.cjs');
}

// Not in the folder for temporary files, as Node would have it: whoever can write there could plant code.
function compileCache({ NODE_COMPILE_CACHE, XDG_CACHE_HOME, HOME, USERPROFILE }, exists) {
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/taskmirror`;
  const home = HOME || USERPROFILE;
  // Many a system user has a home that is not there, and nobody is to make it.
  return home && exists(home) ? `${home}/.cache/taskmirror` : null;
}
