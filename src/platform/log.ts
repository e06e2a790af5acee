import { createRequire } from 'node:module';
import { TaskmirrorError } from '../model/errors.ts';
import type { Log } from '../model/log.ts';
import type { Redactor } from './redact.ts';
import { wordsOf } from './log-words.ts';
import { columnsOf, type Output, visible } from './terminal.ts';

/** A log whose children add their own fields to every line. */
export interface Logger extends Log {
  child(fields: object): Logger;
}

const require = createRequire(import.meta.url);

export interface LogSettings {
  level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** `auto`: pretty on a terminal, JSON lines otherwise. */
  format: 'auto' | 'pretty' | 'json';
}

export interface LoggerOptions extends LogSettings {
  /** Must write before it returns, as process.stderr does on POSIX, or the last lines are lost at exit. */
  stderr: Output;
  redactor: Redactor;
  /** Whether `stderr` is a terminal; decides the format `auto`. */
  isTTY: boolean;
  /** Colour in pretty lines (the caller knows NO_COLOR); JSON lines never have any. */
  color: boolean;
  /** What to do about an error, for whoever reads the log; undefined where there is nothing to say. */
  hintOf?: (error: Error) => string | undefined;
}

/**
 * Creates a logger that writes one line at a time, in this process: pretty for people, JSON lines (UTC time,
 * level by name) for programs. Every text of a line, including keys and nested fields, passes the redactor,
 * which also knows secrets added later. Errors belong under `err`: they are logged with fields and causes,
 * and with stacks unless they are our own, whose message says it all.
 *
 * Most runs of a one-shot command have nothing to log at their level, so the libraries are loaded for the
 * first line.
 */
export function createLogger(options: LoggerOptions): Logger {
  let made: Logger | undefined;
  return whenLogged(options.level, () => (made ??= createPino(options)));
}

/** From the most to the least severe; `fatal` has no method. */
const LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** Creates a log that asks for its logger at the first line that `level` lets through. */
function whenLogged(level: LogSettings['level'], logger: () => Logger): Logger {
  const method =
    (name: 'error' | 'warn' | 'info' | 'debug') =>
    (fields: object, message: string): void => {
      if (LEVELS.indexOf(name) <= LEVELS.indexOf(level)) logger()[name](fields, message);
    };
  return {
    error: method('error'),
    warn: method('warn'),
    info: method('info'),
    debug: method('debug'),
    child(fields) {
      let made: Logger | undefined;
      return whenLogged(level, () => (made ??= logger().child(fields)));
    },
  };
}

function createPino(options: LoggerOptions): Logger {
  const { pino } = require('pino') as typeof import('pino');
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && options.isTTY);
  const format = isPretty ? prettyLine(options) : jsonLine(options.redactor);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err(error: Error) {
          const whole = pino.stdSerializers.errWithCause(error);
          if (!(error instanceof TaskmirrorError)) return whole;
          return withoutStacks({ ...whole, hint: options.hintOf?.(error) });
        },
      },
    },
    { write: (line) => void options.stderr.write(format(JSON.parse(line))) },
  );
}

function withoutStacks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutStacks);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([key]) => key !== 'stack');
  return Object.fromEntries(fields.map(([key, item]) => [key, withoutStacks(item)]));
}

function jsonLine(redactor: Redactor): (entry: unknown) => string {
  return (entry) => `${JSON.stringify(mapTexts(entry, (text) => redactor.redact(text)))}\n`;
}

/** As pino-pretty writes it: `[2026-01-26 12:00:00Z] WARN: `. */
const TIME = 'UTC:yyyy-mm-dd HH:MM:ss"Z"';
const TIME_LENGTH = 22;

function prettyLine({ redactor, color, stderr }: LoggerOptions): (entry: unknown) => string {
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  const format = prettyFactory({
    colorize: color,
    singleLine: true,
    translateTime: TIME,
  });
  return (entry) => {
    const safe = mapTexts(entry, (text) => visible(redactor.redact(text))) as PrettyEntry;
    const { level, time, msg, ...fields } = safe;
    // Where an error of another kind comes from is for whoever mends it.
    const { err, ...others } = fields;
    const isOurs = err?.stack === undefined;
    const prefix = TIME_LENGTH + ` ${level}: `.length;
    const words = wordsOf(msg, isOurs ? fields : others, { columns: columnsOf(stderr), prefix });
    return format({ level, time, msg: words, ...(isOurs ? {} : { err }) });
  };
}

interface PrettyEntry {
  level: string;
  time: string;
  msg: string;
  err?: { stack?: string };
}

/** Works on the parsed line, so that the line stays well formed whatever is replaced. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [map(key), mapTexts(item, map)]));
}
