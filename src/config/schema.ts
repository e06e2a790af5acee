import * as z from 'zod/mini';
import { checkBaseUrl } from '../model/base-url.ts';
import { TaskmirrorError } from '../model/errors.ts';
import { OMITTABLE } from '../model/task.ts';
import {
  DEFAULT_BASE_URL,
  MAX_REQUESTS_PER_SECOND,
  MAX_SOURCE_NAME,
  NUMBER_BOUNDS,
  SOURCE_NAME,
  SOURCE_NAME_RULE,
  WHOLE_BOUNDS,
} from '../model/sync-settings.ts';
import { DEFAULTS } from './defaults.ts';
import { cronProblem, isTimezone } from '../platform/cron.ts';
import { DATABASE_SHAPE } from './schema-database.ts';
import { hooksSchema } from './schema-hooks.ts';
import { choice, described, number, object, secretReference, setting, text, whole } from './schema-parts.ts';
import { retention } from './schema-retention.ts';
import { MAX_PATH } from './settings-file.ts';
import { pathProblem } from '../platform/paths.ts';
import type { Settings } from './settings.ts';

const MAX_SOURCES = 100;

const CRON = 'expected a cron expression of five fields, or six with seconds first';
const cron = () =>
  text(200, CRON).check(
    z.superRefine((expression, context) => {
      const problem = cronProblem(expression);
      if (problem !== null) context.addIssue(`${CRON}: ${problem}`);
    }),
  );

const path = (expectation: string) =>
  text(MAX_PATH, expectation).check(
    z.superRefine((value, context) => {
      const problem = pathProblem(value);
      if (problem !== null) context.addIssue(problem);
    }),
  );

const TIMEZONE = 'expected an IANA time zone such as UTC or Europe/Berlin';
const NAME = `expected ${SOURCE_NAME_RULE}`;

const baseUrl = () =>
  z.pipe(
    z.string({ error: 'expected a URL' }),
    z.transform((url: string, { issues }) => {
      try {
        return checkBaseUrl(url);
      } catch (error) {
        if (!(error instanceof TaskmirrorError)) throw error;
        issues.push({ code: 'custom', message: error.message, input: url });
        return z.NEVER;
      }
    }),
  );

/** Returns the schema of one entry of `sources`. */
export const sourceSchema = () =>
  z.strictObject(
    {
      name: described(
        text(MAX_SOURCE_NAME, NAME).check(z.regex(SOURCE_NAME, { error: NAME })),
        'Unique name of the source.',
      ),
      baseUrl: described(
        z.prefault(baseUrl(), DEFAULT_BASE_URL),
        'Where the Tasks API is: https, or http to a loopback host only.',
      ),
      apiKey: described(
        secretReference('key'),
        'Where the key is kept: an environment variable, a file (relative to this file), or a shell command that prints it. Never the key itself.',
      ),
    },
    object,
  );

const SOURCES = `expected a list of at most ${MAX_SOURCES} sources`;
const sources = () =>
  z
    .array(sourceSchema(), { error: SOURCES })
    .check(
      z.maxLength(MAX_SOURCES, { error: SOURCES }),
      z.superRefine(refuseRepeatedNames, { when: ({ value }) => Array.isArray(value) }),
    );

const RATE = `expected null or a number above 0, at most ${MAX_REQUESTS_PER_SECOND}`;
const sync = () =>
  z.strictObject(
    {
      pageSize: setting(
        whole(WHOLE_BOUNDS.pageSize),
        DEFAULTS.sync.pageSize,
        'Rows requested per page of the list.',
      ),
      concurrency: setting(
        whole(WHOLE_BOUNDS.concurrency),
        DEFAULTS.sync.concurrency,
        'Most requests to one source at the same time.',
      ),
      overlapSeconds: setting(
        whole(WHOLE_BOUNDS.overlapSeconds),
        DEFAULTS.sync.overlapSeconds,
        'How far below the watermark a run that finds something new reads again.',
      ),
      requestTimeoutSeconds: setting(
        number(NUMBER_BOUNDS.requestTimeoutSeconds),
        DEFAULTS.sync.requestTimeoutSeconds,
        'Time limit for one attempt at a request.',
      ),
      retrySeconds: setting(
        number(NUMBER_BOUNDS.retrySeconds),
        DEFAULTS.sync.retrySeconds,
        'Time limit for all attempts at one request together.',
      ),
      maxRequestsPerSecond: setting(
        z.nullable(
          z
            .number({ error: RATE })
            .check(z.gt(0, { error: RATE }), z.lte(MAX_REQUESTS_PER_SECOND, { error: RATE })),
        ),
        DEFAULTS.sync.maxRequestsPerSecond,
        'Most requests per second to one source; null: no limit.',
      ),
    },
    object,
  );

const log = () =>
  z.strictObject(
    {
      level: setting(
        choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
        DEFAULTS.log.level,
        'The lowest level that is logged.',
      ),
      format: setting(
        choice(['auto', 'pretty', 'json']),
        DEFAULTS.log.format,
        'auto: pretty on a terminal, JSON lines otherwise.',
      ),
    },
    object,
  );

/** Parts of the settings file. Each schema is built on demand, since building takes longer than using it. */
const SHAPE = {
  $schema: () =>
    described(
      z.optional(z.string({ error: 'expected the address of a JSON Schema' })),
      'For editors: the address of the JSON Schema of this file.',
    ),
  ...DATABASE_SHAPE,
  schedule: () =>
    setting(
      cron(),
      DEFAULTS.schedule,
      'When the daemon syncs: a cron expression of five fields, or six with seconds first.',
    ),
  fullSchedule: () =>
    setting(
      z.nullable(cron()),
      DEFAULTS.fullSchedule,
      'When the daemon runs a full walk of the list; null: never by schedule.',
    ),
  timezone: () =>
    setting(
      text(64, TIMEZONE).check(z.refine(isTimezone, { error: TIMEZONE })),
      DEFAULTS.timezone,
      'IANA name of the time zone of both schedules, and of the days and hours in reports.',
    ),
  sources: () => described(z.prefault(sources(), []), 'The sources to mirror, one for each API key.'),
  hooks: () =>
    described(
      z.prefault(hooksSchema(refuseRepeatedNames), []),
      'Whom to tell of changes: a web address, or a program.',
    ),
  sync: () => described(z.prefault(sync(), {}), 'How a source is read.'),
  queriesFolder: () =>
    setting(
      path('expected the path of a folder'),
      DEFAULTS.queriesFolder,
      'The folder of the saved queries (`query @NAME` runs NAME.sql), relative to this file.',
    ),
  omitFields: () =>
    setting(
      z
        .array(choice(OMITTABLE), { error: 'expected a list of task fields' })
        .check(z.maxLength(OMITTABLE.length, { error: `expected at most ${OMITTABLE.length} task fields` })),
      DEFAULTS.omitFields,
      'Task fields that must never reach the disk: stored as null.',
    ),
  searchIndex: () =>
    setting(
      z.boolean({ error: 'expected true or false' }),
      DEFAULTS.searchIndex,
      'Keep a full text index for search; false: the next run drops it.',
    ),
  retention: () => described(z.prefault(retention(), {}), 'When a run deletes old data.'),
  log: () => described(z.prefault(log(), {}), 'The log on stderr.'),
} satisfies { [Name in keyof Settings]: () => z.ZodMiniType<Settings[Name]> } & {
  $schema: () => z.ZodMiniType;
};

/** Returns the schema of the settings file, with its defaults. Unknown keys are refused. */
export function settingsSchema(): z.ZodMiniObject {
  return schemaOf(Object.keys(SHAPE));
}

/** Checks the settings that are there by {@link settingsSchema}, building only those parts of it. */
export function checkSettings(values: Readonly<Record<string, unknown>>) {
  // Compiling a schema pays off for thousands of rows, not for one check.
  const checked = schemaOf(Object.keys(values)).safeParse(values, { jitless: true });
  return checked as z.util.SafeParseResult<Partial<Settings> & { $schema?: string }>;
}

function schemaOf(names: readonly string[]): z.ZodMiniObject {
  const parts = Object.entries(SHAPE).filter(([name]) => names.includes(name));
  return z.strictObject(Object.fromEntries(parts.map(([name, build]) => [name, build()])), object);
}

/** Returns the JSON Schema of the settings file, as text that ends in a newline. */
export function settingsJsonSchema(): string {
  const schema = z.toJSONSchema(settingsSchema(), { io: 'input' });
  return `${JSON.stringify({ title: 'taskmirror settings', ...schema }, null, 2)}\n`;
}

/** Also runs on sources with other errors: every problem is reported at once. */
function refuseRepeatedNames(list: readonly unknown[], context: z.core.$RefinementCtx): void {
  const names = list.map((item) =>
    typeof item === 'object' && item !== null && 'name' in item ? item.name : undefined,
  );
  for (const [index, name] of names.entries()) {
    if (name === undefined || names.indexOf(name) === index) continue;
    context.addIssue({
      code: 'custom',
      path: [index, 'name'],
      message: 'expected a unique name',
      input: name,
    });
  }
}
