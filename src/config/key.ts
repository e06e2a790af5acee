import { UsageError } from '../model/errors.ts';
import { describeSecret, findSecret, placeOfSecret, type SecretContext } from './secret.ts';
import type { SourceSettings } from './settings.ts';

const MAX_KEY_LENGTH = 8192;
const COMMAND_TIMEOUT_SECONDS = 30;

export interface ResolvedKey {
  /** A secret: give it to the redactor before using it. */
  value: string;
  /** Where the key is kept, for errors: `environment variable SIGMIC_API_KEY`. */
  origin: string;
  /** Warnings for a person, although the key can be used. Holds no part of the key. */
  warnings: string[];
}

/**
 * Gets the key of a source as `findSecret` does, from a command within 30 s. Throws UsageError, naming source
 * and setting but never the value, if there is none or it cannot be a key.
 */
export async function resolveKey(source: SourceSettings, context: SecretContext): Promise<ResolvedKey> {
  const reference = source.apiKey;
  const origin = describeKey(source, context.cwd);
  const found = await findSecret(reference, context, COMMAND_TIMEOUT_SECONDS);
  const failure = 'failure' in found ? found.failure : keyProblem(found.text);
  if ('failure' in found || failure !== null) {
    throw new UsageError(
      'key_unusable',
      { source: source.name, ...placeOfSecret(reference, context.cwd) },
      `Source "${source.name}" has no usable key: ${origin} ${failure}.`,
    );
  }

  const warnings: string[] = [];
  if (found.isShared === true) {
    warnings.push(
      `Other users of this machine can read the key of source "${source.name}": chmod 600 its ${origin}.`,
    );
  }
  if (!/^(?:sigmic_|eyJ)/.test(found.text)) {
    warnings.push(
      `The key of source "${source.name}" (${origin}) begins with neither sigmic_ nor eyJ: it may not be a key.`,
    );
  }
  return { value: found.text, origin, warnings };
}

/** Describes where the key of a source is kept. */
export function describeKey({ apiKey }: SourceSettings, cwd: string | null): string {
  return describeSecret('apiKey', apiKey, cwd);
}

function keyProblem(text: string): string | null {
  if (text === '') return 'is empty';
  if (text.length > MAX_KEY_LENGTH) return `holds more than ${MAX_KEY_LENGTH} characters`;
  return /^[!-~]+$/.test(text) ? null : 'holds a space, a line break or a character that is not plain ASCII';
}
