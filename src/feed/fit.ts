import type { HookBody, Json } from './message.ts';

/** Bytes that a body stays below: what Standard Webhooks advises. */
const MAX_BYTES = 20_000;
/** Characters to which long texts are cut, one after the other until the body fits. */
const CUTS = [4_000, 1_000, 250] as const;
/** Of a task whose texts do not fit even so, these are left, and none of the changes; of counts, the highest. */
const LEFT = ['id', 'source', 'status', 'username', 'seq'] as const;
const COUNTS_LEFT = 20;
const MARK = '... [cut]';

/** Returns a body of less than 20 KB as JSON: cuts long texts, and names in `data.cut` what was cut. */
export function fitted(body: HookBody): HookBody {
  if (fits(body)) return body;
  for (const most of CUTS) {
    const cut = cutTo(body, most);
    if (fits(cut)) return cut;
  }
  const small = Object.entries(body.data).map(([name, value]) => [name, smallest(name, value)] as const);
  const cut = small.filter(([name, value]) => value !== body.data[name]).map(([name]) => name);
  return cutTo({ ...body, data: Object.fromEntries(small) }, CUTS[2], cut);
}

function smallest(name: string, value: Json): Json {
  if (name === 'changes' && Array.isArray(value) && value.length > 0) return [];
  if (!isObject(value)) return value;
  if (name === 'task') return Object.fromEntries(LEFT.map((field) => [field, value[field] ?? null]));
  const entries = Object.entries(value);
  if (!['counts', 'sources'].includes(name) || entries.length <= COUNTS_LEFT) return value;
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => Number(b) - Number(a)).slice(0, COUNTS_LEFT));
}

function fits(body: HookBody): boolean {
  return Buffer.byteLength(JSON.stringify(body)) < MAX_BYTES;
}

function cutTo(body: HookBody, most: number, already: readonly string[] = []): HookBody {
  const cut = [...already];
  const data = Object.fromEntries(
    Object.entries(body.data).map(([name, value]) => [name, shortened(value, name, { most, cut })]),
  );
  return { ...body, data: { ...data, cut } };
}

function shortened(value: Json, path: string, { most, cut }: { most: number; cut: string[] }): Json {
  if (typeof value === 'string') {
    if (value.length <= most) return value;
    cut.push(path);
    // A character outside the basic plane is two: do not keep half of it.
    return value.slice(0, most).replace(/[\ud800-\udbff]$/, '') + MARK;
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, shortened(item, `${path}.${name}`, { most, cut })]),
    );
  }
  if (!Array.isArray(value)) return value;
  return (value as readonly Json[]).map((item, index) => shortened(item, `${path}[${index}]`, { most, cut }));
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
