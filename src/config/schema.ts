import * as z from 'zod';
import { checkBaseUrl } from '../base-url.ts';
import { TaskmirrorError } from '../errors.ts';
import { OMITTABLE } from '../sync/task.ts';
import { DEFAULTS } from './defaults.ts';
import { cronProblem, isTimezone } from './schedules.ts';
import type { Settings } from './settings.ts';

const MAX_SOURCES = 100;
const MAX_PATH = 4096;

/** A text of 1 to `max` characters; every rule on it fails with the same words. */
const text = (max: number, error: string) => z.string({ error }).min(1, { error }).max(max, { error });

const whole = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const number = (min: number, max: number) => {
  const error = `expected a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};

const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `expected one of ${values.join(', ')}` });

const CRON = 'expected a cron expression of five fields, or six with seconds first';
const cron = () =>
  text(200, CRON).superRefine((expression, context) => {
    const problem = cronProblem(expression);
    if (problem !== null) context.addIssue(`${CRON}: ${problem}`);
  });

const TIMEZONE = 'expected an IANA time zone such as UTC or Europe/Berlin';
const ENV_NAME = 'expected the name of an environment variable (the key itself must not stand here)';
const KEY =
  'expected one of {"env": NAME}, {"file": PATH}, {"command": TEXT} (the key itself must not stand here)';
const NAME = 'expected 1 to 64 letters, digits, dots, hyphens or underscores, a letter or digit first';
const object = { error: 'expected an object' };

const keyReference = () =>
  z.union(
    [
      z.strictObject({
        // A pasted key would otherwise pass for a name, and be repeated as one.
        env: text(256, ENV_NAME).regex(/^(?!sigmic_|eyJ)[A-Za-z_][A-Za-z0-9_]*$/, { error: ENV_NAME }),
      }),
      z.strictObject({ file: text(MAX_PATH, 'expected the path of a file') }),
      z.strictObject({ command: text(MAX_PATH, 'expected a shell command') }),
    ],
    { error: KEY },
  );

const baseUrl = () =>
  z.string({ error: 'expected a URL' }).transform((url, context) => {
    try {
      return checkBaseUrl(url);
    } catch (error) {
      if (!(error instanceof TaskmirrorError)) throw error;
      context.addIssue([error.message, error.hint].filter((part) => part !== undefined).join(' '));
      return z.NEVER;
    }
  });

/** One entry of `sources`. */
export const sourceSchema = () =>
  z.strictObject(
    {
      name: text(64, NAME)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: NAME })
        .describe('Unique name of the source.'),
      baseUrl: baseUrl()
        .prefault('https://api.sigmic.ai')
        .describe('Where the Tasks API is: https, or http to a loopback host only.'),
      apiKey: keyReference().describe(
        'Where the key is kept: an environment variable, a file (relative to this file), or a shell command that prints it. Never the key itself.',
      ),
    },
    object,
  );

const SOURCES = `expected a list of at most ${MAX_SOURCES} sources`;
const sources = () =>
  z
    .array(sourceSchema(), { error: SOURCES })
    .max(MAX_SOURCES, { error: SOURCES })
    .superRefine(refuseRepeatedNames, { when: ({ value }) => Array.isArray(value) });

const RATE = 'expected null or a number above 0, at most 1000';
const sync = () =>
  z.strictObject(
    {
      pageSize: whole(3, 100)
        .default(DEFAULTS.sync.pageSize)
        .describe('Rows asked for with one list request.'),
      concurrency: whole(1, 32)
        .default(DEFAULTS.sync.concurrency)
        .describe('Requests under way at once to one source.'),
      overlapSeconds: whole(0, 604_800)
        .default(DEFAULTS.sync.overlapSeconds)
        .describe('How far below the watermark every run that finds something new reads again.'),
      requestTimeoutSeconds: number(1, 600)
        .default(DEFAULTS.sync.requestTimeoutSeconds)
        .describe('Bound on one attempt at a request.'),
      retrySeconds: number(0, 86_400)
        .default(DEFAULTS.sync.retrySeconds)
        .describe('Bound on all attempts at one request together.'),
      maxRequestsPerSecond: z
        .number({ error: RATE })
        .gt(0, { error: RATE })
        .max(1000, { error: RATE })
        .nullable()
        .default(DEFAULTS.sync.maxRequestsPerSecond)
        .describe('Requests a second to one source; null: no limit of our own.'),
    },
    object,
  );

const log = () =>
  z.strictObject(
    {
      level: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default(DEFAULTS.log.level)
        .describe('The least severe level that is logged.'),
      format: choice(['auto', 'pretty', 'json'])
        .default(DEFAULTS.log.format)
        .describe('auto: pretty on a terminal, JSON lines otherwise.'),
    },
    object,
  );

/** What may stand in the settings file. Each schema is built when it is asked for: that takes longer than to use it. */
const SHAPE = {
  $schema: () =>
    z
      .string({ error: 'expected the address of a JSON Schema' })
      .optional()
      .describe('For editors: where the JSON Schema of this file is.'),
  database: () =>
    text(MAX_PATH, 'expected the path of a file')
      .default(DEFAULTS.database)
      .describe('The SQLite file, relative to this file.'),
  schedule: () =>
    cron()
      .default(DEFAULTS.schedule)
      .describe('When the daemon syncs: a cron expression of five fields, or six with seconds first.'),
  fullSchedule: () =>
    cron()
      .nullable()
      .default(DEFAULTS.fullSchedule)
      .describe('When the daemon reconciles, that is, walks the whole list; null: never by schedule.'),
  timezone: () =>
    text(64, TIMEZONE)
      .refine(isTimezone, { error: TIMEZONE })
      .default(DEFAULTS.timezone)
      .describe('IANA name of the time zone in which both schedules are read.'),
  sources: () => sources().prefault([]).describe('The Tasks API keys to mirror.'),
  sync: () => sync().prefault({}).describe('How a source is read.'),
  queriesFolder: () =>
    text(MAX_PATH, 'expected the path of a folder')
      .default(DEFAULTS.queriesFolder)
      .describe('The folder of the saved queries (`query @NAME` runs NAME.sql), relative to this file.'),
  omitFields: () =>
    z
      .array(choice(OMITTABLE), { error: 'expected a list of task fields' })
      .max(OMITTABLE.length, { error: `expected at most ${OMITTABLE.length} task fields` })
      .default(DEFAULTS.omitFields)
      .describe('Task fields that must never reach the disk: stored as null.'),
  searchIndex: () =>
    z
      .boolean({ error: 'expected true or false' })
      .default(DEFAULTS.searchIndex)
      .describe('Keep a full text index for "taskmirror search"; false: the next run drops it.'),
  log: () => log().prefault({}).describe('What is written to stderr.'),
} satisfies { [Name in keyof Settings]: () => z.ZodType<Settings[Name]> } & { $schema: () => z.ZodType };

/** The settings file: what may stand in it, and what holds where it says nothing. Unknown keys are refused. */
export function settingsSchema(): z.ZodObject {
  return schemaOf(Object.keys(SHAPE));
}

/** Checks what there is of the settings by {@link settingsSchema}, of which only those parts are built. */
export function checkSettings(values: Readonly<Record<string, unknown>>) {
  // Compiling a schema pays for rows by the thousand, not for what is checked once.
  const checked = schemaOf(Object.keys(values)).safeParse(values, { jitless: true });
  return checked as z.ZodSafeParseResult<Partial<Settings> & { $schema?: string }>;
}

function schemaOf(names: readonly string[]): z.ZodObject {
  const parts = Object.entries(SHAPE).filter(([name]) => names.includes(name));
  return z.strictObject(Object.fromEntries(parts.map(([name, build]) => [name, build()])), object);
}

/** The JSON Schema of the settings file, as text that ends in a newline. */
export function settingsJsonSchema(): string {
  const schema = z.toJSONSchema(settingsSchema(), { io: 'input' });
  return `${JSON.stringify({ title: 'taskmirror settings', ...schema }, null, 2)}\n`;
}

/** Runs on sources that are otherwise wrong too: every problem is to be told at once. */
function refuseRepeatedNames(list: readonly unknown[], context: z.core.$RefinementCtx): void {
  const names = list.map((item) =>
    typeof item === 'object' && item !== null && 'name' in item ? item.name : undefined,
  );
  for (const [index, name] of names.entries()) {
    if (name === undefined || names.indexOf(name) === index) continue;
    context.addIssue({
      code: 'custom',
      path: [index, 'name'],
      message: 'expected a name of its own',
      input: name,
    });
  }
}
