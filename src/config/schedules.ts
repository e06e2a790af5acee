import { createRequire } from 'node:module';

/** What node-cron 4.6 accepts, less its nicknames (@daily); null where nothing is wrong. */
export function cronProblem(expression: string): string | null {
  const fields = expression.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6) return `it has ${fields} ${fields === 1 ? 'field' : 'fields'}`;
  // node-cron expands a range before it checks its edges: 0-99999999 keeps it busy for 20 seconds.
  if (/\d{3}/.test(expression)) return 'it holds a number of three digits';
  // Every command reads the settings, and few settings name a schedule: whoever does pays for the library.
  const { validateDetailed } = createRequire(import.meta.url)('node-cron') as typeof import('node-cron');
  const { valid, errors } = validateDetailed(expression);
  return valid ? null : errors.map((error) => error.message).join('; ');
}

/** Whether a name is one of the IANA time zones that this Node knows. */
export function isTimezone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
