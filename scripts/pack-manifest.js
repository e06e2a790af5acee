/**
 * Removes "prepare" from package.json while npm packs the project, and puts it back: a package has nothing to
 * build, and npm 11 would warn everybody who installs its tarball of a script that it never runs. npm runs
 * this before and after packing.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package.json', import.meta.url);
const SCRIPTS = '  "scripts": {\n';
const PREPARE = '    "prepare": "node scripts/prepare.js",\n';

const text = readFileSync(FILE, 'utf8');
const without = text.replace(PREPARE, '');
const isPacking = process.env.npm_lifecycle_event === 'prepack';
writeFileSync(FILE, isPacking ? without : without.replace(SCRIPTS, SCRIPTS + PREPARE));
