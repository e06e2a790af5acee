/**
 * The loop that the API's documentation shows, and a likely use of its result: `node loop.ts <url> <key>
 * [file]`. Reads page after page, adding the limit to the offset, keeps all rows in memory, and upserts them
 * in one transaction into a plain table of the same columns. Without a file it only reads and parses, and
 * keeps nothing.
 */
import Database from 'better-sqlite3';

interface Page {
  data: Record<string, unknown>[];
  pagination: { hasMore: boolean };
}

const LIMIT = 100;
const COLUMNS = [
  'id',
  'apiKeyId',
  'username',
  'sessionId',
  'conversationId',
  'status',
  'message',
  'systemPrompt',
  'showInHistory',
  'autoExecute',
  'env',
  'error',
  'createdAt',
  'startedAt',
  'completedAt',
  'lastActivityAt',
  'messageCount',
];

const [, , url, key, file] = process.argv;
const tasks: Page['data'] = [];
for (let offset = 0, hasMore = true; hasMore; offset += LIMIT) {
  const response = await fetch(`${url}/api/v1/tasks?limit=${LIMIT}&offset=${offset}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const page = (await response.json()) as Page;
  if (file !== undefined) tasks.push(...page.data);
  ({ hasMore } = page.pagination);
}
if (file !== undefined) store(file);

function store(path: string): void {
  const db = new Database(path);
  db.exec(
    `create table tasks (${COLUMNS.map((name) => `${name}${name === 'id' ? ' primary key' : ''}`).join(', ')})`,
  );
  const upsert = db.prepare(
    `insert into tasks values (${COLUMNS.map(() => '?').join(', ')}) on conflict (id) do update set ` +
      COLUMNS.map((name) => `${name} = excluded.${name}`).join(', '),
  );
  const storeAll = db.transaction(() => {
    for (const task of tasks) upsert.run(COLUMNS.map((name) => plain(task[name])));
  });
  storeAll();
  db.close();
}

function plain(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
