/** Writes the generated parts of README.md and docs/ (`npm run docs`); test/docs checks that it was run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pageFiles, updatedPage } from './pages.ts';

for (const file of pageFiles()) writeFileSync(file, await updatedPage(file, readFileSync(file, 'utf8')));
