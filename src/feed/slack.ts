import type { HookBody, Json } from './message.ts';

/** Characters of a task's text that a message shows. */
const SHOWN = 300;

/**
 * Returns a message for an incoming webhook of Slack, as JSON text (docs.slack.dev, "Sending messages using
 * incoming webhooks"). Nothing in it is taken for a mention or a link.
 */
export function slackText({ type, data }: HookBody): string {
  const lines = [`*${escaped(type)}*${ofSource(data['source'])}`, ...linesOf(data)];
  return JSON.stringify({ text: lines.join('\n') });
}

function ofSource(source: Json | undefined): string {
  return typeof source === 'string' ? ` (${escaped(source)})` : '';
}

function linesOf(data: HookBody['data']): string[] {
  const { task, run, counts, message } = data;
  if (isObject(task)) return taskLines(task, data['changes']);
  if (isObject(run)) {
    return [`run ${word(run['id'])}: ${word(run['outcome'])}`, ...quoted(run['error'])];
  }
  if (isObject(counts)) {
    return [
      `${word(data['events'])} events:`,
      ...Object.entries(counts).map(([type, count]) => `- ${escaped(type)}: ${word(count)}`),
    ];
  }
  return quoted(message);
}

function taskLines(task: { readonly [name: string]: Json }, changes: Json | undefined): string[] {
  const user = typeof task['username'] === 'string' ? ` by ${escaped(task['username'])}` : '';
  const fields = Array.isArray(changes)
    ? [
        ...new Set(
          (changes as readonly Json[]).flatMap((line) => (isObject(line) ? [word(line['field'])] : [])),
        ),
      ]
    : [];
  return [
    `task ${word(task['id'])}${user}: ${word(task['status'])}`,
    ...(fields.length === 0 ? [] : [`changed: ${fields.join(', ')}`]),
    ...quoted(task['message']),
    ...(task['error'] === task['message'] ? [] : quoted(task['error'])),
  ];
}

function quoted(text: Json | undefined): string[] {
  if (typeof text !== 'string' || text === '') return [];
  const short = text.length > SHOWN ? `${text.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}...` : text;
  return [`> ${escaped(short.replaceAll(/\s+/g, ' '))}`];
}

/** A text or a number on one line; nothing else is shown. */
function word(value: Json | undefined): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? escaped(value) : '';
}

/** The characters that Slack takes for the begin of something else. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
