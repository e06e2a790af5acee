import { parseMoment } from '../../reports/moment.ts';
import { CommandLineError } from '../command-line-error.ts';

/** The flags that limit a period, as typed. */
export interface PeriodFlags {
  since?: string | undefined;
  until?: string | undefined;
}

/** A period as UTC text, from `since` (inclusive) to `until` (exclusive); null: no bound. */
export interface Period {
  since: string | null;
  until: string | null;
}

/**
 * Parses --since and --until at `now` (ms). Throws UsageError for text that is not a moment, and for an empty
 * period.
 */
export function parsePeriod({ since, until }: PeriodFlags, now: number, timezone: string): Period {
  const moment = (text: string | undefined): string | null =>
    text === undefined ? null : parseMoment(text, now, timezone);
  const period = { since: moment(since), until: moment(until) };
  if (period.since !== null && period.until !== null && period.since >= period.until) {
    throw new CommandLineError(`--since ${since} is not before --until ${until}`);
  }
  return period;
}
