import * as z from 'zod/mini';
import { HOOK_BOUNDS, HOOK_DEFAULTS, HOOK_FORMATS, MAX_HOOKS } from '../model/hook.ts';
import { EVENT_RULE, isEventPattern } from '../model/hook-events.ts';
import { hookUrlProblem } from '../model/hook-url.ts';
import { MAX_SOURCE_NAME, SOURCE_NAME, SOURCE_NAME_RULE } from '../model/sync-settings.ts';
import { choice, described, object, secretReference, setting, text, whole } from './schema-parts.ts';
import { MAX_PATH } from './settings-file.ts';

const NAME = `expected ${SOURCE_NAME_RULE}`;
const name = () => text(MAX_SOURCE_NAME, NAME).check(z.regex(SOURCE_NAME, { error: NAME }));

const MAX_EVENTS = 50;
const EVENTS = `expected a list of 1 to ${MAX_EVENTS} events`;
const EVENT = `expected ${EVENT_RULE}`;
const events = () =>
  z
    .array(z.string({ error: EVENT }).check(z.refine(isEventPattern, { error: EVENT })), { error: EVENTS })
    .check(z.minLength(1, { error: EVENTS }), z.maxLength(MAX_EVENTS, { error: EVENTS }));

const URL_EXPECTED = 'expected a URL that begins with https://';
const url = () =>
  text(2000, URL_EXPECTED).check(
    z.superRefine((value, context) => {
      const problem = hookUrlProblem(value);
      if (problem !== null) context.addIssue(problem);
    }),
  );

const MAX_WORDS = 100;
const COMMAND = `expected a list of 1 to ${MAX_WORDS} texts: the program, and its arguments`;
const command = () =>
  z
    .array(z.string({ error: COMMAND }).check(z.maxLength(MAX_PATH, { error: COMMAND })), { error: COMMAND })
    .check(
      z.minLength(1, { error: COMMAND }),
      z.maxLength(MAX_WORDS, { error: COMMAND }),
      z.refine((words) => words[0] !== '' && !words.some((word) => word.includes('\0')), { error: COMMAND }),
    );

const MAX_SOURCES = 100;
const SOURCES = `expected a list of at most ${MAX_SOURCES} names of sources`;

/** Returns the schema of one entry of `hooks`. */
export const hookSchema = () =>
  z
    .strictObject(
      {
        name: described(name(), 'Unique name of the hook. Its place in the feed is kept under it.'),
        events: described(events(), `What it is told: ${EVENT_RULE}.`),
        url: setting(
          z.nullable(url()),
          null,
          'Where events are sent by POST: https, or http to a loopback host only. Either this or `command`.',
        ),
        secret: setting(
          z.nullable(secretReference('secret')),
          null,
          'Where the secret that signs them is kept (`whsec_...`): an environment variable, a file (relative to this file), or a shell command that prints it. Never the secret itself.',
        ),
        command: setting(
          z.nullable(command()),
          null,
          'A program and its arguments, run once for each event, which it reads on stdin. No shell. A path is relative to this file.',
        ),
        format: setting(
          choice(HOOK_FORMATS),
          HOOK_DEFAULTS.format,
          'standard: Standard Webhooks, signed; slack: a message for an incoming webhook of Slack, Mattermost or Rocket.Chat.',
        ),
        afterSeconds: setting(
          whole(HOOK_BOUNDS.afterSeconds),
          HOOK_DEFAULTS.afterSeconds,
          'How long an event waits. One of a status is dropped if the task is no longer in that status then.',
        ),
        maxPerRun: setting(
          whole(HOOK_BOUNDS.maxPerRun),
          HOOK_DEFAULTS.maxPerRun,
          'Most events that are told one by one; if there are more, one `hook.digest` counts them.',
        ),
        sources: described(
          z.prefault(
            z.array(name(), { error: SOURCES }).check(z.maxLength(MAX_SOURCES, { error: SOURCES })),
            [],
          ),
          'Only events of these sources; all if empty.',
        ),
      },
      object,
    )
    .check(z.superRefine(refuseMixtures));

/** What goes with what: one target, and a secret only for what is signed. */
function refuseMixtures(
  hook: { url: unknown; command: unknown; secret: unknown; format: string },
  context: z.core.$RefinementCtx,
): void {
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message, input: undefined });
  if (hook.url === null && hook.command === null) {
    refuse('url', `${URL_EXPECTED}, or "command" instead`);
  }
  if (hook.command !== null) {
    if (hook.url !== null) refuse('command', 'expected either "url" or "command", not both');
    else if (hook.secret !== null) refuse('secret', 'expected none: what a command reads is not signed');
    if (hook.format === 'slack') refuse('format', 'expected "standard": a command reads the event itself');
  } else if (hook.format === 'slack') {
    if (hook.secret !== null) refuse('secret', 'expected none: Slack checks no signature');
  } else if (hook.url !== null && hook.secret === null) {
    refuse('secret', 'expected one of {"env": NAME}, {"file": PATH}, {"command": TEXT}');
  }
}

const HOOKS = `expected a list of at most ${MAX_HOOKS} hooks`;

/** Returns the schema of `hooks`. */
export const hooksSchema = (
  refuseRepeatedNames: (list: readonly unknown[], context: z.core.$RefinementCtx) => void,
) =>
  z
    .array(hookSchema(), { error: HOOKS })
    .check(
      z.maxLength(MAX_HOOKS, { error: HOOKS }),
      z.superRefine(refuseRepeatedNames, { when: ({ value }) => Array.isArray(value) }),
    );
