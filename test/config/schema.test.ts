import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { settingsJsonSchema, settingsSchema } from '../../src/config/schema.ts';
import { load } from './folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

test('config.schema.json is what `taskmirror config schema` prints', () => {
  expect(read('config.schema.json')).toBe(settingsJsonSchema());
});

test('the defaults equal the result of the whole schema for no settings', () => {
  expect(settingsSchema().parse({})).toEqual(DEFAULTS);
});

test('config.example.json is valid and says nothing but the defaults', async () => {
  const example = await loadSettings({
    env: {},
    cwd: ROOT,
    flags: { config: 'config.example.json' },
  });
  const defaults = await load(undefined, { env: { SIGMIC_API_KEY: 'sigmic_x' } });
  expect(example.settings).toEqual({
    ...defaults.settings,
    queriesFolder: join(ROOT, 'queries'),
    database: join(ROOT, 'taskmirror.db'),
  });
  expect(JSON.parse(read('config.example.json'))).toHaveProperty('$schema', './config.schema.json');
});

test('the JSON Schema describes every setting, knows its default and refuses unknown keys', () => {
  const undescribed: string[] = [];
  const open: string[] = [];
  walk(JSON.parse(settingsJsonSchema()), 'settings');
  expect(undescribed).toEqual([]);
  expect(open).toEqual([]);

  function walk(node: Node, path: string): void {
    if (node.properties === undefined) return;
    if (node.additionalProperties !== false) open.push(path);
    for (const [name, property] of Object.entries(node.properties)) {
      const isOptional = !(node.required ?? []).includes(name) && name !== '$schema';
      const isDescribed =
        property.description !== undefined && (!isOptional || property.default !== undefined);
      if (!isDescribed) undescribed.push(`${path}.${name}`);
      walk(property, `${path}.${name}`);
      if (property.items !== undefined) walk(property.items, `${path}.${name}[]`);
    }
  }
});

interface Node {
  description?: string;
  default?: unknown;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  additionalProperties?: boolean;
}
