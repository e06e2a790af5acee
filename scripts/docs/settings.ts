import { settingLeaves } from '../../src/config/leaves.ts';
import { settingsJsonSchema } from '../../src/config/schema.ts';

/** The part of JSON Schema that the settings use. */
interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** Returns a line for each setting: its names, values, default and meaning. */
export function settingsTable(): string {
  const schema: Schema = JSON.parse(settingsJsonSchema());
  const variables = new Map(settingLeaves().map(({ path, variable }) => [path.join('.'), variable]));
  const lines = settingsOf(schema, '').map(([path, setting]) => {
    const names = [path, variables.get(path)].filter((name) => name !== undefined);
    const value = setting.default === undefined ? '' : code(setting.default);
    // The descriptions are written for a reader of the settings file.
    const meaning = setting.description?.replaceAll('this file', 'the settings file') ?? '';
    return `| ${names.map((name) => `\`${name}\``).join('<br>')} | ${valuesOf(setting)} | ${value} | ${meaning} |`;
  });
  return ['| Setting | Values | Default | Meaning |', '|---|---|---|---|', ...lines].join('\n');
}

/** Returns every setting that holds a value, and the list of sources followed by what each source holds. */
function settingsOf(schema: Schema, path: string): [path: string, setting: Schema][] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, child]) =>
      settingsOf(child, path === '' ? name : `${path}.${name}`),
    );
  }
  const items = schema.items?.properties === undefined ? [] : settingsOf(schema.items, `${path}[]`);
  return [[path, schema], ...items];
}

/** Describes the values that it takes. */
function valuesOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.properties !== undefined) {
    return `\`{ ${Object.keys(schema.properties)
      .map((name) => `"${name}": "…"`)
      .join(', ')} }\``;
  }
  switch (schema.type) {
    case 'array':
      return `a list of at most ${schema.maxItems}${schema.items?.enum === undefined ? '' : ` of ${valuesOf(schema.items)}`}`;
    case 'string':
      return schema.maxLength === undefined ? 'text' : `text of at most ${schema.maxLength} characters`;
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `whole number, ${schema.minimum} to ${schema.maximum}`;
    case 'number':
      return schema.minimum === undefined
        ? `number above ${schema.exclusiveMinimum}, at most ${schema.maximum}`
        : `number, ${schema.minimum} to ${schema.maximum}`;
    default:
      return code(null);
  }
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
