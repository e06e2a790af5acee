#!/usr/bin/env node
// Checks Node's version before it loads anything that an older Node could not parse, or would crash on.
'use strict';

const { existsSync } = require('fs');
const { join } = require('path');

const root = join(__dirname, '..');
const main = join(root, 'dist/src/main.cjs');
// From package.json: ">=22.18".
const oldest = require('../package.json').engines.node.slice(2);
const [major, minor] = process.versions.node.split('.').map(Number);
const [oldestMajor, oldestMinor] = oldest.split('.').map(Number);

if (!existsSync(main)) {
  refuse(`taskmirror is not built: run "npm ci --include=dev" in ${root}, with install scripts on.`);
} else if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  refuse(`taskmirror needs Node ${oldest} or newer, and this is Node ${process.versions.node}.`);
} else {
  const cache = compileCache(process.env);
  // CommonJS: Node loads it faster than ES modules.
  if (cache === null) require(main);
  else {
    // For the code that the program takes from node_modules.
    require('module').enableCompileCache(cache);
    // Each command has its own cache of the code that it runs.
    const command = /^[a-z]+$/.test(process.argv[2] || '') ? process.argv[2] : '';
    require('./load.js')(main, join(cache, `program-${process.version}-${process.arch}`, command));
  }
}

function refuse(why) {
  process.stderr.write(`${why}\n`);
  process.exitCode = 2;
}

// Avoids the folder for temporary files, Node's default: whoever can write there could plant code.
function compileCache({ NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME, HOME, USERPROFILE }) {
  if (NODE_DISABLE_COMPILE_CACHE) return null;
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/taskmirror`;
  const home = HOME || USERPROFILE;
  // Many system users have a home that does not exist, and nobody should create it.
  return home && existsSync(home) ? `${home}/.cache/taskmirror` : null;
}
