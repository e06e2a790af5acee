import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { cliReference, commandsTable } from './cli.ts';
import { reportsTable } from './reports.ts';
import { settingsTable } from './settings.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Generators of page parts, by the page and the name in the markers around the part. */
const GENERATED: Record<string, Record<string, () => string>> = {
  'README.md': { commands: commandsTable },
  'docs/cli.md': { cli: cliReference },
  'docs/configuration.md': { settings: settingsTable },
  'docs/reports.md': { reports: reportsTable },
};

/** Returns the README and every page of docs/, as absolute paths. */
export function pageFiles(): string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.toSorted().map((name) => `docs/${name}`)].map((name) => join(ROOT, name));
}

/** Returns a page's text with generated parts and format up to date. Throws Error if a marker is missing. */
export async function updatedPage(file: string, text: string): Promise<string> {
  const name = relative(ROOT, file);
  const updated = Object.entries(GENERATED[name] ?? {}).reduce(
    (rest, [part, content]) => replacePart(name, rest, part, content()),
    text,
  );
  return format(updated, { ...(await resolveConfig(file)), parser: 'markdown' });
}

function replacePart(page: string, text: string, name: string, content: string): string {
  const begin = `<!-- ${name}: written by "npm run docs" -->`;
  const end = `<!-- ${name}: end -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page} needs the lines ${begin} and ${end}.`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}
