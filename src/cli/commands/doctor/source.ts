import { describeKey } from '../../../config/key.ts';
import type { Settings, SourceSettings } from '../../../config/settings.ts';
import { requireSources } from '../../../config/sources.ts';
import type { TaskSource } from '../../../source/source.ts';
import type { CommandContext } from '../../context.ts';
import { failure } from './doctor.ts';
import type { Check, Finding } from './doctor.ts';
import { counted, duration } from '../../../render/text.ts';

/** Time limit in ms for the one request that tries a source, retries included. */
const REQUEST_MS = 15_000;
/**
 * Clock differences in ms to warn of and to fail at. The Date header has whole seconds: smaller ones do not
 * count.
 */
const CLOCK_WARN_MS = 5_000;
const CLOCK_FAIL_MS = 60_000;

export interface SourceCheckContext extends Pick<
  CommandContext,
  'io' | 'clock' | 'log' | 'signal' | 'connect'
> {
  settings: Pick<Settings, 'database' | 'sources'>;
}

/**
 * Checks the settings (having nothing to mirror is a failure), then each source: its key is available, the
 * API accepts it, the clocks agree.
 */
export function sourceChecks(context: SourceCheckContext): Check[] {
  const { settings } = context;
  const checkSettings = async (): Promise<Finding[]> => {
    const names = requireSources(settings).map((source) => source.name);
    const sources = `${counted(names.length, 'source')} (${names.join(', ')})`;
    return [{ check: 'settings', status: 'ok', detail: `valid: ${sources}, database ${settings.database}` }];
  };
  return [
    { name: 'settings', run: checkSettings },
    ...settings.sources.map((source) => ({
      name: `source ${source.name}`,
      run: () => checkSource(source, context),
    })),
  ];
}

async function checkSource(source: SourceSettings, context: SourceCheckContext): Promise<Finding[]> {
  const key = `key ${source.name}`;
  let api: TaskSource;
  try {
    api = await context.connect(source, context.log);
  } catch (error) {
    return [failure(key, error)];
  }
  const found: Finding = {
    check: key,
    status: 'ok',
    detail: `found in ${describeKey(source, context.io.cwd)}`,
  };
  return [found, ...(await checkApi(source, api, context))];
}

async function checkApi(
  source: SourceSettings,
  api: TaskSource,
  { clock, signal }: SourceCheckContext,
): Promise<Finding[]> {
  const check = `API ${source.name}`;
  const timeout = clock.timeout(REQUEST_MS);
  const began = clock.now();
  try {
    const page = await api.list({ limit: 1, offset: 0 }, { signal: AbortSignal.any([signal, timeout]) });
    const now = clock.now();
    const total = page.total === null ? '' : `, ${counted(page.total, 'task')}`;
    const detail = `${source.baseUrl} answered in ${duration(Math.max(0, now - began))} and accepted the key${total}`;
    return [{ check, status: 'ok', detail }, checkClock(source, now, page.servedAt)];
  } catch (error) {
    signal.throwIfAborted();
    if (!timeout.aborted) return [failure(check, error)];
    return [
      {
        check,
        status: 'fail',
        detail: `${source.baseUrl} gave no usable answer within ${duration(REQUEST_MS)}`,
        hint: 'Check the network, a proxy or firewall in between, and the base URL; then try again.',
      },
    ];
  }
}

function checkClock(source: SourceSettings, now: number, servedAt: number | null): Finding {
  const check = `clock ${source.name}`;
  if (servedAt === null) return { check, status: 'ok', detail: 'not compared: the API sent no date' };
  const difference = now - servedAt;
  const size = Math.abs(difference);
  if (size <= CLOCK_WARN_MS) return { check, status: 'ok', detail: 'agrees with the API' };
  return {
    check,
    status: size > CLOCK_FAIL_MS ? 'fail' : 'warn',
    detail: `this machine is ${duration(size)} ${difference > 0 ? 'ahead of' : 'behind'} the API`,
    hint: 'Set the clock (turn on NTP): "complete through" and "ago" are off by that much.',
  };
}
