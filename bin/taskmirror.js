#!/usr/bin/env node
// Checks the version before anything is loaded that an older Node could not parse, or would crash on.
'use strict';

const { existsSync } = require('fs');
const { join } = require('path');

const root = join(__dirname, '..');
const main = join(root, 'dist/src/main.cjs');
// As package.json says it: ">=22.18".
const oldest = require('../package.json').engines.node.slice(2);
const [major, minor] = process.versions.node.split('.').map(Number);
const [oldestMajor, oldestMinor] = oldest.split('.').map(Number);

if (!existsSync(main)) {
  refuse(`taskmirror is not built: run "npm ci --include=dev" in ${root}, with install scripts on.`);
} else if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  refuse(`taskmirror needs Node ${oldest} or newer, and this is Node ${process.versions.node}.`);
} else {
  const cache = compileCache(process.env);
  // CommonJS: Node loads it in less time than ES modules.
  if (cache === null) require(main);
  else {
    // For what the program takes from node_modules.
    require('module').enableCompileCache(cache);
    // Each command has its own: the code that it runs is in it.
    const command = /^[a-z]+$/.test(process.argv[2] || '') ? process.argv[2] : '';
    require('./load.js')(main, join(cache, `program-${process.version}-${process.arch}`, command));
  }
}

function refuse(why) {
  process.stderr.write(`${why}\n`);
  process.exitCode = 2;
}

// Not in the folder for temporary files, as Node would have it: whoever can write there could plant code.
function compileCache({ NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME, HOME, USERPROFILE }) {
  if (NODE_DISABLE_COMPILE_CACHE) return null;
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/taskmirror`;
  const home = HOME || USERPROFILE;
  // Many a system user has a home that is not there, and nobody is to make it.
  return home && existsSync(home) ? `${home}/.cache/taskmirror` : null;
}
